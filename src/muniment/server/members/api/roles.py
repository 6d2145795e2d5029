"""Roles, for programs."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Status

from muniment.server.access.operations import Needs
from muniment.server.capabilities import MEANINGS, Capability
from muniment.server.members import services
from muniment.server.members.acting import acting, one_id
from muniment.server.members.api.answers import CapabilityOut, NewRole, RoleIn, RoleList, RoleOut
from muniment.server.members.models import Role
from muniment.server.members.rows import read_directory, role_state

router = Router(tags=["roles"])


@router.get("/api/roles", auth=Needs(Capability.MEMBER_READ), summary="Roles", operation_id="roles", response=RoleList)
def roles(request: HttpRequest) -> RoleList:
    """Every role of the tenant, the built-in ones first, and every capability with what it allows."""
    with acting(request):
        directory = read_directory(timezone.now())
        rows = sorted(Role.objects.all(), key=lambda row: (not row.builtin, row.name.lower(), row.id))
        return RoleList(
            roles=[_shown(row, directory.users_of_role(row.id)) for row in rows],
            capabilities=[CapabilityOut(code=code, meaning=meaning) for code, meaning in MEANINGS.items()],
        )


@router.get(
    "/api/roles/{role_id}",
    auth=Needs(Capability.MEMBER_READ),
    summary="One role",
    operation_id="role",
    response=RoleOut,
)
def role(request: HttpRequest, role_id: str) -> RoleOut:
    """A role and how often it is named."""
    with acting(request):
        return _one(services.role_row(one_id(role_id)))


@router.post(
    "/api/roles",
    auth=Needs(Capability.ROLE_MANAGE),
    summary="Make a role",
    operation_id="create_role",
    response={201: RoleOut},
)
def create(request: HttpRequest, wanted: NewRole) -> Status[RoleOut]:
    """Makes a role of capabilities that the maker holds."""
    with acting(request) as standing:
        return Status(201, _one(services.create_role(standing, **wanted.model_dump())))


@router.put(
    "/api/roles/{role_id}",
    auth=Needs(Capability.ROLE_MANAGE),
    summary="Change a role",
    operation_id="change_role",
    response=RoleOut,
)
def change(request: HttpRequest, role_id: str, wanted: RoleIn) -> RoleOut:
    """Defines a role anew, for everybody who holds it."""
    with acting(request) as standing:
        return _one(services.change_role(standing, one_id(role_id), **wanted.model_dump()))


@router.delete(
    "/api/roles/{role_id}",
    auth=Needs(Capability.ROLE_MANAGE),
    summary="Delete a role",
    operation_id="delete_role",
    response={204: None},
)
def delete(
    request: HttpRequest,
    role_id: str,
    replacement: Annotated[
        str | None, Query(max_length=30, pattern=r"^[a-z]{3}_[0-9A-Z]{26}$", description="id of the role in its place")
    ] = None,
) -> Status[None]:
    """A role that is in use is deleted only when another one takes its place."""
    with acting(request) as standing:
        services.delete_role(standing, one_id(role_id), replacement_id=replacement)
    return Status(204, None)


def _one(row: Role) -> RoleOut:
    return _shown(row, read_directory(timezone.now()).users_of_role(row.id))


def _shown(row: Role, uses: int) -> RoleOut:
    return RoleOut(
        id=row.id,
        code=row.code,
        name=row.name,
        description=row.description,
        capabilities=sorted(role_state(row).capabilities),
        builtin=row.builtin,
        recorded_reads=row.recorded_reads,
        time_boxed=row.time_boxed,
        uses=uses,
    )
