"""What kinds of tenants there are, and one ordinary day of one of them after the other."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from muniment.anomalies.happening import Happening

FIRST_DAY: Final = date(2026, 2, 2)
"""A Monday; clocks change in America on 8 March and in Europe on 29 March, within the ninety days."""
DAYS: Final = 90


class Moment(NamedTuple):
    """One event before it has a place in a log."""

    at: datetime
    action: str
    actor: str
    outcome: str = "success"
    kind: str = ""
    subject: str = ""
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of tenant.

    Attributes:
        name: as the table names it.
        zone: in which its hours are counted.
        people: how many.
        homes: zones in which they live and work, taken in turn.
        approvers: how many of them decide.
        asked: requests on a working day, on average.
        batch: requests that come together on the first working day of each month, and are decided that day.
        quick: decisions that somebody sits waiting for, of a hundred.
        weekend: of a hundred, how often somebody works on a day of the weekend.
        late: of a hundred, how often somebody comes back in the evening.
    """

    name: str
    zone: str
    people: int
    homes: tuple[str, ...]
    approvers: int
    asked: float
    batch: int = 0
    quick: int = 3
    weekend: int = 2
    late: int = 2


KINDS: Final = (
    Kind("small office", "America/New_York", 5, ("America/New_York",), 3, 0.8),
    Kind("office with monthly batches", "Europe/Warsaw", 25, ("Europe/Warsaw",), 4, 5.0, batch=18),
    Kind("offices on three continents", "UTC", 36, ("Europe/London", "America/Los_Angeles", "Asia/Kolkata"), 9, 18.0),
    Kind("weekend and night shifts", "Europe/Berlin", 20, ("Europe/Berlin",), 5, 4.0, weekend=45, late=12),
)


@dataclass(slots=True)
class Person:
    """Somebody, with their hours in the zone in which they live."""

    subject: str
    home: ZoneInfo
    begins: float
    works: float
    approver: bool
    admin: bool
    joins: int
    away: range
    shifts: bool


@dataclass(slots=True)
class Asked:
    """A request that waits: from when on somebody may take it up."""

    subject: str
    kind: str
    by: str
    ready: datetime


@dataclass(slots=True)
class Company:
    """One tenant whose days are drawn."""

    kind: Kind
    draw: random.Random
    people: list[Person] = field(default_factory=list)
    waiting: list[Asked] = field(default_factory=list)
    holidays: frozenset[int] = frozenset()
    number: int = 0

    @classmethod
    def of(cls, kind: Kind, seed: int) -> Company:
        """A company, drawn from a seed."""
        made = cls(kind, random.Random(f"{kind.name}/{seed}"))  # noqa: S311 - it must be drawn again the same way
        made.holidays = frozenset(made.draw.sample(range(20, DAYS), 3))
        made.people = [made._person(index) for index in range(kind.people)]
        return made

    def _person(self, index: int) -> Person:
        kind, draw = self.kind, self.draw
        leave = draw.randrange(10, DAYS - 10)
        # One in twenty comes later; whoever decides is there from the start.
        late = index >= kind.approvers and draw.random() < 0.05
        shifts = kind.weekend > 20
        return Person(
            f"user:usr_{kind.name[:3]}{index}",
            ZoneInfo(kind.homes[index % len(kind.homes)]),
            draw.choice((5.0, 13.0, 21.0)) if shifts and index % 3 == 0 else draw.uniform(7.5, 10.0),
            draw.uniform(7.0, 9.5),
            index < kind.approvers,
            index % 8 == 0,
            draw.randrange(30, 70) if late else 0,
            range(leave, leave + draw.randrange(5, 15)),
            shifts,
        )

    def days(self) -> Iterator[Moment]:
        """Every event of the ninety days, not yet in order."""
        for day in range(DAYS):
            yield from self._day(day)

    def _day(self, day: int) -> Iterator[Moment]:
        kind, draw = self.kind, self.draw
        on = FIRST_DAY + timedelta(days=day)
        free = on.weekday() >= 5 or day in self.holidays
        present: list[tuple[Person, datetime, datetime]] = []
        for person in self.people:
            here = day >= person.joins and day not in person.away
            if here and (not free or draw.random() * 100 < kind.weekend):
                begin = datetime.combine(on, time(), person.home) + timedelta(hours=person.begins + draw.gauss(0, 0.5))
                present.append((person, begin, begin + timedelta(hours=max(2.0, person.works + draw.gauss(0, 0.7)))))
        for person, begin, end in present:
            yield from self._at_work(person, begin, end)
            if draw.random() * 100 < kind.late:
                back = end + timedelta(hours=draw.uniform(1.0, 4.0))
                yield from self._at_work(person, back, back + timedelta(minutes=draw.uniform(10, 60)))
        if present:
            yield from self._requests(present, free, on)
            yield from self._decisions(present)
            yield from self._removals(present, day)

    def _at_work(self, person: Person, begin: datetime, end: datetime) -> Iterator[Moment]:
        draw, about = self.draw, person.subject.removeprefix("user:")
        for at in [begin, *([self._within(begin, end)] if draw.random() < 0.4 else [])]:
            for wrong in range(draw.choices((0, 1, 2, 3), (92, 5, 2, 1))[0]):
                before = at - timedelta(seconds=20.0 * (wrong + 1))
                yield Moment(before, "user.login", person.subject, "failure", "user", about, (("method", "password"),))
            yield Moment(at, "mfa.verify", person.subject, "success", "user", about)
            yield Moment(at + timedelta(seconds=2), "user.login", person.subject, "success", "user", about)
        hours = (end - begin) / timedelta(hours=1)
        for _ in range(max(1, int(draw.gauss(hours * 0.4, 1.0)))):
            yield Moment(self._within(begin, end), "population.save", person.subject, "success", "population", "pop_1")
        if draw.random() < 0.004:
            yield Moment(self._within(begin, end), "user.login", "system:visitor", "failure", "", "")

    def _requests(self, present: list[tuple[Person, datetime, datetime]], free: bool, on: date) -> Iterator[Moment]:
        kind, draw = self.kind, self.draw
        number = sum(draw.random() < kind.asked / 40 for _ in range(40)) if not free else int(draw.random() < 0.1)
        together = kind.batch and not free and on.day <= 7 and on.weekday() == 0
        for one in range(number + (kind.batch if together else 0)):
            person, begin, end = draw.choice(present)
            at = self._within(begin, begin + (end - begin) / 3 if together and one >= number else end)
            self.number += 1
            packet = draw.random() < 0.15
            noun, subject = ("packet-request", f"req_{self.number}") if packet else ("exception", f"exc_{self.number}")
            yield Moment(
                at, "packet.request" if packet else "exception.submit", person.subject, "success", noun, subject
            )
            delay = draw.uniform(120, 600) if draw.random() * 100 < kind.quick else draw.lognormvariate(9.6, 1.2)
            self.waiting.append(Asked(subject, noun, person.subject, at + timedelta(seconds=max(delay, 90))))

    def _decisions(self, present: list[tuple[Person, datetime, datetime]]) -> Iterator[Moment]:
        """Approvers sit down once or twice a day and decide what waits for them."""
        draw = self.draw
        for person, begin, end in present:
            if not person.approver:
                continue
            for _ in range(draw.choices((1, 2), (2, 1))[0]):
                at = self._within(begin + timedelta(minutes=20), end)
                for asked in [one for one in self.waiting if one.ready <= at and one.by != person.subject]:
                    if draw.random() < 0.5:
                        self.waiting.remove(asked)
                        said = "approve" if draw.random() < 0.85 else "return"
                        action = f"exception.{said}" if asked.kind == "exception" else "packet.approve"
                        yield Moment(at, action, person.subject, "success", asked.kind, asked.subject)
                        at += timedelta(minutes=draw.uniform(2, 25))

    def _removals(self, present: list[tuple[Person, datetime, datetime]], day: int) -> Iterator[Moment]:
        draw = self.draw
        for person, begin, end in present:
            if not person.admin or draw.random() > 0.15:
                continue
            at = self._within(begin, end)
            # Mostly one thing; now and then somebody leaves or something is tidied up.
            for _ in range(draw.choices((1, 2, 4, 6), (70, 20, 7, 3))[0]):
                action = draw.choice(("key.revoke", "session.revoke", "attachment.withdraw", "member.remove"))
                self.number += 1
                yield Moment(at, action, person.subject, "success", "thing", f"thing_{self.number}")
                at += timedelta(minutes=draw.uniform(0.2, 6))
        if day % 41 == 40:
            person, begin, end = draw.choice(present)
            yield Moment(self._within(begin, end), "workflow.change", person.subject, "success", "workflow", "wfv_1")

    def _within(self, begin: datetime, end: datetime) -> datetime:
        """A time between two, in UTC: the way between them is measured there, whatever clocks do."""
        first, last = begin.astimezone(UTC), end.astimezone(UTC)
        return first + (last - first) * self.draw.random()


def in_order(moments: list[Moment]) -> list[Happening]:
    """Events as a log has them: by time, each with its place."""
    placed = sorted(moments, key=lambda one: one.at.astimezone(UTC))
    return [
        Happening(
            seq,
            one.at.astimezone(UTC),
            one.action,
            one.actor,
            one.outcome,
            one.kind,
            one.subject,
            dict(one.facts),
            f"src_rehearsal/evt_{seq}",
        )
        for seq, one in enumerate(placed)
    ]
