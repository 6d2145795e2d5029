"""Which reminders went out: each once."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from muniment.server.tenants.isolation import APPEND_ONLY, TenantIsolation


class Mark(models.Model):
    """That people were reminded of an exception at a mark, such as `expiring:30`. Never changed, and there once."""

    id = models.BigAutoField(primary_key=True)
    tenant_id = models.UUIDField()
    exception = models.CharField(max_length=30)
    mark = models.CharField(max_length=48)
    people = models.PositiveIntegerField()
    at = models.DateTimeField()

    class Meta:
        """Database facts."""

        db_table = "reminders_mark"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="reminders_mark_tenant", grants=APPEND_ONLY),
            models.UniqueConstraint(name="reminders_mark_once", fields=["tenant_id", "exception", "mark"]),
        ]
