"""The words of what the registers hold, for searching over all of them."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.search import SearchVectorField
from django.db import models

from muniment.server.tenants.isolation import NEVER_REMOVED, TenantIsolation

# Written by triggers of the registers' tables, as whoever writes those; nothing is removed there.


class Words(models.Model):
    """The words of one thing as it stands: what it is called, and `vector` over all of its texts.

    Nobody writes it but the triggers in `migrations/0002_words.py`, in the statement that writes the thing.
    """

    id = models.BigAutoField(primary_key=True)
    tenant_id = models.UUIDField()
    kind = models.CharField(max_length=16)
    subject = models.CharField(max_length=30)
    title = models.TextField()
    state = models.TextField(blank=True)
    vector = SearchVectorField()

    class Meta:
        """Database facts."""

        db_table = "work_words"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="work_words_tenant", grants=NEVER_REMOVED),
            models.UniqueConstraint(name="work_words_subject", fields=["tenant_id", "kind", "subject"]),
        ]
