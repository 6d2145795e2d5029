"""Who asked whom for what, and what ties people to each other's decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from muniment.anomalies.finding import Place


@dataclass(slots=True)
class Matter:
    """Something that was asked for: by whom, when (stamp, seq, reference), and who approved."""

    by: str = ""
    asked: Place | None = None
    approved: list[tuple[str, float, int, str]] = field(default_factory=list)

    @classmethod
    def read(cls, row: dict[str, Any]) -> Self:
        """From JSON."""
        asked = row.get("asked")
        approved = [(str(one[0]), *_place(one[1:])) for one in row.get("approved", ())]
        return cls(str(row.get("by", "")), None if asked is None else _place(asked), approved)

    def row(self) -> dict[str, Any]:
        """As JSON."""
        return {"by": self.by, "asked": self.asked, "approved": self.approved}


@dataclass(slots=True)
class Ties:
    """What one person did that bears on later decisions.

    Attributes:
        rules: when they changed how is decided.
        keys: API keys that they made.
        for_whom: whom they stand in for: person -> [from stamp, until stamp, seq, reference].
        decided: stamp, seq, reference, approver and matter of each approval of what they asked for.
    """

    rules: list[Place] = field(default_factory=list)
    keys: dict[str, Place] = field(default_factory=dict)
    for_whom: dict[str, tuple[float, float, int, str]] = field(default_factory=dict)
    decided: list[tuple[float, int, str, str, str]] = field(default_factory=list)

    @classmethod
    def read(cls, row: dict[str, Any]) -> Self:
        """From JSON."""
        return cls(
            [_place(one) for one in row.get("rules", ())],
            {str(key): _place(one) for key, one in row.get("keys", {}).items()},
            {str(who): (float(one[0]), *_place(one[1:])) for who, one in row.get("for_whom", {}).items()},
            [(*_place(one), str(one[3]), str(one[4])) for one in row.get("decided", ())],
        )

    def row(self) -> dict[str, Any]:
        """As JSON."""
        return {"rules": self.rules, "keys": self.keys, "for_whom": self.for_whom, "decided": self.decided}


@dataclass(slots=True)
class Pace:
    """How decisions go here.

    Attributes:
        seconds: from request to approval, of the newest.
        deciders: week -> person -> how many matters they approved; under "" how many matters there were.
    """

    seconds: list[float] = field(default_factory=list)
    deciders: dict[int, dict[str, int]] = field(default_factory=dict)

    @classmethod
    def read(cls, row: dict[str, Any]) -> Self:
        """From JSON."""
        return cls(
            [float(one) for one in row.get("seconds", ())],
            {int(week): dict(people) for week, people in row.get("deciders", {}).items()},
        )

    def row(self) -> dict[str, Any]:
        """As JSON."""
        return {"seconds": self.seconds, "deciders": {str(week): people for week, people in self.deciders.items()}}

    def totals(self) -> dict[str, int]:
        """How often each person approved in the weeks that are known."""
        found: dict[str, int] = {}
        for people in self.deciders.values():
            for who, number in people.items():
                found[who] = found.get(who, 0) + number
        return found


def _place(one: Sequence[Any]) -> Place:
    return float(one[0]), int(one[1]), str(one[2])
