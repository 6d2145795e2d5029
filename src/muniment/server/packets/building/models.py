"""Packets that were built. What is kept is what they are made again from, byte for byte; nothing of it is changed."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from muniment.server.tenants.identifiers import new_id
from muniment.server.tenants.isolation import APPEND_ONLY, TenantIsolation


def packet_id() -> str:
    """`pkt_…`."""
    return new_id("pkt")


def signature_id() -> str:
    """`pks_…`."""
    return new_id("pks")


class Packet(models.Model):
    """A packet that was built.

    `snapshot` is everything that its pages show, as JSON; `evidence_id` the blob of its bundle; `size` and `root` the
    checkpoint as of which it was put together; `manifest` the SHA-256 that the entry at `seq` names; `fingerprint`
    is the same for packets of the same contents.
    """

    id = models.CharField(primary_key=True, max_length=30, default=packet_id, editable=False)
    tenant_id = models.UUIDField()
    # No foreign keys between tenant tables: the database would check them past row level security.
    scope_id = models.CharField(max_length=30)
    name = models.CharField(max_length=120)
    log = models.CharField(max_length=255)
    size = models.BigIntegerField()
    root = models.CharField(max_length=64)
    sampled = models.PositiveIntegerField()
    snapshot = models.TextField()
    evidence_id = models.CharField(max_length=30)
    evidence_sha256 = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64)
    software = models.CharField(max_length=64)
    files = models.PositiveIntegerField()
    manifest = models.CharField(max_length=64)
    created_by = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    seq = models.BigIntegerField()
    event = models.CharField(max_length=96)

    class Meta:
        """Database facts."""

        db_table = "packet_building_packet"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="packet_building_packet_tenant", grants=APPEND_ONLY),
            models.UniqueConstraint(name="packet_building_packet_same", fields=["tenant_id", "fingerprint"]),
        ]


class SignatureBundle(models.Model):
    """The bundle that proves the entry of a packet, and what the archive with it comes to."""

    id = models.CharField(primary_key=True, max_length=30, default=signature_id, editable=False)
    tenant_id = models.UUIDField()
    packet_id = models.CharField(max_length=30)
    bundle = models.BinaryField()
    sealed_size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    bytes = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Database facts."""

        db_table = "packet_building_signature"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="packet_building_signature_tenant", grants=APPEND_ONLY),
            models.UniqueConstraint(name="packet_building_signature_packet", fields=["tenant_id", "packet_id"]),
        ]
