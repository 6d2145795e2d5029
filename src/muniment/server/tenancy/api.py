"""A tenant's settings, host names and workspaces, for programs; and one's own tenants."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import ConfigDict, Field

from muniment.server.access.operations import Needs, standing_in
from muniment.server.capabilities import Capability
from muniment.server.members.acting import acting, one_id
from muniment.server.members.services import memberships_of
from muniment.server.problems import refuse
from muniment.server.tenancy import services
from muniment.server.tenancy.workflow import SESSION_HOURS, STEP_UP, Settings
from muniment.server.tenants.models import TenantHost, Workspace
from muniment.server.tenants.resolving import tenant_in_scope

router = Router(tags=["tenant"])
_MANAGE = Needs(Capability.TENANT_MANAGE)


class SettingsIn(Schema):
    """The settings, whole."""

    model_config = ConfigDict(extra="forbid")

    security_contact: Annotated[str, Field(max_length=255, description="mailto:, https: or tel:; empty for none")]
    security_policy_url: Annotated[str, Field(max_length=255, description="https:; empty for none")]
    step_up_seconds: Annotated[int, Field(ge=STEP_UP[0], le=STEP_UP[1])]
    session_hours: Annotated[int, Field(ge=SESSION_HOURS[0], le=SESSION_HOURS[1])]
    mfa_from_first_login: Annotated[bool, Field(description="from the first sign-in, not from the second on")]


class SettingsOut(SettingsIn):
    """The settings as they are."""

    public_verification: bool


class Public(Schema):
    """Whether the result of the audit walk is public."""

    model_config = ConfigDict(extra="forbid")

    public: bool


class WorkspaceIn(Schema):
    """A workspace to be made."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[
        str, Field(max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="as events carry it")
    ]
    region: Annotated[str, Field(max_length=32, description="fixed from then on")]


class WorkspaceOut(Schema):
    """A workspace."""

    id: str
    name: str
    region: str
    created_at: datetime


class WorkspaceList(Schema):
    """Every workspace, and the regions in which there can be one."""

    workspaces: list[WorkspaceOut]
    regions: list[str]


class HostIn(Schema):
    """A host name to be added."""

    model_config = ConfigDict(extra="forbid")

    host: Annotated[str, Field(max_length=253)]


class HostOut(Schema):
    """A host name of the tenant's own."""

    id: str
    host: str
    created_at: datetime


class HostList(Schema):
    """Every host name of the tenant's own."""

    hosts: list[HostOut]


class TenantOut(Schema):
    """One of the caller's tenants."""

    slug: str
    name: str
    sample: bool
    roles: list[str]
    until: datetime | None


class TenantList(Schema):
    """The caller's tenants."""

    tenants: list[TenantOut]


@router.get("/api/tenants", auth=Needs(), summary="One's own tenants", operation_id="tenants", response=TenantList)
def tenants(request: HttpRequest) -> TenantList:
    """The tenants that the person who is signed in belongs to; an API key belongs to nobody."""
    kind, _, user_id = standing_in(request).subject.partition(":")
    if kind != "user":
        raise refuse("not-found", "an API key belongs to one tenant, and to no person")
    return TenantList(
        tenants=[
            TenantOut(slug=row.slug, name=row.name, sample=row.sample, roles=list(row.roles), until=row.until)
            for row in memberships_of(user_id)
        ]
    )


@router.get("/api/settings", auth=_MANAGE, summary="Settings", operation_id="settings", response=SettingsOut)
def settings(request: HttpRequest) -> SettingsOut:
    """The settings of the tenant."""
    with acting(request):
        return SettingsOut(
            **asdict(services.read_settings()),
            public_verification=services.is_verification_public(),
        )


@router.put(
    "/api/settings", auth=_MANAGE, summary="Change settings", operation_id="change_settings", response=SettingsOut
)
def change(request: HttpRequest, wanted: SettingsIn) -> SettingsOut:
    """Sets all of them."""
    with acting(request) as standing:
        known = services.change_settings(standing, Settings(**wanted.model_dump()))
        return SettingsOut(**asdict(known), public_verification=services.is_verification_public())


@router.put(
    "/api/settings/verification",
    auth=_MANAGE,
    summary="Publish the result of the audit walk, or not",
    operation_id="publish_verification",
    response={204: None},
)
def verification(request: HttpRequest, wanted: Public) -> Status[None]:
    """The ledger records it."""
    with acting(request) as standing:
        services.publish_verification(standing, public=wanted.public)
    return Status(204, None)


@router.get("/api/workspaces", auth=_MANAGE, summary="Workspaces", operation_id="workspaces", response=WorkspaceList)
def workspaces(request: HttpRequest) -> WorkspaceList:
    """Every workspace of the tenant, by name."""
    with acting(request):
        rows = [_workspace(row) for row in Workspace.objects.order_by("name")]
        return WorkspaceList(workspaces=rows, regions=services.regions())


@router.post(
    "/api/workspaces",
    auth=_MANAGE,
    summary="Make a workspace",
    operation_id="create_workspace",
    response={201: WorkspaceOut},
)
def create_workspace(request: HttpRequest, wanted: WorkspaceIn) -> Status[WorkspaceOut]:
    """Name and region stay as they are."""
    with acting(request) as standing:
        return Status(201, _workspace(services.create_workspace(standing, name=wanted.name, region=wanted.region)))


@router.get("/api/hosts", auth=_MANAGE, summary="Host names", operation_id="hosts", response=HostList)
def hosts(request: HttpRequest) -> HostList:
    """Every host name of the tenant's own."""
    with acting(request):
        return HostList(hosts=[_host(row) for row in TenantHost.objects.order_by("host")])


@router.post("/api/hosts", auth=_MANAGE, summary="Add a host name", operation_id="add_host", response={201: HostOut})
def add_host(request: HttpRequest, wanted: HostIn) -> Status[HostOut]:
    """The operator must let the server answer to it."""
    with acting(request) as standing:
        return Status(201, _host(services.add_host(standing, tenant_in_scope().slug, host=wanted.host)))


@router.delete(
    "/api/hosts/{host_id}",
    auth=_MANAGE,
    summary="Take a host name back",
    operation_id="remove_host",
    response={204: None},
)
def remove_host(request: HttpRequest, host_id: str) -> Status[None]:
    """The tenant is not found under it any more."""
    with acting(request) as standing:
        if not services.remove_host(standing, one_id(host_id)):
            raise refuse("not-found", "there is no such host name")
    return Status(204, None)


def _workspace(row: Workspace) -> WorkspaceOut:
    return WorkspaceOut(id=row.id, name=row.name, region=row.region, created_at=row.created_at)


def _host(row: TenantHost) -> HostOut:
    return HostOut(id=row.id, host=row.host, created_at=row.created_at)
