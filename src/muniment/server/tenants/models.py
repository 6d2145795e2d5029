"""What a tenant is, beside its row in the ledger, which holds its id, slug and name."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from muniment.server.tenants.identifiers import host_id, workspace_id
from muniment.server.tenants.isolation import NEVER_REMOVED, TenantIsolation


class TenantProfile(models.Model):
    """The settings of one tenant. They can make its own rules stricter; none of them switches a protection off."""

    tenant_id = models.UUIDField(primary_key=True)
    sample = models.BooleanField(default=False)
    security_contact = models.CharField(max_length=255, blank=True)
    security_policy_url = models.URLField(max_length=255, blank=True)
    step_up_seconds = models.PositiveIntegerField(default=300)
    session_hours = models.PositiveIntegerField(default=12)
    mfa_from_first_login = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Database facts."""

        db_table = "tenants_profile"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="tenants_profile_tenant"),
            models.CheckConstraint(
                name="tenants_profile_step_up", condition=models.Q(step_up_seconds__gte=30, step_up_seconds__lte=3600)
            ),
            models.CheckConstraint(
                name="tenants_profile_session", condition=models.Q(session_hours__gte=1, session_hours__lte=168)
            ),
        ]


class TenantHost(models.Model):
    """A host name of the tenant's own, under which it is found without a path prefix."""

    id = models.CharField(primary_key=True, max_length=30, default=host_id, editable=False)
    tenant_id = models.UUIDField()
    host = models.CharField(max_length=253, unique=True)
    slug = models.CharField(max_length=63)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Database facts."""

        db_table = "tenants_host"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="tenants_host_tenant", lookups={"host": "muniment.lookup"}),
            models.CheckConstraint(name="tenants_host_lower", condition=models.Q(host__regex=r"^[a-z0-9.-]+$")),
        ]


class Workspace(models.Model):
    """A part of a tenant with agents of its own, pinned to a region when it is made.

    The application's role may insert rows and neither change nor delete them: see the migrations.
    """

    id = models.CharField(primary_key=True, max_length=30, default=workspace_id, editable=False)
    tenant_id = models.UUIDField()
    name = models.CharField(max_length=64)
    region = models.CharField(max_length=32)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Database facts."""

        db_table = "tenants_workspace"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="tenants_workspace_tenant"),
            models.UniqueConstraint(name="tenants_workspace_name", fields=["tenant_id", "name"]),
            models.CheckConstraint(
                name="tenants_workspace_grammar", condition=models.Q(name__regex=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
            ),
        ]


class DataKey(models.Model):
    """A key that seals the tenant's secrets, itself wrapped by the installation's key encryption key."""

    tenant_id = models.UUIDField()
    number = models.PositiveIntegerField()
    kek_id = models.CharField(max_length=64)
    wrapped = models.BinaryField(max_length=512)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Database facts."""

        db_table = "tenants_datakey"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="tenants_datakey_tenant", grants=NEVER_REMOVED),
            models.UniqueConstraint(name="tenants_datakey_number", fields=["tenant_id", "number"]),
        ]
