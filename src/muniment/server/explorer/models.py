"""Saved views: questions to the ledger that people come back to."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from muniment.server.tenants.identifiers import new_id
from muniment.server.tenants.isolation import TenantIsolation


def view_id() -> str:
    """`sav_…`."""
    return new_id("sav")


class SavedView(models.Model):
    """A named question of one person; a shared one is shown to everybody in the tenant."""

    id = models.CharField(primary_key=True, max_length=30, default=view_id, editable=False)
    tenant_id = models.UUIDField()
    created_by = models.CharField(max_length=64)
    name = models.CharField(max_length=64)
    query = models.TextField(blank=True)
    shared = models.BooleanField(default=False)
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Database facts."""

        db_table = "explorer_savedview"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="explorer_savedview_tenant"),
            models.UniqueConstraint(name="explorer_savedview_name", fields=["tenant_id", "created_by", "name"]),
            models.UniqueConstraint(
                name="explorer_savedview_default",
                fields=["tenant_id", "created_by"],
                condition=models.Q(is_default=True),
            ),
        ]
