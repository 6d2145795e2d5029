"""All detectors over one text, in pieces that fit in memory."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, Final

from muniment.dlp.findings import PASSPORT, Finding
from muniment.dlp.ibans import find_ibans
from muniment.dlp.normalising import normalised
from muniment.dlp.numbers import find_numbers
from muniment.dlp.passports import find_in_columns, find_passports
from muniment.dlp.patterns import Pattern, compiled, find_pattern

WINDOW: Final = 4 << 20
_OVERLAP: Final = 1_024
"""Longer than anything that is found, with the words before it. A tenant's pattern may find less than what it could."""


class Detection:
    """What is looked for.

    Args:
        patterns: of the tenant.
        today: bounds the dates of birth in numbers.
    """

    __slots__ = ("_patterns", "_today")

    def __init__(self, patterns: Iterable[Pattern] = (), *, today: date) -> None:
        self._today = today
        self._patterns: list[tuple[str, Any]] = [(one.kind, compiled(one.expression)) for one in patterns]

    def count(self, text: bytes) -> Counter[str]:
        """How many things of each kind a text holds.

        Args:
            text: UTF-8 of any length; what is not UTF-8 is passed over.
        """
        return Counter(found.kind for found in self.find(normalised(text)))

    def find(self, text: bytes) -> Iterator[Finding]:
        """Findings in a normalised text, each place once."""
        in_columns = {found.start: found for found in find_in_columns(text)}
        yield from in_columns.values()
        for begin in range(0, max(1, len(text)), WINDOW):
            end = min(len(text), begin + WINDOW)
            first = max(0, begin - _OVERLAP)
            window = text if first == 0 and end == len(text) else text[first : end + _OVERLAP]
            for found in self._window(window):
                if begin <= found.start + first < end and not (
                    found.kind == PASSPORT and found.start + first in in_columns
                ):
                    yield Finding(found.kind, found.start + first, found.end + first)

    def _window(self, text: bytes) -> list[Finding]:
        # What is an IBAN or a zone is no card number besides.
        found = _apart([*find_ibans(text), *find_passports(text)])
        found += _apart_from(found, _apart(find_numbers(text, today=self._today)))
        for kind, search in self._patterns:
            found += find_pattern(text, kind, search)
        return found


def _apart(given: Iterable[Finding]) -> list[Finding]:
    """Findings in order, without those that overlap one before."""
    kept: list[Finding] = []
    for one in sorted(given, key=lambda found: (found.start, -found.end)):
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return kept


def _apart_from(taken: list[Finding], given: list[Finding]) -> list[Finding]:
    """Those of `given` that overlap none of `taken`, which are in order and apart."""
    starts = [one.start for one in taken]
    kept = []
    for one in given:
        place = bisect.bisect_left(starts, one.end)
        if place == 0 or taken[place - 1].end <= one.start:
            kept.append(one)
    return kept
