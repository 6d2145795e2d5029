"""Exports: what was asked for, and under which checkpoint and mapping. Never changed; each row has its entry."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from muniment.server.tenants.identifiers import new_id
from muniment.server.tenants.isolation import APPEND_ONLY, TenantIsolation


def export_id() -> str:
    """`exp_…`."""
    return new_id("exp")


class Export(models.Model):
    """A question to the log, the range it was put to, and a format. `seq` is the entry that recorded it."""

    id = models.CharField(primary_key=True, max_length=30, default=export_id, editable=False)
    tenant_id = models.UUIDField()
    format = models.CharField(max_length=16)
    question = models.TextField()
    evidence = models.TextField()
    names = models.BooleanField(default=False)
    log = models.CharField(max_length=255)
    size = models.BigIntegerField()
    root = models.CharField(max_length=64)
    sealed_at = models.DateTimeField()
    mapping = models.CharField(max_length=64)
    mapping_digest = models.CharField(max_length=64)
    api = models.CharField(max_length=300)
    software = models.CharField(max_length=40)
    count = models.BigIntegerField()
    created_by = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    seq = models.BigIntegerField()
    event = models.CharField(max_length=96)

    class Meta:
        """Database facts."""

        db_table = "exports_export"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="exports_export_tenant", grants=APPEND_ONLY)
        ]
