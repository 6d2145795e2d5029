"""Who belongs to a tenant and what they may do there."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from muniment.server.tenants.identifiers import new_id
from muniment.server.tenants.isolation import NEVER_REMOVED, TenantIsolation


def role_id() -> str:
    """`rol_…`."""
    return new_id("rol")


def group_id() -> str:
    """`grp_…`."""
    return new_id("grp")


def membership_id() -> str:
    """`mem_…`."""
    return new_id("mem")


def invitation_id() -> str:
    """`inv_…`."""
    return new_id("inv")


def service_id() -> str:
    """`svc_…`."""
    return new_id("svc")


class Role(models.Model):
    """A named set of capabilities. `builtin` ones came with the tenant; `administrator` is fixed.

    `known`, of built-in ones: the codes of all capabilities that existed when a release last looked at the role. What a
    later release adds to the role is what is not among them.
    """

    id = models.CharField(primary_key=True, max_length=30, default=role_id, editable=False)
    tenant_id = models.UUIDField()
    code = models.CharField(max_length=32)
    name = models.CharField(max_length=64)
    description = models.CharField(max_length=255, blank=True)
    capabilities = ArrayField(models.CharField(max_length=32), default=list)
    known = ArrayField(models.CharField(max_length=32), default=list)
    builtin = models.BooleanField(default=False)
    recorded_reads = models.BooleanField(default=False)
    time_boxed = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Database facts."""

        db_table = "members_role"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="members_role_tenant"),
            models.UniqueConstraint(name="members_role_code", fields=["tenant_id", "code"]),
        ]


class Group(models.Model):
    """People who get roles together. A group inherits the roles of the group it is part of."""

    id = models.CharField(primary_key=True, max_length=30, default=group_id, editable=False)
    tenant_id = models.UUIDField()
    name = models.CharField(max_length=64)
    # No foreign keys between tenant tables: the database would check them past row level security.
    parent_id = models.CharField(max_length=30, blank=True)
    roles = ArrayField(models.CharField(max_length=30), default=list)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Database facts."""

        db_table = "members_group"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="members_group_tenant"),
            models.UniqueConstraint(name="members_group_name", fields=["tenant_id", "name"]),
        ]


class Membership(models.Model):
    """One person in one tenant. `roles` and `groups` are ids of rows of the same tenant; `until` ends it by itself."""

    id = models.CharField(primary_key=True, max_length=30, default=membership_id, editable=False)
    tenant_id = models.UUIDField()
    slug = models.CharField(max_length=63)
    user_id = models.CharField(max_length=30)
    roles = ArrayField(models.CharField(max_length=30), default=list)
    groups = ArrayField(models.CharField(max_length=30), default=list)
    until = models.DateTimeField(null=True, blank=True)
    break_glass = models.BooleanField(default=False)
    joined_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Database facts."""

        db_table = "members_membership"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            # A person may see, before any tenant is chosen, where they belong.
            TenantIsolation(name="members_membership_tenant", lookups={"user_id": "muniment.user"}),
            models.UniqueConstraint(name="members_membership_user", fields=["tenant_id", "user_id"]),
        ]


class Invitation(models.Model):
    """An offer of membership, made as a link whose token is stored only as its SHA-256.

    `delivery`: `sent` or `failed` for a message, `shown` where no mail is configured and the inviter got the link.
    """

    id = models.CharField(primary_key=True, max_length=30, default=invitation_id, editable=False)
    tenant_id = models.UUIDField()
    slug = models.CharField(max_length=63)
    email = models.EmailField(max_length=254)
    token_hash = models.CharField(max_length=64, unique=True)
    roles = ArrayField(models.CharField(max_length=30), default=list)
    groups = ArrayField(models.CharField(max_length=30), default=list)
    member_until = models.DateTimeField(null=True, blank=True)
    invited_by = models.CharField(max_length=30)
    expires_at = models.DateTimeField()
    delivery = models.CharField(max_length=8, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Database facts."""

        db_table = "members_invitation"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="members_invitation_tenant", lookups={"token_hash": "muniment.lookup"}),
        ]


class ServiceAccount(models.Model):
    """A program's standing in the tenant: its API keys may do what its roles allow."""

    id = models.CharField(primary_key=True, max_length=30, default=service_id, editable=False)
    tenant_id = models.UUIDField()
    name = models.CharField(max_length=64)
    roles = ArrayField(models.CharField(max_length=30), default=list)
    closed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Database facts."""

        db_table = "members_service"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="members_service_tenant"),
            models.UniqueConstraint(name="members_service_name", fields=["tenant_id", "name"]),
        ]


class ServiceKey(models.Model):
    """An API key of the ledger that belongs to a service account."""

    key_id = models.CharField(primary_key=True, max_length=30)
    tenant_id = models.UUIDField()
    service_id = models.CharField(max_length=30)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Database facts."""

        db_table = "members_servicekey"
        constraints: ClassVar[list[models.BaseConstraint]] = [TenantIsolation(name="members_servicekey_tenant")]


class KeyUse(models.Model):
    """The newest hour, in hours since the Unix epoch, for which the ledger says that a key was used."""

    key_id = models.CharField(primary_key=True, max_length=30)
    tenant_id = models.UUIDField()
    hour = models.PositiveIntegerField()

    class Meta:
        """Database facts."""

        db_table = "members_keyuse"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="members_keyuse_tenant", grants=NEVER_REMOVED)
        ]
