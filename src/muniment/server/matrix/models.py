"""What was counted already, so that a matrix counts only what is new. All of it can be counted again from the log."""

from __future__ import annotations

from typing import ClassVar
from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models

from muniment.server.tenants.isolation import TenantIsolation


class Counted(models.Model):
    """How far a log is counted: the places before `size`; the last of them was recorded at `at`."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    tenant_id = models.UUIDField()
    log = models.CharField(max_length=255)
    size = models.BigIntegerField()
    at = models.DateTimeField(null=True)

    class Meta:
        """Database facts."""

        db_table = "matrix_counted"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="matrix_counted_tenant"),
            models.UniqueConstraint(name="matrix_counted_log", fields=["tenant_id", "log"]),
        ]


class CountOfDay(models.Model):
    """Entries of one day with the same action and the same control ids: how many, and the last of them."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    tenant_id = models.UUIDField()
    log = models.CharField(max_length=255)
    day = models.DateField()
    action = models.CharField(max_length=64)
    controls = ArrayField(models.CharField(max_length=64))
    entries = models.BigIntegerField()
    last = models.BigIntegerField()
    last_at = models.DateTimeField()

    class Meta:
        """Database facts."""

        db_table = "matrix_countofday"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="matrix_countofday_tenant"),
            models.UniqueConstraint(
                name="matrix_countofday_what", fields=["tenant_id", "log", "day", "action", "controls"]
            ),
        ]
