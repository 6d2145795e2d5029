"""Policies, verdicts and releases. All three are only ever added to: the database grants nothing else."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from muniment.server.tenants.identifiers import new_id
from muniment.server.tenants.isolation import APPEND_ONLY, TenantIsolation


def policy_id() -> str:
    """`dpv_…`."""
    return new_id("dpv")


def verdict_id() -> str:
    """`dvd_…`."""
    return new_id("dvd")


def release_id() -> str:
    """`drl_…`."""
    return new_id("drl")


class PolicyVersion(models.Model):
    """What files are searched for and what is done where something is found; the newest is in force."""

    id = models.CharField(primary_key=True, max_length=30, default=policy_id, editable=False)
    tenant_id = models.UUIDField()
    number = models.PositiveIntegerField()
    said = models.TextField()
    created_by = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    seq = models.BigIntegerField()

    class Meta:
        """Database facts."""

        db_table = "dlp_policyversion"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="dlp_policyversion_tenant", grants=APPEND_ONLY),
            models.UniqueConstraint(name="dlp_policyversion_number", fields=["tenant_id", "number"]),
        ]


class Verdict(models.Model):
    """What was found in a file and what was done. It holds kinds and counts, and never a value that was found.

    `subject` is the id of what the file became, "" where its bytes were not kept. `attached_by` brought it.
    """

    id = models.CharField(primary_key=True, max_length=30, default=verdict_id, editable=False)
    tenant_id = models.UUIDField()
    kind = models.CharField(max_length=32)
    subject = models.CharField(max_length=30, blank=True)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    action = models.CharField(max_length=16)
    findings = models.TextField()
    antivirus = models.CharField(max_length=200)
    policy = models.PositiveIntegerField()
    attached_by = models.CharField(max_length=64)
    created_by = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    seq = models.BigIntegerField()

    class Meta:
        """Database facts."""

        db_table = "dlp_verdict"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="dlp_verdict_tenant", grants=APPEND_ONLY),
            models.CheckConstraint(
                name="dlp_verdict_action", condition=models.Q(action__in=["allow", "quarantine", "block"])
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(name="dlp_verdict_subject", fields=["tenant_id", "subject", "seq"]),
            models.Index(name="dlp_verdict_newest", fields=["tenant_id", "action", "seq"]),
        ]


class Release(models.Model):
    """That somebody took a file out of quarantine, and why."""

    id = models.CharField(primary_key=True, max_length=30, default=release_id, editable=False)
    tenant_id = models.UUIDField()
    verdict = models.CharField(max_length=30)
    reason = models.TextField()
    created_by = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    seq = models.BigIntegerField()

    class Meta:
        """Database facts."""

        db_table = "dlp_release"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="dlp_release_tenant", grants=APPEND_ONLY),
            models.UniqueConstraint(name="dlp_release_verdict", fields=["tenant_id", "verdict"]),
        ]
