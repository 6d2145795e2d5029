"""Versions of assets. Nothing here is changed or removed; each row has its entry in the ledger."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Lower

from muniment.server.tenants.identifiers import new_id
from muniment.server.tenants.isolation import APPEND_ONLY, TenantIsolation


def asset_id() -> str:
    """`ast_…`."""
    return new_id("ast")


def version_id() -> str:
    """`asv_…`."""
    return new_id("asv")


class AssetVersion(models.Model):
    """One version of an asset; the newest version of an `asset` is the asset as it stands.

    `digest` is that of what the version says, `seq` the entry that recorded it, `event` that entry's reference.
    """

    id = models.CharField(primary_key=True, max_length=30, default=version_id, editable=False)
    tenant_id = models.UUIDField()
    asset = models.CharField(max_length=30)
    number = models.PositiveIntegerField()
    code = models.CharField(max_length=60)
    name = models.CharField(max_length=200)
    owner = models.CharField(max_length=64, blank=True)
    criticality = models.CharField(max_length=8)
    kind = models.CharField(max_length=12)
    description = models.TextField(blank=True)
    status = models.CharField(max_length=8)
    reason = models.TextField(blank=True)
    digest = models.CharField(max_length=64)
    created_by = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    seq = models.BigIntegerField()
    event = models.CharField(max_length=96)

    class Meta:
        """Database facts."""

        db_table = "assets_asset"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="assets_asset_tenant", grants=APPEND_ONLY),
            models.UniqueConstraint(name="assets_asset_number", fields=["tenant_id", "asset", "number"]),
            models.UniqueConstraint("tenant_id", Lower("code"), "number", name="assets_asset_code"),
        ]
