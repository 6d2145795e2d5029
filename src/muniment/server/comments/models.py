"""Comments. Nothing here is changed or removed; each row has its entry in the ledger."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from muniment.server.tenants.identifiers import new_id
from muniment.server.tenants.isolation import APPEND_ONLY, TenantIsolation


def comment_id() -> str:
    """`cmt_…`."""
    return new_id("cmt")


class Comment(models.Model):
    """One comment on the thing `subject` of the sort `kind`.

    People who are named stand in `text` as `@usr_…`, and in `mentions`.
    """

    id = models.CharField(primary_key=True, max_length=30, default=comment_id, editable=False)
    tenant_id = models.UUIDField()
    kind = models.CharField(max_length=16)
    subject = models.CharField(max_length=30)
    text = models.TextField()
    mentions = ArrayField(models.CharField(max_length=64), default=list)
    by = models.CharField(max_length=64)
    at = models.DateTimeField()
    seq = models.BigIntegerField()
    event = models.CharField(max_length=96)

    class Meta:
        """Database facts."""

        db_table = "comments_comment"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="comments_comment_tenant", grants=APPEND_ONLY)
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(name="comments_comment_subject", fields=["tenant_id", "kind", "subject", "at", "id"])
        ]
