"""Reports as they were made. Nothing here is changed or removed; each row has its entry in the ledger."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from muniment.server.tenants.identifiers import new_id
from muniment.server.tenants.isolation import APPEND_ONLY, TenantIsolation


def report_id() -> str:
    """`rep_…`."""
    return new_id("rep")


class Report(models.Model):
    """A report. `scope` is what it was made of, as canonical JSON; `seq` the entry that recorded it."""

    id = models.CharField(primary_key=True, max_length=30, default=report_id, editable=False)
    tenant_id = models.UUIDField()
    kind = models.CharField(max_length=16)
    title = models.CharField(max_length=200)
    scope = models.TextField()
    log = models.CharField(max_length=255)
    size = models.BigIntegerField()
    root = models.CharField(max_length=64)
    numbers = models.PositiveIntegerField()
    questions = models.CharField(max_length=64)
    sha256 = models.CharField(max_length=64)
    length = models.PositiveIntegerField()
    pdf = models.BinaryField()
    created_by = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    seq = models.BigIntegerField()
    event = models.CharField(max_length=96)

    class Meta:
        """Database facts."""

        db_table = "reports_report"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="reports_report_tenant", grants=APPEND_ONLY),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(name="reports_report_newest", fields=["tenant_id", "-created_at"]),
        ]
