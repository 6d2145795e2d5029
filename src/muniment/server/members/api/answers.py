"""What operations answer with, and how a list goes on."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, TypeVar

from django.db.models import Model, QuerySet
from ninja import Query, Schema
from pydantic import AwareDatetime, ConfigDict, Field

from muniment.server.problems import refuse

M = TypeVar("M", bound=Model)
Ids = Annotated[list[Annotated[str, Field(max_length=30, pattern=r"^[a-z]{3}_[0-9A-Z]{26}$")]], Field(max_length=100)]
Limit = Annotated[int, Query(ge=1, le=200, description="at most so many")]
Cursor = Annotated[str | None, Query(max_length=30, description="of the page before")]


class Given(Schema):
    """A request's body: no member that is not known, no value of another type."""

    model_config = ConfigDict(extra="forbid")


class Holding(Given):
    """What a member shall have, whole: what is left out is taken away."""

    roles: Annotated[Ids, Field(default_factory=list, description="ids of roles")]
    groups: Annotated[Ids, Field(default_factory=list, description="ids of groups")]
    until: Annotated[
        AwareDatetime | None, Field(description="when the membership ends by itself, RFC 3339 with a time zone")
    ] = None


class MemberOut(Schema):
    """A member."""

    id: Annotated[str, Field(description="mem_…")]
    user_id: Annotated[str, Field(description="usr_…: how the ledger names the person")]
    name: str
    email: str
    roles: Annotated[list[str], Field(description="ids of the roles given directly")]
    groups: list[str]
    until: datetime | None
    state: Annotated[str, Field(description="active or ended")]
    joined_at: datetime


class MemberPage(Schema):
    """Members in the order of their ids, and where the next page begins."""

    members: list[MemberOut]
    cursor: str | None


class Allowed(Schema):
    """A capability, what it allows, and through which roles and groups a member has it."""

    capability: str
    meaning: str
    through: list[str]


class MemberWhole(MemberOut):
    """A member with what the roles add up to."""

    may: list[Allowed]
    recorded_reads: bool


class InvitationIn(Holding):
    """An invitation to be made."""

    email: Annotated[str, Field(max_length=254)]


class InvitationOut(Schema):
    """An open invitation."""

    id: str
    email: str
    roles: list[str]
    groups: list[str]
    member_until: datetime | None
    invited_by: Annotated[str, Field(description="usr_… or ak_…")]
    expires_at: datetime
    delivery: Annotated[str, Field(description="sent, failed, shown (no mail is configured), empty while on its way")]


class InvitationMade(InvitationOut):
    """An invitation that was just made."""

    link: Annotated[str | None, Field(description="to pass on; given once, and only where no mail is configured")]


class InvitationPage(Schema):
    """Open invitations in the order of their ids."""

    invitations: list[InvitationOut]
    cursor: str | None


class RoleIn(Given):
    """What a role shall be."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    description: Annotated[str, Field(max_length=255)] = ""
    capabilities: Annotated[list[Annotated[str, Field(max_length=32)]], Field(max_length=100)]
    recorded_reads: Annotated[bool, Field(description="what its holders read is recorded")] = False
    time_boxed: Annotated[bool, Field(description="its holders need an end, at most 90 days ahead")] = False


class NewRole(RoleIn):
    """A role to be made."""

    code: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$", description="how the ledger names it; fixed")]


class RoleOut(Schema):
    """A role."""

    id: str
    code: str
    name: str
    description: str
    capabilities: list[str]
    builtin: bool
    recorded_reads: bool
    time_boxed: bool
    uses: Annotated[int, Field(description="how many members, groups, invitations and service accounts name it")]


class CapabilityOut(Schema):
    """A capability and what it allows."""

    code: str
    meaning: str


class RoleList(Schema):
    """Every role of the tenant, and every capability there is."""

    roles: list[RoleOut]
    capabilities: list[CapabilityOut]


class GroupIn(Given):
    """What a group shall be."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    roles: Annotated[Ids, Field(default_factory=list, description="ids of roles")]
    parent: Annotated[str, Field(max_length=30, description="id of the group that it is part of; empty for none")] = ""


class GroupOut(Schema):
    """A group."""

    id: str
    name: str
    roles: Annotated[list[str], Field(description="ids of its own roles")]
    inherited: Annotated[list[str], Field(description="ids of roles that come with what it is part of")]
    parent: str
    members: int


class GroupList(Schema):
    """Every group of the tenant."""

    groups: list[GroupOut]


def one_page(rows: QuerySet[M], limit: int, cursor: str | None) -> tuple[list[M], str | None]:
    """The rows after `cursor` in the order of their ids, and the cursor of the page after."""
    if cursor is not None:
        if not cursor.isascii() or not cursor.replace("_", "").isalnum():
            raise refuse("malformed-query", "is not one of ours", field="cursor")
        rows = rows.filter(pk__gt=cursor)
    found = list(rows.order_by("pk")[: limit + 1])
    return found[:limit], str(found[limit - 1].pk) if len(found) > limit else None
