"""Tasks, findings, incidents and the steps that they took.

A row goes on by its steps only, which triggers hold; steps are never changed.
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from muniment.server.tenants.identifiers import new_id
from muniment.server.tenants.isolation import APPEND_ONLY, NEVER_REMOVED, TenantIsolation


def task_id() -> str:
    """`tsk_…`."""
    return new_id("tsk")


def finding_id() -> str:
    """`fnd_…`."""
    return new_id("fnd")


def incident_id() -> str:
    """`inc_…`."""
    return new_id("inc")


def step_id() -> str:
    """`stp_…`."""
    return new_id("stp")


class Task(models.Model):
    """Something to be done for a control.

    `number` counts the steps taken, `seq` is the entry of the newest. `series` is the id of a task's first turn,
    `turn` counts from 0, and `due_day` is the day of the month to which a task that comes again comes back.
    """

    id = models.CharField(primary_key=True, max_length=30, default=task_id, editable=False)
    tenant_id = models.UUIDField()
    state = models.CharField(max_length=12)
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    text = models.TextField(blank=True)
    controls = ArrayField(models.CharField(max_length=96), default=list)
    owner = models.CharField(max_length=64)
    due_on = models.DateField()
    recurrence = models.CharField(max_length=12)
    finding = models.CharField(max_length=30, blank=True)
    series = models.CharField(max_length=30)
    turn = models.PositiveIntegerField()
    due_day = models.PositiveSmallIntegerField()
    created_by = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    seq = models.BigIntegerField()
    event = models.CharField(max_length=96)

    class Meta:
        """Database facts."""

        db_table = "remediation_task"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="remediation_task_tenant", grants=NEVER_REMOVED),
            models.UniqueConstraint(name="remediation_task_turn", fields=["tenant_id", "series", "turn"]),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(name="remediation_task_due", fields=["tenant_id", "state", "due_on", "id"]),
        ]


class Finding(models.Model):
    """Something that is not as it should be, until it is remediated or accepted."""

    id = models.CharField(primary_key=True, max_length=30, default=finding_id, editable=False)
    tenant_id = models.UUIDField()
    state = models.CharField(max_length=12)
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    text = models.TextField(blank=True)
    severity = models.CharField(max_length=8)
    source = models.CharField(max_length=12)
    reference = models.CharField(max_length=200, blank=True)
    controls = ArrayField(models.CharField(max_length=96), default=list)
    asset = models.CharField(max_length=30, blank=True)
    incident = models.CharField(max_length=30, blank=True)
    owner = models.CharField(max_length=64, blank=True)
    due_on = models.DateField(null=True)
    resolved_by = models.CharField(max_length=64, blank=True)
    verified_by = models.CharField(max_length=64, blank=True)
    exception = models.CharField(max_length=30, blank=True)
    created_by = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    seq = models.BigIntegerField()
    event = models.CharField(max_length=96)

    class Meta:
        """Database facts."""

        db_table = "remediation_finding"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="remediation_finding_tenant", grants=NEVER_REMOVED)
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(name="remediation_finding_exception", fields=["tenant_id", "exception"]),
            models.Index(name="remediation_finding_incident", fields=["tenant_id", "incident"]),
        ]


class Incident(models.Model):
    """Something that happened; `entries` are places of the ledger that tell of it."""

    id = models.CharField(primary_key=True, max_length=30, default=incident_id, editable=False)
    tenant_id = models.UUIDField()
    state = models.CharField(max_length=12)
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    text = models.TextField(blank=True)
    severity = models.CharField(max_length=8)
    owner = models.CharField(max_length=64, blank=True)
    started_at = models.DateTimeField()
    detected_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    lessons = models.TextField(blank=True)
    entries = ArrayField(models.BigIntegerField(), default=list)
    created_by = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    seq = models.BigIntegerField()
    event = models.CharField(max_length=96)

    class Meta:
        """Database facts."""

        db_table = "remediation_incident"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="remediation_incident_tenant", grants=NEVER_REMOVED)
        ]


class Step(models.Model):
    """One step of a task, a finding or an incident; never changed. `evidence` are ids of attachments."""

    id = models.CharField(primary_key=True, max_length=30, default=step_id, editable=False)
    tenant_id = models.UUIDField()
    kind = models.CharField(max_length=8)
    item = models.CharField(max_length=30)
    number = models.PositiveIntegerField()
    step = models.CharField(max_length=12)
    before = models.CharField(max_length=12, blank=True)
    after = models.CharField(max_length=12)
    comment = models.TextField(blank=True)
    evidence = ArrayField(models.CharField(max_length=30), default=list)
    exception = models.CharField(max_length=30, blank=True)
    by = models.CharField(max_length=64)
    at = models.DateTimeField()
    seq = models.BigIntegerField()
    event = models.CharField(max_length=96)

    class Meta:
        """Database facts."""

        db_table = "remediation_step"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="remediation_step_tenant", grants=APPEND_ONLY),
            models.UniqueConstraint(name="remediation_step_number", fields=["tenant_id", "kind", "item", "number"]),
        ]
