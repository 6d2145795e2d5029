"""Attachments, their bytes, and uploads on the way. What is an attachment is never changed or removed."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from muniment.server.tenants.identifiers import new_id
from muniment.server.tenants.isolation import APPEND_ONLY, NEVER_REMOVED, TenantIsolation


def blob_id() -> str:
    """`blb_…`."""
    return new_id("blb")


def attachment_id() -> str:
    """`att_…`."""
    return new_id("att")


def withdrawal_id() -> str:
    """`awd_…`."""
    return new_id("awd")


def upload_id() -> str:
    """`upl_…`."""
    return new_id("upl")


class Blob(models.Model):
    """Bytes that were received whole. `sha256` is over them as they were sent, `size` in bytes."""

    id = models.CharField(primary_key=True, max_length=30, default=blob_id, editable=False)
    tenant_id = models.UUIDField()
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    chunks = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Database facts."""

        db_table = "attachments_blob"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="attachments_blob_tenant", grants=APPEND_ONLY)
        ]


class Chunk(models.Model):
    """At most 64 KiB of a blob, sealed by the tenant's data key for this place and no other."""

    id = models.BigAutoField(primary_key=True)
    tenant_id = models.UUIDField()
    # No foreign keys between tenant tables: the database would check them past row level security.
    blob_id = models.CharField(max_length=30)
    number = models.PositiveIntegerField()
    sealed = models.BinaryField()

    class Meta:
        """Database facts."""

        db_table = "attachments_chunk"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="attachments_chunk_tenant", grants=APPEND_ONLY),
            models.UniqueConstraint(name="attachments_chunk_number", fields=["tenant_id", "blob_id", "number"]),
        ]


class Attachment(models.Model):
    """One version of an attachment. `series` is the id of its first version; `seq` the entry that recorded this one."""

    id = models.CharField(primary_key=True, max_length=30, default=attachment_id, editable=False)
    tenant_id = models.UUIDField()
    series = models.CharField(max_length=30)
    version = models.PositiveIntegerField()
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=32)
    note = models.TextField(blank=True)
    media_type = models.CharField(max_length=100)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    blob_id = models.CharField(max_length=30)
    controls = ArrayField(models.CharField(max_length=96), default=list)
    period_from = models.DateField(null=True)
    period_to = models.DateField(null=True)
    created_by = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    log_id = models.BigIntegerField()
    seq = models.BigIntegerField()
    event = models.CharField(max_length=96)

    class Meta:
        """Database facts."""

        db_table = "attachments_attachment"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="attachments_attachment_tenant", grants=APPEND_ONLY),
            models.UniqueConstraint(name="attachments_attachment_version", fields=["tenant_id", "series", "version"]),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(name="attachments_newest", fields=["tenant_id", "-created_at", "-id"])
        ]


class Withdrawal(models.Model):
    """That an attachment, all its versions, is not relied upon any more. Its bytes stay."""

    id = models.CharField(primary_key=True, max_length=30, default=withdrawal_id, editable=False)
    tenant_id = models.UUIDField()
    series = models.CharField(max_length=30)
    reason = models.TextField()
    created_by = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    seq = models.BigIntegerField()

    class Meta:
        """Database facts."""

        db_table = "attachments_withdrawal"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="attachments_withdrawal_tenant", grants=APPEND_ONLY),
            models.UniqueConstraint(name="attachments_withdrawal_series", fields=["tenant_id", "series"]),
        ]


class Upload(models.Model):
    """A file on its way, which is no attachment yet. `order` is what it shall become, as JSON."""

    id = models.CharField(primary_key=True, max_length=30, default=upload_id, editable=False)
    tenant_id = models.UUIDField()
    order = models.TextField()
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    received = models.BigIntegerField(default=0)
    created_by = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Database facts."""

        db_table = "attachments_upload"
        constraints: ClassVar[list[models.BaseConstraint]] = [TenantIsolation(name="attachments_upload_tenant")]


class Part(models.Model):
    """What an upload holds so far: at most 64 KiB from `start` on, sealed as chunks are."""

    id = models.BigAutoField(primary_key=True)
    tenant_id = models.UUIDField()
    upload_id = models.CharField(max_length=30)
    start = models.BigIntegerField()
    sealed = models.BinaryField()

    class Meta:
        """Database facts."""

        db_table = "attachments_part"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="attachments_part_tenant", grants=("SELECT", "INSERT", "DELETE")),
            models.UniqueConstraint(name="attachments_part_start", fields=["tenant_id", "upload_id", "start"]),
        ]


class Limit(models.Model):
    """How large an attachment of the tenant may be; without a row, the most there is."""

    tenant_id = models.UUIDField(primary_key=True)
    mebibytes = models.PositiveIntegerField()

    class Meta:
        """Database facts."""

        db_table = "attachments_limit"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="attachments_limit_tenant", grants=NEVER_REMOVED),
            models.CheckConstraint(
                name="attachments_limit_bounds", condition=models.Q(mebibytes__gte=1, mebibytes__lte=64)
            ),
        ]
