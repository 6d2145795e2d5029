"""Who of the open tenant decides at a level, from its members and delegations as they stand."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from muniment.server.approvals.models import Delegation, Revocation
from muniment.server.approvals.roster import Absence, Mandate, Roster
from muniment.server.approvals.workflow import Level, Person, Rules
from muniment.server.capabilities import Capability
from muniment.server.members.directory import Directory, Holder
from muniment.server.members.rows import read_directory


def may_decide(rules: Rules, level: Level, user: str, at: datetime, *, barred: Collection[str] = ()) -> Mandate | None:
    """Why somebody may decide at a level; None if they may not. For many cases at once, ask one `roster`.

    Args:
        rules: the version under which the case began; `level` is one of `levels_for` of it.
        level: of the case.
        user: `user:usr_…`; an API key is nobody here.
        at: the moment of the decision, aware.
        barred: people who have no say in this case, its requester and whoever decided before: neither they nor anybody
            on their behalf.

    Raises:
        ValueError: for a level that is none of the rules.
    """
    if all(level not in levels for _, levels in rules.paths()):
        raise ValueError("the level is none of these rules")
    return roster(at).mandate(level, user, barred)


def roster(at: datetime) -> Roster:
    """The people of the open tenant, and who is away.

    Args:
        at: the moment, aware.
    """
    directory = read_directory(at)
    people = {
        holder.subject: _person(directory, holder)
        for holder in directory.holders.values()
        if holder.kind == "member" and holder.active and (holder.until is None or holder.until > at)
    }
    absences = tuple(Absence(row.id, row.person, row.delegate) for row in absences_at(at))
    return Roster(people, absences)


def absences_at(at: datetime) -> list[Delegation]:
    """The delegations of the open tenant that hold at a moment: begun, not over, not revoked."""
    rows = Delegation.objects.filter(begins__lte=at, ends__gt=at)
    return list(rows.exclude(id__in=Revocation.objects.filter(at__lte=at).values("delegation")).order_by("id"))


def _person(directory: Directory, holder: Holder) -> Person:
    power = directory.power(holder).capabilities
    return Person(
        holder.subject,
        frozenset(directory.roles[role].code for role in directory.sources(holder)),
        frozenset(group.id for one in holder.groups for group in directory.line_of(one)),
        approves=Capability.EXCEPTION_APPROVE in power,
        requests=Capability.EXCEPTION_REQUEST in power,
    )
