"""Who of the open tenant decides at a level, from its members and delegations as they stand."""

from __future__ import annotations

from datetime import datetime

from muniment.server.approvals.models import Delegation, Revocation
from muniment.server.approvals.roster import Absence, Roster
from muniment.server.approvals.workflow import Person
from muniment.server.capabilities import Capability
from muniment.server.members.directory import Directory, Holder
from muniment.server.members.rows import read_directory


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


def stood_for(user: str, at: datetime) -> frozenset[str]:
    """For whom of the open tenant somebody stands in at a moment, `user:usr_…`."""
    return frozenset(row.person for row in absences_at(at) if row.delegate == user)


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
