"""Versions of policies. Nothing here is changed or removed; each row has its entry in the ledger."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Lower

from muniment.server.tenants.identifiers import new_id
from muniment.server.tenants.isolation import APPEND_ONLY, TenantIsolation


def policy_id() -> str:
    """`pol_…`."""
    return new_id("pol")


def version_id() -> str:
    """`plv_…`."""
    return new_id("plv")


class PolicyVersion(models.Model):
    """One version of a policy; the newest version of a `policy` is the policy as it stands.

    `digest` is that of what the version says, `seq` the entry that recorded it, `event` that entry's reference.
    """

    id = models.CharField(primary_key=True, max_length=30, default=version_id, editable=False)
    tenant_id = models.UUIDField()
    policy = models.CharField(max_length=30)
    number = models.PositiveIntegerField()
    code = models.CharField(max_length=60)
    title = models.CharField(max_length=200)
    text = models.TextField(blank=True)
    link = models.CharField(max_length=2_000, blank=True)
    owner = models.CharField(max_length=64)
    effective_on = models.DateField()
    status = models.CharField(max_length=8)
    reason = models.TextField(blank=True)
    digest = models.CharField(max_length=64)
    created_by = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    seq = models.BigIntegerField()
    event = models.CharField(max_length=96)

    class Meta:
        """Database facts."""

        db_table = "policies_policy"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="policies_policy_tenant", grants=APPEND_ONLY),
            models.UniqueConstraint(name="policies_policy_number", fields=["tenant_id", "policy", "number"]),
            models.UniqueConstraint("tenant_id", Lower("code"), "number", name="policies_policy_code"),
        ]
