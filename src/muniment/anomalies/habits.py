"""How much of something there usually is: of one person on the days on which they do it at all, and of a whole tenant.

What came after an alert on the same day is held back: an incident teaches no habit. Somebody who acknowledges the
alert as expected gives it back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from muniment.anomalies.localtime import WEEK, Wall
from muniment.anomalies.tails import Expected, burst_of, expected, unusual_from
from muniment.anomalies.window import Window

WEEKS: Final = 12
"""How far back what was learned goes."""
DAYS: Final = WEEKS * 7
KNOWN_DAYS: Final = 8
"""Active days after which a person's own habit counts."""
CROWD_DAYS: Final = 30
"""Active days of anybody after which everybody's habit counts for who has none yet."""
FEW_WEEKS: Final = 4
"""Until so many are known, all working days (or both days of the weekend) are taken as alike."""
_MARGIN: Final = 1.25


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual, and from where on it is not.

    Attributes:
        bound: the count from which on an alert is raised.
        low, high: what nine of ten observations lie between; 0 to 0 of none.
        seen: observations.
        learned: otherwise `bound` is the fixed one.
    """

    bound: int
    low: int
    high: int
    seen: int
    learned: bool


def usual(counts: Sequence[int], general: float, burst: float, busiest: int, tail: float, least: int) -> Usual:
    """What observed counts say.

    Args:
        counts: of like hours or days.
        general: the mean of all of them, alike or not.
        burst: see `tails.Expected`.
        busiest: the second largest count of any day: what was seen on two days is no news.
        tail: see `watched.TAILS`.
        least: below it nothing is an alert.
    """
    known: Expected = expected(counts, general, burst)
    bound = max(least, unusual_from(known, tail), int(_MARGIN * busiest) + 1)
    inner = sorted(counts)
    cut = len(inner) // 20
    return Usual(bound, inner[cut], inner[-1 - cut], len(counts), True)


def cold(bound: int, seen: int) -> Usual:
    """A fixed bound."""
    return Usual(bound, 0, 0, seen, False)


def second(counts: Sequence[int]) -> int:
    """The second largest."""
    return sorted(counts)[-2] if len(counts) > 1 else 0


@dataclass(slots=True)
class Habit:
    """How much one person does of something, on each of their last active days.

    Attributes:
        days: day -> [most within one hour of the clock, in all].
        hour: [day, hour, how many in it] of the hour that runs.
        window: the sliding hour.
        alerted: the day of the newest alert; from then on, until it ends, everything is held back.
        held: day -> what was held back, as in `days`.
    """

    days: dict[int, list[int]] = field(default_factory=dict)
    hour: list[int] = field(default_factory=lambda: [0, 0, 0])
    window: Window = field(default_factory=Window)
    alerted: int = 0
    held: dict[int, list[int]] = field(default_factory=dict)

    @classmethod
    def read(cls, row: dict[str, Any]) -> Self:
        """From JSON."""
        return cls(
            {int(day): list(counts) for day, counts in row.get("days", {}).items()},
            list(row.get("hour", (0, 0, 0))),
            Window.read(row.get("window", {})),
            int(row.get("alerted", 0)),
            {int(day): list(counts) for day, counts in row.get("held", {}).items()},
        )

    def row(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "days": {str(day): counts for day, counts in self.days.items()},
            "hour": self.hour,
            "window": self.window.row(),
            "alerted": self.alerted,
            "held": {str(day): counts for day, counts in self.held.items()},
        }

    def add(self, at: Wall) -> list[int] | None:
        """Count one more; gives [most, in all] of the active day before when a new one begins."""
        ended = None
        if at.day not in self.days:
            before = max((day for day in self.days if day < at.day), default=None)
            ended = None if before is None else self.days[before]
            self.days = {day: counts for day, counts in self.days.items() if day >= at.day - DAYS}
            self.held = {day: counts for day, counts in self.held.items() if day >= at.day - DAYS}
        self.hour[2] = self.hour[2] + 1 if self.hour[:2] == [at.day, at.hour] else 1
        self.hour[:2] = [at.day, at.hour]
        kept = (self.held if self.alerted == at.day else self.days).setdefault(at.day, [0, 0])
        self.days.setdefault(at.day, [0, 0])
        kept[0], kept[1] = max(kept[0], self.hour[2]), kept[1] + 1
        return ended

    def of_day(self, day: int) -> int:
        """How many the day has so far, held back or not."""
        return sum(days[day][1] for days in (self.days, self.held) if day in days)

    def give_back(self, day: int) -> None:
        """What was held back of a day was usual after all."""
        held = self.held.pop(day, None)
        if held is not None:
            peak, total = self.days.get(day, (0, 0))
            self.days[day] = [max(peak, held[0]), total + held[1]]

    def before(self, day: int) -> list[list[int]]:
        """The active days before one."""
        return [counts for known, counts in self.days.items() if known < day and counts[1]]


@dataclass(slots=True)
class Crowd:
    """How much anybody here does of something on an active day: week -> [most within an hour, in all] of each."""

    weeks: dict[int, list[list[int]]] = field(default_factory=dict)

    @classmethod
    def read(cls, row: dict[str, Any]) -> Self:
        """From JSON."""
        return cls({int(week): [list(one) for one in days] for week, days in row.items()})

    def row(self) -> dict[str, Any]:
        """As JSON."""
        return {str(week): days for week, days in self.weeks.items()}

    def add(self, week: int, ended: list[int]) -> None:
        """One more active day; of each week the first two hundred are kept."""
        self.weeks = {known: days for known, days in self.weeks.items() if known >= week - WEEKS}
        days = self.weeks.setdefault(week, [])
        if len(days) < 200:
            days.append(ended)

    def all(self) -> list[list[int]]:
        """Every active day that is known."""
        return [day for days in self.weeks.values() for day in days]


@dataclass(slots=True)
class Tally:
    """How much of something a tenant has in each hour of each week.

    Attributes:
        weeks: week -> 168 counts.
        window: the sliding hour.
        alerted: the day of the newest alert.
        held: day -> hour of the week -> what was held back.
        aside: the same of what people did under an alert about them.
    """

    weeks: dict[int, list[int]] = field(default_factory=dict)
    window: Window = field(default_factory=Window)
    alerted: int = 0
    held: dict[int, dict[int, int]] = field(default_factory=dict)
    aside: dict[int, dict[int, int]] = field(default_factory=dict)
    _known: tuple[int, int] = (0, 0)
    _usual: dict[tuple[str, int, float], Usual] = field(default_factory=dict)
    _whole: tuple[float, float, int] | None = None

    @classmethod
    def read(cls, row: dict[str, Any]) -> Self:
        """From JSON."""
        return cls(
            {int(week): list(counts) for week, counts in row.get("weeks", {}).items()},
            Window.read(row.get("window", {})),
            int(row.get("alerted", 0)),
            _hours(row.get("held", {})),
            _hours(row.get("aside", {})),
        )

    def row(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "weeks": {str(week): counts for week, counts in self.weeks.items()},
            "window": self.window.row(),
            "alerted": self.alerted,
            "held": {str(day): {str(a): n for a, n in held.items()} for day, held in self.held.items()},
            "aside": {str(day): {str(a): n for a, n in held.items()} for day, held in self.aside.items()},
        }

    def add(self, at: Wall) -> None:
        """Count one more."""
        if at.week not in self.weeks:
            self.weeks = {week: counts for week, counts in self.weeks.items() if week >= at.week - WEEKS}
            self.held = {day: held for day, held in self.held.items() if day >= at.day - DAYS}
            self.aside = {day: held for day, held in self.aside.items() if day >= at.day - DAYS}
            self.weeks[at.week] = [0] * WEEK
        if self.alerted == at.day:
            held = self.held.setdefault(at.day, {})
            held[at.slot] = held.get(at.slot, 0) + 1
        else:
            self.weeks[at.week][at.slot] += 1

    def of_day(self, at: Wall) -> int:
        """How many the day of a moment has so far."""
        counts = self.weeks.get(at.week, [0] * WEEK)
        begin = at.weekday * 24
        return sum(counts[begin : begin + 24]) + sum(self.held.get(at.day, {}).values())

    def put_aside(self, at: Wall) -> None:
        """One more of somebody under an alert: it counts for nobody else, until it was expected."""
        held = self.aside.setdefault(at.day, {})
        held[at.slot] = held.get(at.slot, 0) + 1

    def give_back(self, day: int, held: dict[int, dict[int, int]]) -> None:
        """What was held back of a day, or put aside on it, was usual after all."""
        counts = self.weeks.get((day - 1) // 7)
        for slot, number in held.pop(day, {}).items():
            if counts is not None:
                counts[slot] += number
        self._whole = None
        self._usual.clear()

    def of_hour(self, at: Wall, slot: int, since: int, tail: float, least: int) -> Usual:
        """What is usual at an hour of the week, with the hours beside it.

        Args:
            at: now; weeks before this one count.
            slot: the hour of the week.
            since: the first whole week that was watched.
            tail: see `usual`, and `least` too.
            least: see `tail`.
        """
        found = self._kept(("hour", slot, tail), at, since)
        if found is None:
            weeks = self._weeks(at, since)
            alike = (5, 6) if slot >= 5 * 24 else range(5)
            days = [slot // 24] if len(weeks) >= FEW_WEEKS else list(alike)
            near = [(day * 24 + slot % 24 + beside) % WEEK for day in days for beside in (-1, 0, 1)]
            pool = [counts[hour] for counts in weeks for hour in near]
            if self._whole is None:
                general = sum(map(sum, weeks)) / (len(weeks) * WEEK)
                peaks = [max(counts[day * 24 : day * 24 + 24]) for counts in weeks for day in range(7)]
                self._whole = general, burst_of(list(zip(*weeks, strict=True))), second(peaks)
            found = self._usual["hour", slot, tail] = usual(pool, *self._whole, tail, least)
        return found

    def of_days(self, at: Wall, since: int, tail: float, least: int) -> Usual:
        """What is usual on a working day, or on a day of the weekend."""
        found = self._kept(("day", int(at.weekend), tail), at, since)
        if found is None:
            weeks = self._weeks(at, since)
            totals = [[sum(counts[day * 24 : day * 24 + 24]) for day in range(7)] for counts in weeks]
            pool = [one for week in totals for one in (week[5:] if at.weekend else week[:5])]
            every = [one for week in totals for one in week]
            found = self._usual["day", int(at.weekend), tail] = usual(
                pool, sum(every) / len(every), burst_of([pool]), second(every), tail, least
            )
        return found

    def _kept(self, name: tuple[str, int, float], at: Wall, since: int) -> Usual | None:
        if self._known != (at.week, since):
            self._known = (at.week, since)
            self._whole = None
            self._usual.clear()
        return self._usual.get(name)

    def _weeks(self, at: Wall, since: int) -> list[list[int]]:
        nothing = [0] * WEEK
        return [self.weeks.get(week, nothing) for week in range(max(since, at.week - WEEKS), at.week)]


def _hours(row: dict[str, dict[str, int]]) -> dict[int, dict[int, int]]:
    return {int(day): {int(slot): number for slot, number in hours.items()} for day, hours in row.items()}
