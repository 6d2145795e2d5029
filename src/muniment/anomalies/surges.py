"""More of something than usual: approvals, removals, sign-ins and failed ones, of one person and of all together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import Final

from muniment.anomalies.deeds import Deed
from muniment.anomalies.finding import Finding, counted
from muniment.anomalies.finding import span as ranged
from muniment.anomalies.habits import CROWD_DAYS, KNOWN_DAYS, Crowd, Habit, Tally, Usual, cold, usual
from muniment.anomalies.habits import second as second_of
from muniment.anomalies.happening import Happening
from muniment.anomalies.localtime import WEEKDAYS, Wall, moment_of, said_day, said_time
from muniment.anomalies.memory import Memory
from muniment.anomalies.tails import burst_of
from muniment.anomalies.watched import BOUNDS, OF_DAY, OF_DEED, TAILS, WATCH_DAYS, Bounds, Watched
from muniment.anomalies.window import Window

NOUNS: Final[dict[Deed, tuple[str, str]]] = {
    "approval": ("approval", "approvals"),
    "removal": ("removal", "removals"),
    "login": ("sign-in", "sign-ins"),
    "failed-login": ("failed sign-in", "failed sign-ins"),
}


@dataclass(frozen=True, slots=True)
class Counting:
    """One counted event, with everything that is asked about it."""

    one: Happening
    deed: Deed
    at: Wall
    since: int
    watched: Watched

    @property
    def bounds(self) -> Bounds:
        """The fixed bounds at this sensitivity."""
        return BOUNDS[self.deed][self.watched.of(OF_DEED[self.deed])]

    @property
    def tail(self) -> float:
        """How improbable a count must be."""
        return TAILS[self.watched.of(OF_DEED[self.deed])]

    @property
    def days(self) -> int:
        """For how many days the tenant has been watched."""
        return self.at.day - self.since

    @property
    def who(self) -> str:
        """Whose habit counts: a person or a program; "" for attempts under names that nobody has."""
        return "" if self.one.actor.startswith("system:") else self.one.actor


def surge(one: Happening, deed: Deed, at: Wall, since: int, watched: Watched, memory: Memory) -> Finding | None:
    """Count an event; the finding, if its hour or its day has too many with it.

    A person is looked at first; while an alert about them stands, the rest of their day counts for no other.

    Args:
        one: the event.
        deed: what it is.
        at: when, on the wall.
        since: the day on which watching began.
        watched: the tenant's settings.
        memory: what is known.
    """
    on = watched.of(OF_DEED[deed]) != "off"
    case = Counting(one, deed, at, since, watched) if on else Counting(one, deed, at, since, Watched(watched.zone))
    if case.who:
        name = f"habit {deed} {case.who}"
        habit = memory.part(name, Habit)
        quiet = habit.alerted == at.day
        ended = habit.add(at)
        if ended is not None:
            memory.part(f"crowd {deed}", Crowd).add(at.week, ended)
        inside = habit.window.add(at.stamp, one.seq, one.reference, one.actor)
        found = None if quiet else _of_person(case, habit, inside, memory)
        if found is not None:
            habit.alerted = at.day
        if quiet or found is not None:
            memory.part(f"tally {deed}", Tally).put_aside(at)
            return found if on else None
    tally = memory.part(f"tally {deed}", Tally)
    quiet = tally.alerted == at.day
    tally.add(at)
    inside = tally.window.add(at.stamp, one.seq, one.reference, one.actor)
    if quiet:
        return None
    found = _of_tenant(case, tally, inside)
    if found is not None:
        tally.alerted = at.day
        for person in found.about:
            memory.part(f"habit {deed} {person}", Habit).alerted = at.day
    return found if on else None


def give_back(memory: Memory, deed: Deed, who: str, day: int) -> None:
    """An alert was expected: what it held back is learned after all."""
    tally = memory.part(f"tally {deed}", Tally)
    if who:
        memory.part(f"habit {deed} {who}", Habit).give_back(day)
        tally.give_back(day, tally.aside)
    else:
        tally.give_back(day, tally.held)


def _of_person(case: Counting, habit: Habit, inside: int, memory: Memory) -> Finding | None:
    least = case.bounds.least
    today = habit.of_day(case.at.day)
    if inside < least and today < least * OF_DAY:
        return None
    own = habit.before(case.at.day)
    days, whose = own, "own"
    if len(own) < KNOWN_DAYS:
        everybody = memory.look(f"crowd {case.deed}", Crowd).all()
        days, whose = (everybody, "others") if len(everybody) >= CROWD_DAYS else (own, "fixed")
    for column, times, number in ((0, 1, inside), (1, OF_DAY, today)):
        counts = [day[column] for day in days]
        if whose == "fixed" or case.days < WATCH_DAYS:
            known = cold(case.bounds.fixed * times, len(own))
        else:
            mean = sum(counts) / len(counts)
            known = usual(counts, mean, burst_of([counts]), second_of(counts), case.tail, least * times)
        if number >= known.bound:
            told = _habit(case, known, column, whose)
            return _finding(case, habit.window, case.who, column == 1, number, known, told)
    return None


def _habit(case: Counting, known: Usual, column: int, whose: str) -> str:
    when = "on the whole day" if column else "in the busiest hour"
    _, many = NOUNS[case.deed]
    if not known.learned:
        return _too_early(case, f"{counted(known.seen, 'earlier day', 'earlier days')} with {many} by this actor")
    if whose == "own":
        within = ranged(known.low, known.high)
        return f"On {known.seen} earlier days with {many} by the same actor there were {within} {when}"
    return (
        f"The same actor has too few earlier days to compare with; on {known.seen} days of anybody here there were "
        f"{ranged(known.low, known.high)} {when}"
    )


def _of_tenant(case: Counting, tally: Tally, inside: int) -> Finding | None:
    least = case.bounds.least
    today = tally.of_day(case.at)
    if inside < least and today < least * OF_DAY:
        return None
    first = (case.since - 1) // 7 + 1
    ready = case.days >= WATCH_DAYS and case.at.week > first
    if ready:
        began = moment_of(tally.window.began).astimezone(case.watched.tz)
        slots = {case.at.slot, began.weekday() * 24 + began.hour}
        hour = max(
            (tally.of_hour(case.at, slot, first, case.tail, least) for slot in sorted(slots)), key=lambda one: one.bound
        )
    else:
        hour = cold(case.bounds.together, case.days)
    day = (
        tally.of_days(case.at, first, case.tail, least * OF_DAY)
        if ready
        else cold(case.bounds.together * OF_DAY, case.days)
    )
    kind = "a day of the weekend" if case.at.weekend else "a working day"
    usually = f"On a usual {WEEKDAYS[case.at.weekday]} at this hour there are {ranged(hour.low, hour.high)}"
    daily = f"On {kind} there are usually {ranged(day.low, day.high)}"
    for number, known, text in ((inside, hour, usually), (today, day, daily)):
        if number >= known.bound:
            told = text if known.learned else _too_early(case, "")
            return _finding(case, tally.window, "", known is day, number, known, told)
    return None


def _too_early(case: Counting, seen: str) -> str:
    if case.days < WATCH_DAYS:
        known = (
            f"This log has been watched for {counted(max(case.days, 0), 'day', 'days')}; until {WATCH_DAYS} are known"
        )
    else:
        known = f"There are {seen}; until {KNOWN_DAYS} are known"
    return f"{known}, a fixed bound holds"


def _finding(
    case: Counting, window: Window, who: str, whole_day: bool, number: int, known: Usual, told: str
) -> Finding:
    detector, zone = OF_DEED[case.deed], case.watched.tz
    until = case.one.at
    since = moment_of(window.began)
    first, last = said_time(since, zone), said_time(until, zone)
    span = f"at {last}" if first == last else f"between {first} and {last}"
    span += f" on {said_day(case.at.day)}"
    if whole_day:
        since = until.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
        span = f"on {said_day(case.at.day)} until {last}"
    by = "" if not who else " by one person" if who.startswith("user:") else " by one program"
    noun = counted(number, *NOUNS[case.deed])
    return Finding(
        detector,
        f"{'actor' if who else 'tenant'}-{'day' if whole_day else 'hour'}",
        f"{case.deed}/{who}/{case.at.day}",
        (who,) if who.startswith("user:") else () if who else window.mostly(),
        since,
        until,
        f"{noun}{by} {span} ({case.watched.zone}). {told}; an alert is raised from {known.bound:,} on.",
        {
            "count": number,
            "bound": known.bound,
            "usual_low": known.low,
            "usual_high": known.high,
            "observations": known.seen,
            "deed": case.deed,
            "who": who,
            "day": case.at.day,
        },
        window.entries(),
        known.learned,
    )
