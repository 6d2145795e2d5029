"""What lists and pages of members show: read from the rows of the open tenant, people's names resolved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from django.db.models import CharField, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Lower, NullIf

from muniment.server.accounts.models import User
from muniment.server.capabilities import MEANINGS, Capability
from muniment.server.members.directory import Directory, Holder
from muniment.server.members.models import Membership

PAGE: Final = 50
SORTS: Final = {"name": "shown_name", "email": "shown_email", "joined": "joined_at", "until": "until"}
State = Literal["", "active", "ended", "ending"]


@dataclass(frozen=True, slots=True)
class MemberQuery:
    """What a list of members is asked for.

    Attributes:
        search: part of a name or address, without case.
        role: id of a role that they have, directly or through a group; "" for any.
        group: id of a group that they are in directly; "" for any.
        state: active, ending (active with an end), ended, or "" for all.
        sort: a name out of `SORTS`, with `-` before it for the other direction.
    """

    search: str = ""
    role: str = ""
    group: str = ""
    state: State = ""
    sort: str = "name"


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member as listed.

    Attributes:
        id: `mem_…`.
        user_id: `usr_…`.
        name: resolved now; "" if the account is gone.
        email: likewise.
        roles: names, those through groups included.
        until: when it ends by itself.
        state: active or ended.
        joined_at: since when.
    """

    id: str
    user_id: str
    name: str
    email: str
    roles: tuple[str, ...]
    until: datetime | None
    state: Literal["active", "ended"]
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class Allowance:
    """A capability as somebody's page explains it: through which roles, and for each role through which groups."""

    code: Capability
    meaning: str
    through: tuple[str, ...]


def members(asked: MemberQuery, directory: Directory, now: datetime) -> QuerySet[Membership]:
    """The rows that match, in order. The names are annotated as `shown_name` and `shown_email`."""
    people = User.objects.filter(id=OuterRef("user_id"))
    name, email = (Subquery(people.values(field)[:1], output_field=CharField()) for field in ("name", "email"))
    rows = Membership.objects.annotate(shown_email=Coalesce(email, Value("")))
    rows = rows.annotate(shown_name=Coalesce(NullIf(name, Value("")), "shown_email"))
    if asked.search:
        rows = rows.filter(
            Q(shown_name__icontains=asked.search) | Q(shown_email__icontains=asked.search) | Q(user_id=asked.search)
        )
    if asked.role:
        giving = [group for group in directory.groups if asked.role in directory.roles_of_group(group)]
        rows = rows.filter(Q(roles__contains=[asked.role]) | Q(groups__overlap=giving))
    if asked.group:
        rows = rows.filter(groups__contains=[asked.group])
    if asked.state == "active":
        rows = rows.filter(Q(until=None) | Q(until__gt=now))
    elif asked.state == "ending":
        rows = rows.filter(until__gt=now)
    elif asked.state == "ended":
        rows = rows.filter(until__lte=now)
    column = SORTS.get(asked.sort.removeprefix("-"), SORTS["name"])
    order = Lower(column) if column.startswith("shown") else F(column)
    if asked.sort.startswith("-"):
        return rows.order_by(order.desc(nulls_last=True), "-id")
    return rows.order_by(order.asc(nulls_last=True), "id")


def listed(rows: Iterable[Membership], directory: Directory, now: datetime) -> list[MemberRow]:
    """Rows of `members` as they are shown."""
    return [
        MemberRow(
            row.id,
            row.user_id,
            getattr(row, "shown_name", ""),
            getattr(row, "shown_email", ""),
            role_names(directory, directory.holders[row.id]) if row.id in directory.holders else (),
            row.until,
            "ended" if row.until is not None and row.until <= now else "active",
            row.joined_at,
        )
        for row in rows
    ]


def role_names(directory: Directory, holder: Holder) -> tuple[str, ...]:
    """Names of the roles that a holder has, those through groups included."""
    return tuple(sorted((directory.roles[role].name for role in directory.sources(holder)), key=str.lower))


def allowances(directory: Directory, holder: Holder) -> list[Allowance]:
    """What a holder may do in the end, and through what."""
    sources = directory.sources(holder)
    found = []
    for capability in Capability:
        through = [
            directory.roles[role].name + (f" (group {group.name})" if group is not None else "")
            for role, groups in sources.items()
            if capability in directory.roles[role].capabilities
            for group in groups
        ]
        if through:
            found.append(Allowance(capability, MEANINGS[capability], tuple(sorted(through))))
    return found


def names_of(user_ids: Iterable[str]) -> dict[str, str]:
    """What people are called, by their ids; an account that is gone has no name."""
    rows = User.objects.filter(id__in=set(user_ids)).values_list("id", "name", "email")
    return {row: name or email for row, name, email in rows}


def meanings(codes: Iterable[str]) -> Sequence[tuple[str, str]]:
    """Capability codes with what they allow, in the order in which they are listed everywhere."""
    stored = set(codes)
    return [(capability, MEANINGS[capability]) for capability in Capability if capability in stored]
