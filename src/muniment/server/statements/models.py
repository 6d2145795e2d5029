"""Statements that were issued. Nothing here is changed or removed; each row has its entry in the ledger."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from muniment.server.tenants.identifiers import new_id
from muniment.server.tenants.isolation import APPEND_ONLY, TenantIsolation


def statement_id() -> str:
    """`stm_…`."""
    return new_id("stm")


class Issued(models.Model):
    """A statement as it was issued: `text` is its canonical JSON, `digest` the SHA-256 of that, `seq` its entry."""

    id = models.CharField(primary_key=True, max_length=30, default=statement_id, editable=False)
    tenant_id = models.UUIDField()
    framework = models.CharField(max_length=32)
    since = models.DateField()
    until = models.DateField()
    log = models.CharField(max_length=255)
    size = models.BigIntegerField()
    text = models.TextField()
    digest = models.CharField(max_length=64)
    created_by = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    seq = models.BigIntegerField()

    class Meta:
        """Database facts."""

        db_table = "statements_issued"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="statements_issued_tenant", grants=APPEND_ONLY),
        ]
