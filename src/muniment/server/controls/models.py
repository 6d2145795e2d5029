"""Versions of the tenant's own controls. Nothing here is changed or removed; each row has its entry in the ledger."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from muniment.server.tenants.identifiers import new_id
from muniment.server.tenants.isolation import APPEND_ONLY, TenantIsolation


def version_id() -> str:
    """`ctl_…`."""
    return new_id("ctl")


class OwnControl(models.Model):
    """One version of a control; the newest version of a `code` is the control as it stands.

    `seq` is the entry that recorded the version, `event` that entry's reference.
    """

    id = models.CharField(primary_key=True, max_length=30, default=version_id, editable=False)
    tenant_id = models.UUIDField()
    code = models.CharField(max_length=60)
    number = models.PositiveIntegerField()
    statement = models.TextField()
    owner = models.CharField(max_length=64, blank=True)
    frequency = models.CharField(max_length=12)
    procedure = models.TextField(blank=True)
    criteria = ArrayField(models.CharField(max_length=64), default=list)
    status = models.CharField(max_length=8)
    retired_on = models.DateField(null=True)
    reason = models.TextField(blank=True)
    created_by = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    seq = models.BigIntegerField()
    event = models.CharField(max_length=96)

    class Meta:
        """Database facts."""

        db_table = "controls_control"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="controls_control_tenant", grants=APPEND_ONLY),
            models.UniqueConstraint(name="controls_control_number", fields=["tenant_id", "code", "number"]),
        ]

    @property
    def control(self) -> str:
        """The control id, as it stands in entries, populations and mappings: `own:AI-7`."""
        return f"own:{self.code}"
