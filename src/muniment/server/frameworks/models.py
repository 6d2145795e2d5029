"""Catalogs that a tenant brought in. Nothing here is changed or removed; each row has its entry in the ledger."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from muniment.server.tenants.identifiers import new_id
from muniment.server.tenants.isolation import APPEND_ONLY, TenantIsolation


def import_id() -> str:
    """`imp_…`."""
    return new_id("imp")


class CatalogImport(models.Model):
    """A catalog as it was brought in; of one id the newest counts. `seq` is the entry that recorded it.

    `document` is the catalog file that was made of what was imported, `digest` its SHA-256; `imported` is the SHA-256
    of the bytes that came.
    """

    id = models.CharField(primary_key=True, max_length=30, default=import_id, editable=False)
    tenant_id = models.UUIDField()
    catalog = models.CharField(max_length=40)
    number = models.PositiveIntegerField()
    title = models.TextField()
    version = models.TextField()
    licence_class = models.CharField(max_length=1)
    count = models.PositiveIntegerField()
    texts = models.PositiveIntegerField()
    form = models.CharField(max_length=8)
    file_name = models.CharField(max_length=200)
    imported = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    document = models.TextField()
    created_by = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    seq = models.BigIntegerField()

    class Meta:
        """Database facts."""

        db_table = "frameworks_catalogimport"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="frameworks_catalogimport_tenant", grants=APPEND_ONLY),
            models.UniqueConstraint(name="frameworks_catalogimport_number", fields=["tenant_id", "catalog", "number"]),
        ]
