"""Who decides at a level at a moment: people as they stand, and those who stand in for somebody who is away."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from muniment.server.approvals.workflow import Level, Person, decides


@dataclass(frozen=True, slots=True)
class Absence:
    """Somebody is away at the moment of a roster.

    Attributes:
        delegation: `dlg_…`.
        person: `user:usr_…` who is away.
        delegate: who decides for them; "" for nobody.
    """

    delegation: str
    person: str
    delegate: str = ""


@dataclass(frozen=True, slots=True)
class Mandate:
    """Why somebody may decide.

    Attributes:
        on_behalf_of: `user:usr_…` whom they stand in for; "" where they decide for themselves.
        delegation: `dlg_…` by which they do; "" likewise.
    """

    on_behalf_of: str = ""
    delegation: str = ""


@dataclass(frozen=True, slots=True)
class Decider:
    """Somebody who could decide at a level: why, and whether they are away."""

    subject: str
    mandate: Mandate
    away: bool = False


@dataclass(frozen=True, slots=True)
class Roster:
    """The people of a tenant at one moment.

    Attributes:
        people: present members by subject.
        absences: that hold at that moment.
    """

    people: Mapping[str, Person]
    absences: tuple[Absence, ...] = ()

    def mandate(self, level: Level, user: str, barred: Collection[str] = ()) -> Mandate | None:
        """Why somebody may decide at a level; None if they may not.

        One's own right goes first. Whoever stands in for somebody may approve exceptions themselves, and is not passed
        on what that somebody was given by another: who is away gives away their own right alone. Whoever stands in for
        somebody who is barred is barred as well, whatever right of their own they have.

        Args:
            level: of the case.
            user: `user:usr_…`.
            barred: people who have no say in this case, its requester and whoever decided before: neither they nor
                whoever stands in for them.
        """
        person = self.people.get(user)
        if person is None or not person.approves or ({user} | self.stood_for(user)) & set(barred):
            return None
        if decides(level, person):
            return Mandate()
        for absence in self.absences:
            away = self.people.get(absence.person)
            if absence.delegate == user and away is not None and decides(level, away):
                return Mandate(away.subject, absence.delegation)
        return None

    def stood_for(self, user: str) -> frozenset[str]:
        """For whom somebody stands in at that moment, `user:usr_…`."""
        return frozenset(one.person for one in self.absences if one.delegate == user)

    def deciders(self, level: Level, barred: Collection[str] = ()) -> tuple[Decider, ...]:
        """Everybody who could decide at a level, by subject.

        Args:
            level: of the case.
            barred: as for `mandate`.
        """
        away = {one.person for one in self.absences}
        found = ((subject, self.mandate(level, subject, barred)) for subject in sorted(self.people))
        return tuple(Decider(subject, why, subject in away) for subject, why in found if why is not None)
