"""At which hours somebody is active, and what they do at hours at which they never were.

For each of a person's last active days the hours are kept in which they did anything at all. An hour is usual if they
were active in it on one day of twenty-five at least (two at least); what counts is how far from the nearest usual hour
somebody acts. Failed attempts are not their activity, and a day with an alert teaches nothing until it was acknowledged
as expected.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Self

from muniment.anomalies.deeds import Deed
from muniment.anomalies.finding import Finding, counted
from muniment.anomalies.habits import DAYS
from muniment.anomalies.happening import Happening
from muniment.anomalies.localtime import Wall, said_day, said_time
from muniment.anomalies.memory import Memory
from muniment.anomalies.watched import WATCH_DAYS, Sensitivity, Watched

KNOWN_DAYS: Final = 12
"""Active days after which a person's hours count."""
KNOWN_SPAN: Final = 21
"""Days that must lie between the first of them and now."""
NIGHT: Final = range(1, 5)
"""Hours of the zone that count as unusual for approvals and removals while a person's own are not known."""
_SHARE: Final = 0.04
_REST: Final = 0.1
"""Active on a smaller share of the Saturdays (or of any day of the week) than this, somebody is off on that day."""
_OFF_WEEKS: Final = 8
FAR: Final[dict[Sensitivity, tuple[int, int]]] = {"low": (4, 6), "normal": (3, 5), "high": (2, 3)}
"""Hours between what is done and the nearest usual hour: for approvals and removals, and for signing in."""
_NOUNS: Final[dict[Deed, str]] = {"approval": "An approval", "removal": "A removal", "login": "A sign-in"}


@dataclass(slots=True)
class Hours:
    """When one person is active.

    Attributes:
        first: the first day on which they were seen.
        days: day -> the hours in which they were active, as bits.
        alerted: the day of the newest alert.
        held: day -> hours that were held back since an alert of that day.
        counts: on how many of the days each hour was among them; follows from `days`.
    """

    first: int = 0
    days: dict[int, int] = field(default_factory=dict)
    alerted: int = 0
    held: dict[int, int] = field(default_factory=dict)
    counts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.counts = [sum(bits >> hour & 1 for bits in self.days.values()) for hour in range(24)]

    @classmethod
    def read(cls, row: dict[str, Any]) -> Self:
        """From JSON."""
        return cls(
            int(row.get("first", 0)),
            {int(day): int(bits) for day, bits in row.get("days", {}).items()},
            int(row.get("alerted", 0)),
            {int(day): int(bits) for day, bits in row.get("held", {}).items()},
        )

    def row(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "first": self.first,
            "days": {str(day): bits for day, bits in self.days.items()},
            "alerted": self.alerted,
            "held": {str(day): bits for day, bits in self.held.items()},
        }

    def seen(self, at: Wall) -> bool:
        """Whether nothing new is learned from activity at that time."""
        days = self.held if self.alerted == at.day else self.days
        return bool(days.get(at.day, 0) >> at.hour & 1)

    def add(self, at: Wall) -> None:
        """They were active."""
        self.first = self.first or at.day
        days = self.held if self.alerted == at.day else self.days
        if at.day not in days:
            for day in [day for day in self.days if day < at.day - DAYS]:
                self._count(self.days.pop(day), -1)
            for day in [day for day in self.held if day < at.day - DAYS]:
                del self.held[day]
        before = days.get(at.day, 0)
        days[at.day] = before | 1 << at.hour
        if days is self.days:
            self._count(days[at.day] & ~before, 1)

    def give_back(self, day: int) -> None:
        """What was held back of a day was usual after all."""
        if day in self.held:
            before = self.days.get(day, 0)
            self.days[day] = before | self.held.pop(day)
            self._count(self.days[day] & ~before, 1)

    def before(self, day: int) -> tuple[int, list[int]]:
        """How many days before one are known, and on how many of them each hour was among the active ones."""
        today = self.days.get(day, 0)
        return len(self.days) - (day in self.days), [
            number - (today >> hour & 1) for hour, number in enumerate(self.counts)
        ]

    def _count(self, bits: int, step: int) -> None:
        while bits:
            self.counts[(bits & -bits).bit_length() - 1] += step
            bits &= bits - 1


@dataclass(frozen=True, slots=True)
class Rest:
    """How a moment lies to somebody's hours.

    Attributes:
        days: active days that are known.
        weeks: how many weeks they were seen for.
        distance: hours to the nearest usual one; 0 within them.
        usual: the usual hours.
        day_off: they are as good as never active on that day of the week.
        share: on how many of these days of the week they were.
    """

    days: int
    weeks: int
    distance: int
    usual: tuple[int, ...]
    day_off: bool
    share: int


def rest_of(hours: Hours, at: Wall) -> Rest:
    """How a moment lies to the hours of the days before it."""
    known, counts = hours.before(at.day)
    least = max(2.0, _SHARE * known)
    usual = tuple(hour for hour, number in enumerate(counts) if number >= least)
    apart = [min(abs(at.hour - hour), 24 - abs(at.hour - hour)) for hour in usual]
    weeks = min(DAYS, at.day - hours.first) // 7
    share = sum(at.day - 7 * ago in hours.days for ago in range(1, DAYS // 7 + 1))
    return Rest(known, weeks, min(apart, default=0), usual, weeks >= _OFF_WEEKS and share < _REST * weeks, share)


def off_hours(
    one: Happening, deed: Deed | None, at: Wall, since: int, watched: Watched, memory: Memory
) -> Finding | None:
    """Look at what a person did and when; then take it for one of their hours.

    Args:
        one: what they did, and it succeeded.
        deed: as what it counts; only approvals, removals and sign-ins are looked at, and all of it is learned from.
        at: when, on the wall.
        since: the day on which watching began.
        watched: the tenant's settings.
        memory: what is known.
    """
    name = f"hours {one.actor}"
    hours = memory.look(name, Hours)
    everybody = memory.look("hours of all", Hours)
    found = None
    keen = watched.of("off-hours")
    if deed in _NOUNS and keen != "off" and hours.alerted != at.day:
        found = _judge(one, deed, at, since, keen, watched, hours, everybody)
    if found is not None:
        memory.part(name, Hours).alerted = at.day
    if not hours.seen(at):
        memory.part(name, Hours).add(at)
    if not everybody.seen(at) and hours.alerted != at.day:
        memory.part("hours of all", Hours).add(at)
    return found


def _judge(
    one: Happening, deed: Deed, at: Wall, since: int, keen: Sensitivity, watched: Watched, hours: Hours, all_: Hours
) -> Finding | None:
    rest = rest_of(hours, at)
    if rest.days >= KNOWN_DAYS and at.day - hours.first >= KNOWN_SPAN:
        far = FAR[keen][1 if deed == "login" else 0]
        off = rest.distance >= far
        idle = rest.day_off and (keen != "low") and (deed != "login" or rest.distance >= FAR[keen][0])
        if not off and not idle:
            return None
        days = counted(rest.days, "day", "days")
        told = f"On {days} with activity in the last {rest.weeks} weeks this person was active {_ranges(rest.usual)}"
        if rest.day_off:
            told += f", and on {rest.share} of {rest.weeks} such days of the week"
        bound = f"an alert is raised from {far} hours outside of that on" if off else "an alert is raised for a day off"
        return _finding(one, deed, at, watched, "own-hours", f"{told}; {bound}", rest, learned=True)
    if deed == "login" or at.hour not in NIGHT:
        return None
    together = rest_of(all_, at)
    if together.usual and together.distance == 0:
        return None
    if at.day - since < WATCH_DAYS:
        told = (
            f"This log has been watched for {counted(max(at.day - since, 0), 'day', 'days')}; until {WATCH_DAYS} are "
            "known, approvals and removals between 01:00 and 05:00 are taken for unusual"
        )
        return _finding(one, deed, at, watched, "night", told, rest, learned=False)
    told = (
        f"Too little is known of this person's hours ({counted(rest.days, 'day', 'days')} with activity); on "
        f"{counted(together.days, 'day', 'days')} people of this tenant were active {_ranges(together.usual)}"
    )
    return _finding(one, deed, at, watched, "tenant-hours", told, rest, learned=True)


def _finding(
    one: Happening, deed: Deed, at: Wall, watched: Watched, pattern: str, told: str, rest: Rest, *, learned: bool
) -> Finding:
    said = f"{_NOUNS[deed]} at {said_time(one.at, watched.tz)} on {said_day(at.day)} ({watched.zone})."
    return Finding(
        "off-hours",
        pattern,
        f"{one.actor}/{at.day}",
        (one.actor,),
        one.at,
        one.at,
        f"{said} {told}.",
        {
            "hour": at.hour,
            "distance": rest.distance,
            "observations": rest.days,
            "deed": deed,
            "who": one.actor,
            "day": at.day,
        },
        ((one.seq, one.reference),),
        learned,
    )


def _ranges(hours: tuple[int, ...]) -> str:
    """Hours as ranges of the wall clock: between 08:00 and 18:00."""
    runs: list[list[int]] = []
    for hour in hours:
        if runs and runs[-1][1] == hour:
            runs[-1][1] = hour + 1
        else:
            runs.append([hour, hour + 1])
    said = [f"between {first:02}:00 and {end % 24:02}:00" for first, end in runs]
    return " and ".join(said) if said else "at no hour often enough to call it usual"
