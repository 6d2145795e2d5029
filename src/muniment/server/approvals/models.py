"""Versions of the rules of approval, delegations and their ends. Nothing here is changed or removed."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from muniment.server.tenants.identifiers import new_id
from muniment.server.tenants.isolation import APPEND_ONLY, TenantIsolation


def version_id() -> str:
    """`wfv_…`."""
    return new_id("wfv")


def delegation_id() -> str:
    """`dlg_…`."""
    return new_id("dlg")


class RulesVersion(models.Model):
    """One version of the rules; the newest is in force. `content` is its canonical JSON, `digest` that text's SHA-256.

    `seq` is the entry that recorded the version, `event` that entry's reference.
    """

    id = models.CharField(primary_key=True, max_length=30, default=version_id, editable=False)
    tenant_id = models.UUIDField()
    number = models.PositiveIntegerField()
    content = models.TextField()
    digest = models.CharField(max_length=64)
    comment = models.TextField(blank=True)
    created_by = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    seq = models.BigIntegerField()
    event = models.CharField(max_length=96)

    class Meta:
        """Database facts."""

        db_table = "approvals_rules"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="approvals_rules_tenant", grants=APPEND_ONLY),
            models.UniqueConstraint(name="approvals_rules_number", fields=["tenant_id", "number"]),
        ]


class Delegation(models.Model):
    """Somebody is away, and somebody else decides for them meanwhile; nobody does where `delegate` is "".

    Days are those of `zone`; `begins` and `ends` are the moments at which the first begins there and the last is over.
    """

    id = models.CharField(primary_key=True, max_length=30, default=delegation_id, editable=False)
    tenant_id = models.UUIDField()
    person = models.CharField(max_length=64)
    delegate = models.CharField(max_length=64, blank=True)
    first_day = models.DateField()
    last_day = models.DateField()
    zone = models.CharField(max_length=64)
    begins = models.DateTimeField()
    ends = models.DateTimeField()
    comment = models.TextField(blank=True)
    created_by = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    seq = models.BigIntegerField()
    event = models.CharField(max_length=96)

    class Meta:
        """Database facts."""

        db_table = "approvals_delegation"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="approvals_delegation_tenant", grants=APPEND_ONLY)
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(name="approvals_delegation_person", fields=["tenant_id", "person", "-ends"]),
            models.Index(name="approvals_delegation_ends", fields=["tenant_id", "-ends"]),
        ]


class Revocation(models.Model):
    """The end of a delegation before its last day."""

    delegation = models.CharField(primary_key=True, max_length=30)
    tenant_id = models.UUIDField()
    by = models.CharField(max_length=64)
    at = models.DateTimeField()
    comment = models.TextField(blank=True)
    seq = models.BigIntegerField()
    event = models.CharField(max_length=96)

    class Meta:
        """Database facts."""

        db_table = "approvals_revocation"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="approvals_revocation_tenant", grants=APPEND_ONLY)
        ]
