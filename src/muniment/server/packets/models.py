"""Scopes, texts to be signed, requests, signatures and deliveries. What is recorded once is never changed."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from muniment.server.tenants.identifiers import new_id
from muniment.server.tenants.isolation import APPEND_ONLY, NEVER_REMOVED, TenantIsolation


def scope_id() -> str:
    """`scp_…`."""
    return new_id("scp")


def nda_id() -> str:
    """`nda_…`."""
    return new_id("nda")


def recipient_id() -> str:
    """`rcp_…`."""
    return new_id("rcp")


def request_id() -> str:
    """`req_…`."""
    return new_id("req")


def signature_id() -> str:
    """`sgn_…`."""
    return new_id("sgn")


def delivery_id() -> str:
    """`dlv_…`."""
    return new_id("dlv")


class ScopeVersion(models.Model):
    """One version of what a packet is to hold. `series` is the id of the first; `content` its canonical JSON."""

    id = models.CharField(primary_key=True, max_length=30, default=scope_id, editable=False)
    tenant_id = models.UUIDField()
    series = models.CharField(max_length=30)
    version = models.PositiveIntegerField()
    name = models.CharField(max_length=120)
    content = models.TextField()
    digest = models.CharField(max_length=64)
    created_by = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    seq = models.BigIntegerField()
    event = models.CharField(max_length=96)

    class Meta:
        """Database facts."""

        db_table = "packets_scope"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="packets_scope_tenant", grants=APPEND_ONLY),
            models.UniqueConstraint(name="packets_scope_version", fields=["tenant_id", "series", "version"]),
        ]


class NdaText(models.Model):
    """A text that whoever takes a packet signs. The newest version is asked for; earlier ones stay."""

    id = models.CharField(primary_key=True, max_length=30, default=nda_id, editable=False)
    tenant_id = models.UUIDField()
    version = models.PositiveIntegerField()
    text = models.TextField()
    sha256 = models.CharField(max_length=64)
    created_by = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    seq = models.BigIntegerField()
    event = models.CharField(max_length=96)

    class Meta:
        """Database facts."""

        db_table = "packets_nda"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="packets_nda_tenant", grants=APPEND_ONLY),
            models.UniqueConstraint(name="packets_nda_version", fields=["tenant_id", "version"]),
        ]


class DeskRules(models.Model):
    """What the tenant asks of its desk. Without a row, the defaults hold."""

    tenant_id = models.UUIDField(primary_key=True)
    due_hours = models.PositiveIntegerField(default=72)
    working_days = models.BooleanField(default=False)
    zone = models.CharField(max_length=64, default="UTC")
    nda_required = models.BooleanField(default=True)
    link_hours = models.PositiveIntegerField(default=168)

    class Meta:
        """Database facts."""

        db_table = "packets_rules"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="packets_rules_tenant", grants=NEVER_REMOVED),
            models.CheckConstraint(
                name="packets_rules_bounds",
                condition=models.Q(due_hours__gte=1, due_hours__lte=2160, link_hours__gte=1, link_hours__lte=2160),
            ),
        ]


class Recipient(models.Model):
    """Somebody outside who gets a packet. The ledger holds the id alone; `sealed`: name, company, e-mail address."""

    id = models.CharField(primary_key=True, max_length=30, default=recipient_id, editable=False)
    tenant_id = models.UUIDField()
    sealed = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Database facts."""

        db_table = "packets_recipient"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="packets_recipient_tenant", grants=NEVER_REMOVED)
        ]


class PacketRequest(models.Model):
    """Somebody asks for a packet. A trigger lets it go on along its workflow only.

    `party` is who shall have it and signs for it: a member (`user:usr_…`) or a recipient (`rcp_…`).
    """

    id = models.CharField(primary_key=True, max_length=30, default=request_id, editable=False)
    tenant_id = models.UUIDField()
    scope_id = models.CharField(max_length=30)
    purpose = models.TextField()
    party = models.CharField(max_length=64)
    requested_by = models.CharField(max_length=64)
    requested_at = models.DateTimeField()
    due_at = models.DateTimeField()
    zone = models.CharField(max_length=64)
    nda_id = models.CharField(max_length=30, blank=True)
    state = models.CharField(max_length=16)
    decided_by = models.CharField(max_length=64, blank=True)
    decided_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)
    built_at = models.DateTimeField(null=True)
    packet_id = models.CharField(max_length=30, blank=True)
    blob_id = models.CharField(max_length=30, blank=True)
    size = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    manifest = models.CharField(max_length=64, blank=True)
    build_entry = models.BigIntegerField(null=True)
    kept_entry = models.BigIntegerField(null=True)
    delivered_at = models.DateTimeField(null=True)
    link_hash = models.CharField(max_length=64, blank=True)
    link_until = models.DateTimeField(null=True)
    seq = models.BigIntegerField()
    event = models.CharField(max_length=96)

    class Meta:
        """Database facts."""

        db_table = "packets_request"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="packets_request_tenant", grants=NEVER_REMOVED)
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(name="packets_request_link", fields=["tenant_id", "link_hash"])
        ]


class Signature(models.Model):
    """That the party of a request accepted a text. `sealed` is the name that was typed."""

    id = models.CharField(primary_key=True, max_length=30, default=signature_id, editable=False)
    tenant_id = models.UUIDField()
    # Not `request_id`: the name of a function above, and of Django's own attribute for a relation.
    request = models.CharField(max_length=30)
    nda_id = models.CharField(max_length=30)
    sha256 = models.CharField(max_length=64)
    party = models.CharField(max_length=64)
    by = models.CharField(max_length=64)
    sealed = models.BinaryField()
    signed_at = models.DateTimeField()
    seq = models.BigIntegerField()
    event = models.CharField(max_length=96)

    class Meta:
        """Database facts."""

        db_table = "packets_signature"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="packets_signature_tenant", grants=APPEND_ONLY),
            models.UniqueConstraint(name="packets_signature_once", fields=["tenant_id", "request", "party"]),
        ]


class Delivery(models.Model):
    """That a packet was taken out once: by whom, which way, and what its bytes hashed to."""

    id = models.CharField(primary_key=True, max_length=30, default=delivery_id, editable=False)
    tenant_id = models.UUIDField()
    request = models.CharField(max_length=30)
    by = models.CharField(max_length=64)
    way = models.CharField(max_length=16)
    sha256 = models.CharField(max_length=64)
    at = models.DateTimeField()
    seq = models.BigIntegerField()

    class Meta:
        """Database facts."""

        db_table = "packets_delivery"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="packets_delivery_tenant", grants=APPEND_ONLY)
        ]
