"""Small events for tests, each with the next place of its log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from muniment.anomalies.finding import Finding
from muniment.anomalies.happening import Happening
from muniment.anomalies.memory import Memory
from muniment.anomalies.watch import Watch
from muniment.anomalies.watched import Watched

ANNA = "user:usr_anna"
BEN = "user:usr_ben"
CARL = "user:usr_carl"


@dataclass
class Story:
    """A log that is told event by event, and watched meanwhile."""

    watched: Watched = field(default_factory=lambda: Watched("Europe/Warsaw"))
    memory: Memory = field(default_factory=Memory)
    seq: int = 0
    found: list[Finding] = field(default_factory=list)

    def at(self, day: int, hour: float) -> datetime:
        """A time on the wall, `day` days after Monday 2 February 2026."""
        midnight = datetime(2026, 2, 2, tzinfo=ZoneInfo(self.watched.zone)) + timedelta(days=day)
        return (midnight + timedelta(hours=hour)).astimezone(UTC)

    def tell(
        self, at: datetime, action: str, actor: str = ANNA, subject: str = "", outcome: str = "success", **facts: str
    ) -> list[Finding]:
        self.seq += 1
        kind = "exception" if subject.startswith("exc") else ""
        one = Happening(self.seq, at, action, actor, outcome, kind, subject, facts, f"src_1/evt_{self.seq}")
        found = Watch(self.watched, self.memory).feed(one)
        self.found += found
        return found

    def weeks_at_work(self, weeks: int, *, people: tuple[str, ...] = (ANNA, BEN, CARL), first: int = 0) -> None:
        """From nine to five on working days: a sign-in, something now and then, two approvals, one removal."""
        for day in self.working_days(weeks, first):
            for number, who in enumerate(people):
                self.tell(self.at(day, 9 + number / 10), "user.login", who)
                for hour in range(9, 17):
                    self.tell(self.at(day, hour + 0.5 + number / 100), "population.save", who)
                for hour in (11, 15):
                    self.tell(self.at(day, hour + 0.6 + number / 100), "exception.approve", who, f"exc_{self.seq}")
                if day % 3 == number:
                    self.tell(self.at(day, 16.9 + number / 100), "key.revoke", who)

    @staticmethod
    def working_days(weeks: int, first: int = 0) -> Iterator[int]:
        return (day for day in range(first, first + weeks * 7) if day % 7 < 5)


def kinds(found: list[Finding]) -> list[tuple[str, str]]:
    return [(one.detector, one.pattern) for one in found]
