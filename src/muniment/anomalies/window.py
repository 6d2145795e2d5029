"""The last hour of something, in slots of five minutes, and the entries at its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Self

from muniment.anomalies.finding import MAX_ENTRIES

SLOT: Final = 300.0
SLOTS: Final = 12


@dataclass(slots=True)
class Window:
    """A sliding hour: the slot that runs and the eleven before it, so between 55 and 60 minutes.

    Attributes:
        slots: [number of the slot, how many, stamp of the first].
        last: [stamp, seq, reference, actor] of the newest entries.
    """

    slots: list[list[float]] = field(default_factory=list)
    last: list[tuple[float, int, str, str]] = field(default_factory=list)

    @classmethod
    def read(cls, row: dict[str, Any]) -> Self:
        """From JSON."""
        return cls([list(one) for one in row.get("slots", ())], [_entry(one) for one in row.get("last", ())])

    def row(self) -> dict[str, Any]:
        """As JSON."""
        return {"slots": self.slots, "last": self.last}

    def add(self, stamp: float, seq: int, reference: str, actor: str) -> int:
        """Count one more; gives how many the hour holds with it."""
        slot = stamp // SLOT
        self.slots = [one for one in self.slots if one[0] > slot - SLOTS]
        if self.slots and self.slots[-1][0] == slot:
            self.slots[-1][1] += 1
        else:
            self.slots.append([slot, 1, stamp])
        self.last = [*self.last[1 - MAX_ENTRIES :], (stamp, seq, reference, actor)]
        return int(sum(one[1] for one in self.slots))

    @property
    def began(self) -> float:
        """Stamp of the first that is counted."""
        return self.slots[0][2]

    def entries(self) -> tuple[tuple[int, str], ...]:
        """The newest that are counted, oldest first."""
        return tuple((seq, reference) for stamp, seq, reference, _ in self.last if stamp >= self.began)

    def mostly(self) -> tuple[str, ...]:
        """The person who did at least half of the newest; nobody if there is none."""
        actors = [actor for stamp, _, _, actor in self.last if stamp >= self.began]
        return tuple(
            sorted({one for one in actors if one.startswith("user:") and actors.count(one) * 2 >= len(actors)})
        )


def _entry(one: list[Any]) -> tuple[float, int, str, str]:
    return float(one[0]), int(one[1]), str(one[2]), str(one[3])
