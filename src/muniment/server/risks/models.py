"""Matrices, risks with their versions, acceptances with their decisions, snapshots. Versions are never changed."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from muniment.server.risks.acceptance import ACCEPTED, PROPOSED
from muniment.server.tenants.identifiers import new_id
from muniment.server.tenants.isolation import APPEND_ONLY, NEVER_REMOVED, TenantIsolation


def matrix_id() -> str:
    """`rmx_…`."""
    return new_id("rmx")


def risk_id() -> str:
    """`rsk_…`."""
    return new_id("rsk")


def version_id() -> str:
    """`rsv_…`."""
    return new_id("rsv")


def acceptance_id() -> str:
    """`rac_…`."""
    return new_id("rac")


def decision_id() -> str:
    """`rad_…`."""
    return new_id("rad")


def snapshot_id() -> str:
    """`rsn_…`."""
    return new_id("rsn")


class MatrixVersion(models.Model):
    """One version of the tenant's matrix; the newest is in force. `content` is its canonical JSON."""

    id = models.CharField(primary_key=True, max_length=30, default=matrix_id, editable=False)
    tenant_id = models.UUIDField()
    version = models.PositiveIntegerField()
    content = models.TextField()
    digest = models.CharField(max_length=64)
    reason = models.TextField(blank=True)
    created_by = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    seq = models.BigIntegerField()
    event = models.CharField(max_length=96)

    class Meta:
        """Database facts."""

        db_table = "risks_matrix"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="risks_matrix_tenant", grants=APPEND_ONLY),
            models.UniqueConstraint(name="risks_matrix_version", fields=["tenant_id", "version"]),
        ]


class Risk(models.Model):
    """A risk as it stands: what its newest version says. A trigger lets it say nothing else.

    `inherent`, `current` and `residual` are codes of cells (`Cell.code`), `size` the size of the matrix that they are
    places of, `matrix` its version (0: the one that holds where none was defined). `ruling` is the first that is there
    of current, residual and inherent, else 0; `score` its product, `level` its band on that matrix.
    `chain` is the first exception of the chain that it mirrors; a chain has one risk.
    """

    id = models.CharField(primary_key=True, max_length=30, default=risk_id, editable=False)
    tenant_id = models.UUIDField()
    origin = models.CharField(max_length=12)
    chain = models.CharField(max_length=30, blank=True)
    state = models.CharField(max_length=12)
    version = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    owner = models.CharField(max_length=64, blank=True)
    treatment = models.CharField(max_length=12)
    plan = models.TextField(blank=True)
    review_on = models.DateField()
    inherent = models.PositiveSmallIntegerField(null=True)
    current = models.PositiveSmallIntegerField(null=True)
    residual = models.PositiveSmallIntegerField(null=True)
    matrix = models.PositiveIntegerField()
    size = models.CharField(max_length=5)
    ruling = models.PositiveSmallIntegerField(default=0)
    score = models.PositiveSmallIntegerField(default=0)
    level = models.CharField(max_length=12, blank=True)
    exceptions = ArrayField(models.CharField(max_length=96), default=list)
    controls = ArrayField(models.CharField(max_length=96), default=list)
    assets = ArrayField(models.CharField(max_length=96), default=list)
    findings = ArrayField(models.CharField(max_length=96), default=list)
    opened_by = models.CharField(max_length=64)
    opened_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    seq = models.BigIntegerField()
    event = models.CharField(max_length=96)

    class Meta:
        """Database facts."""

        db_table = "risks_risk"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="risks_risk_tenant", grants=NEVER_REMOVED),
            models.UniqueConstraint(
                name="risks_risk_chain", fields=["tenant_id", "chain"], condition=~models.Q(chain="")
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(name="risks_risk_changed", fields=["tenant_id", "-changed_at", "-id"]),
            models.Index(name="risks_risk_review", fields=["tenant_id", "review_on", "id"]),
            models.Index(name="risks_risk_score", fields=["tenant_id", "-score", "-id"]),
        ]


class RiskVersion(models.Model):
    """One version of a risk: `content` is its canonical JSON, `digest` the SHA-256 of that."""

    id = models.CharField(primary_key=True, max_length=30, default=version_id, editable=False)
    tenant_id = models.UUIDField()
    risk = models.CharField(max_length=30)
    version = models.PositiveIntegerField()
    content = models.TextField()
    digest = models.CharField(max_length=64)
    step = models.CharField(max_length=12)
    cause = models.CharField(max_length=40, blank=True)
    by = models.CharField(max_length=64)
    at = models.DateTimeField()
    seq = models.BigIntegerField()
    event = models.CharField(max_length=96)

    class Meta:
        """Database facts."""

        db_table = "risks_version"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="risks_version_tenant", grants=APPEND_ONLY),
            models.UniqueConstraint(name="risks_version_number", fields=["tenant_id", "risk", "version"]),
        ]


class Acceptance(models.Model):
    """That somebody proposes to accept a risk as it stands, until a day; and what became of it."""

    id = models.CharField(primary_key=True, max_length=30, default=acceptance_id, editable=False)
    tenant_id = models.UUIDField()
    risk = models.CharField(max_length=30)
    version = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    owner = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=12)
    until = models.DateField()
    zone = models.CharField(max_length=64)
    reason = models.TextField()
    proposed_by = models.CharField(max_length=64)
    proposed_at = models.DateTimeField()
    ended_by = models.CharField(max_length=64, blank=True)
    ended_at = models.DateTimeField(null=True)
    ended_why = models.TextField(blank=True)
    seq = models.BigIntegerField()
    event = models.CharField(max_length=96)

    class Meta:
        """Database facts."""

        db_table = "risks_acceptance"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="risks_acceptance_tenant", grants=NEVER_REMOVED),
            models.UniqueConstraint(
                name="risks_acceptance_waiting", fields=["tenant_id", "risk"], condition=models.Q(state=PROPOSED)
            ),
            models.UniqueConstraint(
                name="risks_acceptance_in_force", fields=["tenant_id", "risk"], condition=models.Q(state=ACCEPTED)
            ),
        ]


class AcceptanceDecision(models.Model):
    """What was decided on a proposal, and all that it applied to: `content` is canonical JSON, `digest` its SHA-256."""

    id = models.CharField(primary_key=True, max_length=30, default=decision_id, editable=False)
    tenant_id = models.UUIDField()
    acceptance = models.CharField(max_length=30)
    risk = models.CharField(max_length=30)
    verdict = models.CharField(max_length=12)
    by = models.CharField(max_length=64)
    at = models.DateTimeField()
    comment = models.TextField()
    content = models.TextField()
    digest = models.CharField(max_length=64)
    seq = models.BigIntegerField()
    event = models.CharField(max_length=96)

    class Meta:
        """Database facts."""

        db_table = "risks_decision"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="risks_decision_tenant", grants=APPEND_ONLY),
            models.UniqueConstraint(name="risks_decision_once", fields=["tenant_id", "acceptance"]),
        ]


class Snapshot(models.Model):
    """The register as it stood: counts in `content` (canonical JSON), and in `register` a digest over every risk."""

    id = models.CharField(primary_key=True, max_length=30, default=snapshot_id, editable=False)
    tenant_id = models.UUIDField()
    day = models.DateField()
    daily = models.BooleanField()
    at = models.DateTimeField()
    by = models.CharField(max_length=64)
    register = models.CharField(max_length=64)
    content = models.TextField()
    digest = models.CharField(max_length=64)
    seq = models.BigIntegerField()
    event = models.CharField(max_length=96)

    class Meta:
        """Database facts."""

        db_table = "risks_snapshot"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="risks_snapshot_tenant", grants=APPEND_ONLY),
            models.UniqueConstraint(
                name="risks_snapshot_daily", fields=["tenant_id", "day"], condition=models.Q(daily=True)
            ),
        ]
