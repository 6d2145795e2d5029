"""How the detectors do on made-up companies: what they find, and how often they cry wolf."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from muniment.anomalies.finding import Finding
from muniment.anomalies.happening import Happening
from muniment.anomalies.memory import Memory
from muniment.anomalies.rehearsal.company import DAYS, FIRST_DAY, KINDS, Company, Kind, in_order
from muniment.anomalies.rehearsal.incidents import MAKERS, Incident
from muniment.anomalies.watch import Watch
from muniment.anomalies.watched import WATCH_DAYS, Detector, Sensitivity, Watched

FIRST_INCIDENT: Final = 35
"""The day from which on incidents are put in, on every other working day; before it lies a past to learn from."""
SEEDS: Final = (1, 2)


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of one company.

    Attributes:
        kind: of company.
        seed: it was drawn from.
        events: how many small events it had, without incidents.
        false: everything that was found in its ordinary days.
        found: each incident, and what found it; None if nothing did.
    """

    kind: Kind
    seed: int
    events: int
    false: tuple[Finding, ...]
    found: tuple[tuple[Incident, Finding | None], ...]

    def false_before(self, day: int) -> int:
        """False alerts before a day, counted from 0."""
        begin = FIRST_DAY.toordinal()
        return sum(int(one.numbers["day"]) - begin < day for one in self.false)


def settings(kind: Kind, keen: Sensitivity) -> Watched:
    """Every detector at one sensitivity, in the company's zone."""
    every: tuple[Detector, ...] = ("approval-spike", "mass-delete", "off-hours", "login-surge", "self-dealing")
    return Watched(kind.zone, dict.fromkeys(every, keen))


def watch_over(events: Iterable[Happening], watched: Watched, memory: Memory | None = None) -> Iterator[Finding]:
    """Every finding over some events, from an empty memory."""
    watch = Watch(watched, memory or Memory())
    for one in events:
        yield from watch.feed(one)


def judge(kind: Kind, seed: int, keen: Sensitivity = "normal") -> Judged:
    """One company, watched twice: as it is, and with an incident of each kind."""
    company = Company.of(kind, seed)
    ordinary = list(company.days())
    incidents = [make(company, day) for make, day in zip(MAKERS, _working_days(company), strict=False)]
    watched = settings(kind, keen)
    false = tuple(watch_over(in_order(ordinary), watched))
    mixed = in_order([*ordinary, *(moment for one in incidents for moment in one.moments)])
    seen = list(watch_over(mixed, watched))
    return Judged(kind, seed, len(ordinary), false, tuple((one, _finds(one, seen)) for one in incidents))


def _working_days(company: Company) -> Iterator[int]:
    """Days for incidents: no weekend and no holiday, on which nearly anything is odd."""
    working = [day for day in range(FIRST_INCIDENT, DAYS) if day % 7 < 5 and day not in company.holidays]
    yield from working[::2]


def _finds(incident: Incident, seen: Sequence[Finding]) -> Finding | None:
    for one in seen:
        inside = incident.begins <= one.until <= incident.ends + timedelta(seconds=1)
        right = one.detector == incident.detector and (not incident.patterns or one.pattern in incident.patterns)
        if inside and right and (not incident.about or not one.about or incident.about in one.about):
            return one
    return None


def judge_all(seeds: Sequence[int] = SEEDS, keen: Sensitivity = "normal") -> list[Judged]:
    """Every kind of company, for each seed."""
    return [judge(kind, seed, keen) for kind in KINDS for seed in seeds]


def table(judged: Sequence[Judged]) -> list[str]:
    """The published table: for each kind of company, then for each kind of incident. Lines of Markdown."""
    weeks = (DAYS - WATCH_DAYS) / 7
    lines = [
        "| Company | Zone | Events | False alerts, days 1–14 | False alerts a week, days 15–90 | Worst run |",
        "|---|---|---|---|---|---|",
    ]
    for kind in dict.fromkeys(one.kind for one in judged):
        these = [one for one in judged if one.kind == kind]
        cold = sum(one.false_before(WATCH_DAYS) for one in these)
        later = [(len(one.false) - one.false_before(WATCH_DAYS)) / weeks for one in these]
        events = sum(one.events for one in these) // len(these)
        lines.append(
            f"| {kind.name}, {kind.people} people | {kind.zone} | {events:,} | {cold} in {len(these)} runs | "
            f"{sum(later) / len(later):.2f} | {max(later):.2f} |"
        )
    lines += ["", "| Incident | Detector | Found |", "|---|---|---|"]
    names = [incident.name for incident, _ in judged[0].found]
    for index, name in enumerate(names):
        pairs = [one.found[index] for one in judged]
        hits = sum(finding is not None for _, finding in pairs)
        lines.append(f"| {name} | `{pairs[0][0].detector}` | {hits} of {len(pairs)} |")
    return lines
