"""Members, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Status

from muniment.server.access.operations import Needs
from muniment.server.capabilities import Capability
from muniment.server.members import listing, services
from muniment.server.members.acting import acting, one_id
from muniment.server.members.api.answers import (
    Allowed,
    Cursor,
    Holding,
    Limit,
    MemberOut,
    MemberPage,
    MemberWhole,
    one_page,
)
from muniment.server.members.directory import Directory
from muniment.server.members.models import Membership
from muniment.server.members.rows import read_directory
from muniment.server.members.workflow import NoSuch

router = Router(tags=["members"])


@router.get(
    "/api/members",
    auth=Needs(Capability.MEMBER_READ),
    summary="Members",
    operation_id="members",
    response=MemberPage,
)
def members(
    request: HttpRequest,
    q: Annotated[str, Query(max_length=254, description="part of a name or address")] = "",
    role: Annotated[str, Query(max_length=30, description="id of a role, had directly or through a group")] = "",
    group: Annotated[str, Query(max_length=30, description="id of a group")] = "",
    state: Literal["active", "ended", "ending"] | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> MemberPage:
    """The members that match everything asked."""
    search, role, group = (text.replace("\0", "") for text in (q, role, group))
    asked = listing.MemberQuery(search, role, group, state or "")
    with acting(request):
        now = timezone.now()
        rows, following = one_page(listing.members(asked, read_directory(now), now), limit, cursor)
        return MemberPage(members=[_shown(row, now) for row in rows], cursor=following)


@router.get(
    "/api/members/{member_id}",
    auth=Needs(Capability.MEMBER_READ),
    summary="One member",
    operation_id="member",
    response=MemberWhole,
)
def member(request: HttpRequest, member_id: str) -> MemberWhole:
    """A member, and what they may do in the end and through what."""
    with acting(request):
        return _whole(one_id(member_id))


@router.put(
    "/api/members/{member_id}",
    auth=Needs(Capability.MEMBER_MANAGE),
    summary="Change a member",
    operation_id="change_member",
    response=MemberWhole,
)
def change(request: HttpRequest, member_id: str, holding: Holding) -> MemberWhole:
    """Gives exactly these roles, groups and end. Nobody changes themselves or gives what they do not hold."""
    with acting(request) as standing:
        services.change_member(
            standing, one_id(member_id), roles=holding.roles, groups=holding.groups, until=holding.until
        )
        return _whole(member_id)


@router.delete(
    "/api/members/{member_id}",
    auth=Needs(Capability.MEMBER_MANAGE),
    summary="Remove a member",
    operation_id="remove_member",
    response={204: None},
)
def remove(request: HttpRequest, member_id: str) -> Status[None]:
    """Ends a membership now. The last administrator without an end stays."""
    with acting(request) as standing:
        services.remove_member(standing, one_id(member_id))
    return Status(204, None)


def _whole(member_id: str) -> MemberWhole:
    now = timezone.now()
    directory: Directory = read_directory(now)
    row = listing.members(listing.MemberQuery(), directory, now).filter(id=member_id).first()
    if row is None or member_id not in directory.holders:
        raise NoSuch("there is no such member", "member")
    holder = directory.holders[member_id]
    return MemberWhole(
        **_shown(row, now).model_dump(),
        may=[
            Allowed(capability=allowance.code, meaning=allowance.meaning, through=list(allowance.through))
            for allowance in listing.allowances(directory, holder)
        ],
        recorded_reads=directory.power(holder).recorded_reads,
    )


def _shown(row: Membership, now: datetime) -> MemberOut:
    return MemberOut(
        id=row.id,
        user_id=row.user_id,
        name=getattr(row, "shown_name", ""),
        email=getattr(row, "shown_email", ""),
        roles=row.roles,
        groups=row.groups,
        until=row.until,
        state="ended" if row.until is not None and row.until <= now else "active",
        joined_at=row.joined_at,
    )
