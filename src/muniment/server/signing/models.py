"""What signatures of a tenant can mean, beside what they always can. Signatures themselves are entries and no rows."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from muniment.server.tenants.identifiers import new_id
from muniment.server.tenants.isolation import TenantIsolation


def meaning_id() -> str:
    """`mng_…`."""
    return new_id("mng")


class OwnMeaning(models.Model):
    """A meaning of the tenant's own."""

    id = models.CharField(primary_key=True, max_length=30, default=meaning_id, editable=False)
    tenant_id = models.UUIDField()
    code = models.CharField(max_length=32)
    words = models.CharField(max_length=120)
    created_by = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Database facts."""

        db_table = "signing_ownmeaning"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="signing_ownmeaning_tenant", grants=("SELECT", "INSERT", "DELETE")),
            models.UniqueConstraint(name="signing_ownmeaning_code", fields=["tenant_id", "code"]),
        ]
