"""One tenant's watch: events go in, in the log's order; findings come out, each once.

The same events with the same settings give the same findings, however they are cut into rounds: each event is judged
by what stood before it alone. What an incident would teach is held back until somebody says that it was expected.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

from muniment.anomalies.dealing import dealings
from muniment.anomalies.deeds import DEEDS, deed_of
from muniment.anomalies.finding import Finding
from muniment.anomalies.happening import Happening
from muniment.anomalies.hours import Hours, off_hours
from muniment.anomalies.localtime import wall
from muniment.anomalies.memory import Memory
from muniment.anomalies.surges import give_back, surge
from muniment.anomalies.watched import Watched

EXPECTED: Final = "expected"
"""Verdict of an acknowledgement by which what was held back is learned."""
_RAISED_DAYS: Final = 100


@dataclass(slots=True)
class Begun:
    """On which day watching began, and the keys of what was found of late, each with its day."""

    day: int = 0
    raised: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, row: dict[str, Any]) -> Self:
        """From JSON."""
        return cls(int(row.get("day", 0)), {str(key): int(day) for key, day in row.get("raised", {}).items()})

    def row(self) -> dict[str, Any]:
        """As JSON."""
        return {"day": self.day, "raised": self.raised}


class Watch:
    """The detectors of one tenant over its memory."""

    def __init__(self, watched: Watched, memory: Memory) -> None:
        self._watched = watched
        self._zone = watched.tz
        self._memory = memory

    def feed(self, one: Happening) -> list[Finding]:
        """Take the next event; what is unusual with it."""
        at = wall(one.at, self._zone)
        begun = self._memory.look("begun", Begun)
        if not begun.day:
            begun = self._memory.part("begun", Begun)
            begun.day = at.day
        if one.action == "alert.acknowledge":
            self._acknowledged(one)
            return []
        deed = deed_of(one)
        found: list[Finding | None] = []
        if deed is not None:
            found.append(surge(one, deed, at, begun.day, self._watched, self._memory))
        if one.by_person and one.succeeded:
            found.append(off_hours(one, deed, at, begun.day, self._watched, self._memory))
        found += dealings(one, at, self._watched, self._memory)
        return [once for once in map(self._once, found) if once is not None]

    def _once(self, found: Finding | None) -> Finding | None:
        if found is None:
            return None
        key = f"{found.detector}/{found.key}"
        begun = self._memory.look("begun", Begun)
        if key in begun.raised:
            return None
        begun = self._memory.part("begun", Begun)
        day = int(found.numbers["day"])
        begun.raised = {known: on for known, on in begun.raised.items() if on >= day - _RAISED_DAYS} | {key: day}
        return replace(found, key=key)

    def _acknowledged(self, one: Happening) -> None:
        """Somebody looked at an alert; if it was expected, what it held back is learned."""
        facts = one.facts
        if facts.get("verdict") != EXPECTED or not facts.get("day", "").isdecimal():
            return
        day, who, deed = int(facts["day"]), facts.get("who", ""), facts.get("deed", "")
        if facts.get("detector") == "off-hours" and who:
            self._memory.part(f"hours {who}", Hours).give_back(day)
        elif facts.get("detector") != "self-dealing":
            for known in DEEDS:
                if known == deed:
                    give_back(self._memory, known, who, day)
