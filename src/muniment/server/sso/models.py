"""A tenant's identity providers, the people known by them, its domains, and the SAML assertions already seen.

No foreign keys between tenant tables: the database would check them past row level security.
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from muniment.server.tenants.identifiers import new_id
from muniment.server.tenants.isolation import TenantIsolation


def connection_id() -> str:
    """`sso_…`."""
    return new_id("sso")


def identity_id() -> str:
    """`idn_…`."""
    return new_id("idn")


def domain_id() -> str:
    """`dom_…`."""
    return new_id("dom")


class SsoConnection(models.Model):
    """One identity provider of one tenant. Which provider it is cannot change once it was tested.

    `secret` is sealed under the tenant's data key. `group_roles` maps a group as the provider spells it to a role's id.
    """

    id = models.CharField(primary_key=True, max_length=30, default=connection_id, editable=False)
    tenant_id = models.UUIDField()
    name = models.CharField(max_length=64)
    kind = models.CharField(max_length=4)
    preset = models.CharField(max_length=16)
    state = models.CharField(max_length=8, default="draft")
    # OpenID Connect.
    issuer = models.CharField(max_length=255, blank=True)
    client_id = models.CharField(max_length=255, blank=True)
    secret = models.BinaryField(null=True, max_length=2048)
    pinned = models.CharField(max_length=255, blank=True)
    # SAML.
    idp_entity_id = models.CharField(max_length=255, blank=True)
    idp_sign_in_url = models.CharField(max_length=512, blank=True)
    idp_certificates = ArrayField(models.TextField(max_length=8192), default=list)
    # Both.
    groups_claim = models.CharField(max_length=255, default="groups")
    email_claim = models.CharField(max_length=255, default="email")
    group_roles = models.JSONField(default=dict)
    joins = models.BooleanField(default=False)
    default_role = models.CharField(max_length=30, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    tested_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Database facts."""

        db_table = "sso_connection"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="sso_connection_tenant"),
            models.UniqueConstraint(name="sso_connection_name", fields=["tenant_id", "name"]),
            models.CheckConstraint(name="sso_connection_kind", condition=models.Q(kind__in=["oidc", "saml"])),
            models.CheckConstraint(
                name="sso_connection_state", condition=models.Q(state__in=["draft", "tested", "active", "disabled"])
            ),
        ]


class SsoIdentity(models.Model):
    """A person as one connection knows them. Another connection's same subject is somebody else."""

    id = models.CharField(primary_key=True, max_length=30, default=identity_id, editable=False)
    tenant_id = models.UUIDField()
    connection_id = models.CharField(max_length=30)
    subject = models.CharField(max_length=255)
    user_id = models.CharField(max_length=30)
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Database facts."""

        db_table = "sso_identity"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="sso_identity_tenant"),
            models.UniqueConstraint(name="sso_identity_subject", fields=["tenant_id", "connection_id", "subject"]),
            models.UniqueConstraint(name="sso_identity_user", fields=["tenant_id", "connection_id", "user_id"]),
        ]


class SsoPolicy(models.Model):
    """Whether members must come through single sign-on; those marked `break_glass` need not, and that is recorded."""

    tenant_id = models.UUIDField(primary_key=True)
    enforced = models.BooleanField(default=False)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        """Database facts."""

        db_table = "sso_policy"
        constraints: ClassVar[list[models.BaseConstraint]] = [TenantIsolation(name="sso_policy_tenant")]


class VerifiedDomain(models.Model):
    """A mail domain that the tenant says is its own, and since when it proved that."""

    id = models.CharField(primary_key=True, max_length=30, default=domain_id, editable=False)
    tenant_id = models.UUIDField()
    domain = models.CharField(max_length=253)
    token = models.CharField(max_length=64)
    verified_at = models.DateTimeField(null=True, blank=True)
    method = models.CharField(max_length=16, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Database facts."""

        db_table = "sso_domain"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="sso_domain_tenant"),
            models.UniqueConstraint(name="sso_domain_name", fields=["tenant_id", "domain"]),
            models.CheckConstraint(name="sso_domain_lower", condition=models.Q(domain__regex=r"^[a-z0-9.-]+$")),
        ]


class SamlArrival(models.Model):
    """An assertion that was accepted: it is never accepted again, and waits for the session that asked for it.

    The provider posts from its own site, so the browser sends no session cookie along. What was asserted is kept for
    the minute until the browser comes back with one, and is emptied then.
    """

    tenant_id = models.UUIDField()
    connection_id = models.CharField(max_length=30)
    assertion_hash = models.CharField(max_length=64)
    ticket_hash = models.CharField(max_length=64)
    in_response_to = models.CharField(max_length=128)
    claims = models.JSONField(default=dict)
    expires_at = models.DateTimeField()
    taken_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Database facts."""

        db_table = "sso_arrival"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="sso_arrival_tenant"),
            models.UniqueConstraint(
                name="sso_arrival_assertion", fields=["tenant_id", "connection_id", "assertion_hash"]
            ),
            models.UniqueConstraint(name="sso_arrival_ticket", fields=["tenant_id", "ticket_hash"]),
        ]
