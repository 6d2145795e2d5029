"""Exceptions, the steps they took, the decisions on them, and what those decisions rest on.

An exception's row goes on by its steps only, which triggers hold; everything else here is never changed.
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from muniment.server.tenants.identifiers import new_id
from muniment.server.tenants.isolation import APPEND_ONLY, NEVER_REMOVED, TenantIsolation


def exception_id() -> str:
    """`exc_…`."""
    return new_id("exc")


def step_id() -> str:
    """`exs_…`."""
    return new_id("exs")


def decision_id() -> str:
    """`exd_…`."""
    return new_id("exd")


class PolicyException(models.Model):
    """Something that is not complied with, for a limited time.

    `steps` counts the steps taken, `round` how often it was submitted, `level` the approvals of this round, `levels`
    how many it needs. `starts_at` and `ends_at` are the first instants of the first day and after the last one in
    `zone`, `soon_at` that of the day on which its version of the rules has the first reminder of its end: from then on
    it expires soon. `seq` is the entry that recorded the draft, `event` that entry's reference.
    """

    id = models.CharField(primary_key=True, max_length=30, default=exception_id, editable=False)
    tenant_id = models.UUIDField()
    title = models.CharField(max_length=200)
    policy_id = models.CharField(max_length=30)
    scope = models.TextField()
    reason = models.TextField()
    risk_level = models.CharField(max_length=8)
    residual_risk = models.TextField()
    compensating = models.TextField(blank=True)
    controls = ArrayField(models.CharField(max_length=96), default=list)
    compensating_controls = ArrayField(models.CharField(max_length=96), default=list)
    assets = ArrayField(models.CharField(max_length=30), default=list)
    evidence = ArrayField(models.CharField(max_length=30), default=list)
    starts_on = models.DateField(null=True)
    expires_on = models.DateField()
    zone = models.CharField(max_length=64)
    requested_by = models.CharField(max_length=64)
    owner = models.CharField(max_length=64)
    state = models.CharField(max_length=16)
    steps = models.PositiveIntegerField(default=0)
    round = models.PositiveIntegerField(default=0)
    level = models.PositiveIntegerField(default=0)
    levels = models.PositiveIntegerField(default=0)
    rules = models.CharField(max_length=30, blank=True)
    renews = models.CharField(max_length=30, blank=True)
    chain = models.CharField(max_length=30)
    created_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True)
    starts_at = models.DateTimeField(null=True)
    soon_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    approved_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    stale_at = models.DateTimeField(null=True)
    attested_at = models.DateTimeField(null=True)
    seq = models.BigIntegerField()
    event = models.CharField(max_length=96)

    class Meta:
        """Database facts."""

        db_table = "exceptions_exception"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="exceptions_exception_tenant", grants=NEVER_REMOVED),
            models.UniqueConstraint(
                name="exceptions_exception_renewed_once",
                fields=["tenant_id", "renews"],
                condition=~Q(renews="") & ~Q(state__in=["rejected", "withdrawn", "revoked"]),
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(name="exceptions_exception_state", fields=["tenant_id", "state", "ends_at"]),
            models.Index(name="exceptions_exception_newest", fields=["tenant_id", "-created_at", "-id"]),
            models.Index(name="exceptions_exception_chain", fields=["tenant_id", "chain"]),
            models.Index(name="exceptions_exception_asked", fields=["tenant_id", "requested_by"]),
        ]


class Step(models.Model):
    """One step that an exception took: from `source` to `target`, the `number`-th, in the `round`-th submission.

    `at` is when it took effect by the server's clock; the entry `seq` has the ledger's time.
    """

    id = models.CharField(primary_key=True, max_length=30, default=step_id, editable=False)
    tenant_id = models.UUIDField()
    # No foreign keys between tenant tables: the database would check them past row level security.
    exception = models.CharField(max_length=30)
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=16)
    source = models.CharField(max_length=16, blank=True)
    target = models.CharField(max_length=16)
    round = models.PositiveIntegerField()
    level = models.PositiveIntegerField(default=0)
    by = models.CharField(max_length=64)
    on_behalf_of = models.CharField(max_length=64, blank=True)
    comment = models.TextField(blank=True)
    at = models.DateTimeField()
    seq = models.BigIntegerField()
    event = models.CharField(max_length=96)

    class Meta:
        """Database facts."""

        db_table = "exceptions_step"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="exceptions_step_tenant", grants=APPEND_ONLY),
            models.UniqueConstraint(name="exceptions_step_number", fields=["tenant_id", "exception", "number"]),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(name="exceptions_step_by", fields=["tenant_id", "by", "-at"])
        ]


class Decision(models.Model):
    """What a decision applied to, frozen: canonical JSON. `basis` is the digest of what it rests on alone."""

    id = models.CharField(primary_key=True, max_length=30, default=decision_id, editable=False)
    tenant_id = models.UUIDField()
    exception = models.CharField(max_length=30)
    step = models.CharField(max_length=30)
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=16)
    content = models.TextField()
    basis = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    at = models.DateTimeField()
    seq = models.BigIntegerField()
    event = models.CharField(max_length=96)

    class Meta:
        """Database facts."""

        db_table = "exceptions_decision"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="exceptions_decision_tenant", grants=APPEND_ONLY),
            models.UniqueConstraint(name="exceptions_decision_step", fields=["tenant_id", "step"]),
            models.UniqueConstraint(name="exceptions_decision_number", fields=["tenant_id", "exception", "number"]),
        ]


class Rest(models.Model):
    """One thing on which a decision rests, by its digest at that time; for finding what a change makes stale."""

    id = models.BigAutoField(primary_key=True)
    tenant_id = models.UUIDField()
    exception = models.CharField(max_length=30)
    decision = models.CharField(max_length=30)
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=16)
    subject = models.CharField(max_length=96)
    digest = models.CharField(max_length=64)

    class Meta:
        """Database facts."""

        db_table = "exceptions_rest"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="exceptions_rest_tenant", grants=APPEND_ONLY)
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(name="exceptions_rest_subject", fields=["tenant_id", "kind", "subject"]),
            models.Index(name="exceptions_rest_decision", fields=["tenant_id", "decision"]),
        ]


class Pending(models.Model):
    """A change that makes more decisions stale than one transaction should mark; the background job marks them."""

    id = models.BigAutoField(primary_key=True)
    tenant_id = models.UUIDField()
    kind = models.CharField(max_length=16)
    subject = models.CharField(max_length=96)
    digest = models.CharField(max_length=64)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Database facts."""

        db_table = "exceptions_pending"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="exceptions_pending_tenant", grants=("SELECT", "INSERT", "DELETE"))
        ]
