"""What a detector found: an alert before anybody keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from muniment.anomalies.watched import Detector

MAX_ENTRIES: Final = 16
"""Entries that an alert names: as many as an event may have causes."""

Place = tuple[float, int, str]
"""Stamp, seq and reference of an entry."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something unusual.

    Attributes:
        detector: which found it.
        pattern: what of it, such as `person-hour` or `each-other`.
        key: names the window. What has the same key is the same finding, and is raised once.
        about: ids of the people that it is about; none of them acknowledges it.
        since: when the first of its entries was recorded.
        until: and the last one, at which it was found.
        sentence: the explanation in plain words, with its numbers.
        numbers: the same numbers, by name.
        entries: (seq, reference) of the newest entries that it rests on, oldest first.
        learned: whether the bound was learned from this tenant's past; otherwise it is a fixed one.
    """

    detector: Detector
    pattern: str
    key: str
    about: tuple[str, ...]
    since: datetime
    until: datetime
    sentence: str
    numbers: Mapping[str, int | float | str] = field(default_factory=dict)
    entries: tuple[tuple[int, str], ...] = ()
    learned: bool = True


def named(places: Sequence[Place]) -> tuple[tuple[int, str], ...]:
    """The newest places as a finding has them, each once, in the log's order."""
    return tuple(sorted({(seq, reference) for _, seq, reference in places}))[-MAX_ENTRIES:]


def counted(number: int, one: str, many: str) -> str:
    """A number with its noun.

    >>> counted(1, "approval", "approvals"), counted(1200, "approval", "approvals")
    ('1 approval', '1,200 approvals')
    """
    return f"{number:,} {one if number == 1 else many}"


def span(low: int, high: int) -> str:
    """A range in words.

    >>> span(0, 2), span(3, 3)
    ('0 to 2', '3')
    """
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
