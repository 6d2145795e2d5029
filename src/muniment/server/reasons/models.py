"""Which actions of a tenant are changes that need a reason. What was registered when stands in the ledger."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from muniment.server.tenants.identifiers import new_id
from muniment.server.tenants.isolation import TenantIsolation


def change_action_id() -> str:
    """`chg_…`."""
    return new_id("chg")


class ChangeAction(models.Model):
    """An action, or `x.….*`, that is refused without a reason."""

    id = models.CharField(primary_key=True, max_length=30, default=change_action_id, editable=False)
    tenant_id = models.UUIDField()
    action = models.CharField(max_length=64)
    created_by = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Database facts."""

        db_table = "reasons_changeaction"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="reasons_changeaction_tenant", grants=("SELECT", "INSERT", "DELETE")),
            models.UniqueConstraint(name="reasons_changeaction_action", fields=["tenant_id", "action"]),
        ]
