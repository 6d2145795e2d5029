"""Groups, for programs."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Status

from muniment.server.access.operations import Needs
from muniment.server.capabilities import Capability
from muniment.server.members import services
from muniment.server.members.acting import acting, one_id
from muniment.server.members.api.answers import GroupIn, GroupList, GroupOut
from muniment.server.members.directory import Directory, GroupState
from muniment.server.members.rows import read_directory
from muniment.server.members.workflow import NoSuch

router = Router(tags=["groups"])


@router.get(
    "/api/groups", auth=Needs(Capability.MEMBER_READ), summary="Groups", operation_id="groups", response=GroupList
)
def groups(request: HttpRequest) -> GroupList:
    """Every group of the tenant, by name."""
    with acting(request):
        directory = read_directory(timezone.now())
        rows = sorted(directory.groups.values(), key=lambda group: (group.name.lower(), group.id))
        return GroupList(groups=[_shown(directory, group) for group in rows])


@router.get(
    "/api/groups/{group_id}",
    auth=Needs(Capability.MEMBER_READ),
    summary="One group",
    operation_id="group",
    response=GroupOut,
)
def group(request: HttpRequest, group_id: str) -> GroupOut:
    """A group; its members are those of `/api/members?group=…`."""
    with acting(request):
        return _one(one_id(group_id))


@router.post(
    "/api/groups",
    auth=Needs(Capability.MEMBER_MANAGE),
    summary="Make a group",
    operation_id="create_group",
    response={201: GroupOut},
)
def create(request: HttpRequest, wanted: GroupIn) -> Status[GroupOut]:
    """Makes a group that gives what its maker holds."""
    with acting(request) as standing:
        made = services.create_group(standing, name=wanted.name, roles=wanted.roles, parent_id=wanted.parent)
        return Status(201, _one(made.id))


@router.put(
    "/api/groups/{group_id}",
    auth=Needs(Capability.MEMBER_MANAGE),
    summary="Change a group",
    operation_id="change_group",
    response=GroupOut,
)
def change(request: HttpRequest, group_id: str, wanted: GroupIn) -> GroupOut:
    """Gives a group this name, these roles and this parent, for everybody in it."""
    with acting(request) as standing:
        services.change_group(standing, one_id(group_id), name=wanted.name, roles=wanted.roles, parent_id=wanted.parent)
        return _one(group_id)


@router.delete(
    "/api/groups/{group_id}",
    auth=Needs(Capability.MEMBER_MANAGE),
    summary="Delete a group",
    operation_id="delete_group",
    response={204: None},
)
def delete(request: HttpRequest, group_id: str) -> Status[None]:
    """Its members lose what it gave; groups inside it become part of its parent."""
    with acting(request) as standing:
        services.delete_group(standing, one_id(group_id))
    return Status(204, None)


@router.put(
    "/api/groups/{group_id}/members/{member_id}",
    auth=Needs(Capability.MEMBER_MANAGE),
    summary="Put a member into a group",
    operation_id="put_in_group",
    response={204: None},
)
def put(request: HttpRequest, group_id: str, member_id: str) -> Status[None]:
    """Once more changes nothing."""
    with acting(request) as standing:
        services.put_in_group(standing, one_id(group_id), one_id(member_id))
    return Status(204, None)


@router.delete(
    "/api/groups/{group_id}/members/{member_id}",
    auth=Needs(Capability.MEMBER_MANAGE),
    summary="Take a member out of a group",
    operation_id="take_from_group",
    response={204: None},
)
def take(request: HttpRequest, group_id: str, member_id: str) -> Status[None]:
    """Once more changes nothing."""
    with acting(request) as standing:
        services.take_from_group(standing, one_id(group_id), one_id(member_id))
    return Status(204, None)


def _one(group_id: str) -> GroupOut:
    directory = read_directory(timezone.now())
    found = directory.groups.get(group_id)
    if found is None:
        raise NoSuch("there is no such group", "group")
    return _shown(directory, found)


def _shown(directory: Directory, group: GroupState) -> GroupOut:
    inherited = directory.roles_of_group(group.id) - group.roles
    return GroupOut(
        id=group.id,
        name=group.name,
        roles=sorted(group.roles),
        inherited=sorted(inherited),
        parent=group.parent_id,
        members=sum(group.id in holder.groups and holder.kind == "member" for holder in directory.holders.values()),
    )
