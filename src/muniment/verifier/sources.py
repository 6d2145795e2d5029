"""The numbering of sources across runs: which gaps are real, and which only lie outside what was shown."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from muniment.verifier.refusals import Refusal
from muniment.verifier.run import Gap, SourceKey, SourceSpan

MAX_SOURCES: Final = 100_000
"""(source, epoch) pairs that are followed; memory would otherwise grow with whatever a log's author invents."""

MAX_GAPS: Final = 100_000
"""Gaps that wait for their name, and refusals that wait for their gap. One gap more fails at once."""

MAX_NAMED: Final = 32
"""Named gaps that are listed; the others are counted."""

ZEROS: Final = "0" * 64

Fail = Callable[[str, int], None]


def link_failure(source: str, last_seq: int, last_hash: str, seq: int, prev: str) -> str | None:
    """What is wrong with event `seq` after event `last_seq` of the same source and epoch, no number being missing."""
    if seq <= last_seq:
        return f"{source} number {seq} comes after number {last_seq}"
    return None if prev == last_hash else f"{source} number {seq} does not link to number {last_seq}"


class SourceBook:
    """Follows every (source, epoch) from run to run.

    Attributes:
        events: numbered events met.
        edges: sources whose numbering continues outside the material, so that nothing can be said about a gap there.
        dropped: pairs over `MAX_SOURCES` that were not followed.
        named: gaps whose every number an entry names as refused; listed: the first of them, in words.
    """

    def __init__(self) -> None:
        self._last: dict[SourceKey, tuple[int, str, int]] = {}
        self.edges = 0
        self.dropped = 0
        self.named = 0
        self.listed: list[str] = []
        self._gaps: list[Gap] = []
        self._refused: dict[tuple[str, str, str], dict[int, str]] = {}
        self._refusals = 0

    @property
    def followed(self) -> int:
        """How many (source, epoch) pairs are followed."""
        return len(self._last)

    def meet(self, spans: Mapping[SourceKey, SourceSpan], hole_end: int, first_hole: int | None, fail: Fail) -> None:
        """Join the spans of a run to what was met before.

        Args:
            spans: what a run says about its sources.
            hole_end: position after the last entry before this run that was not shown or readable; 0 if all were.
            first_hole: position of the first entry within the run that was not readable.
            fail: called with the reason and the position of every gap or broken link at the seam.
        """
        for key, span in spans.items():
            known = self._last.get(key)
            wrong: str | None = None
            inside = first_hole is not None and first_hole < span.first_position
            if known is None:
                if len(self._last) >= MAX_SOURCES:
                    self.dropped += 1
                    continue
                if (hole_end or inside) and span.first_seq:
                    self.edges += 1
                elif span.first_seq:
                    self.miss(_gap(key, 0, span), fail)
                elif span.first_prev != ZEROS:
                    wrong = f"{_name(key)} number 0 has a predecessor"
            elif (inside or hole_end > known[2]) and span.first_seq > known[0] + 1:
                self.edges += 1
            elif span.first_seq > known[0] + 1:
                self.miss(_gap(key, known[0] + 1, span), fail)
            else:
                wrong = link_failure(_name(key), known[0], known[1], span.first_seq, span.first_prev)
            if wrong is not None:
                fail(wrong, span.first_position)
            self._last[key] = (span.last_seq, span.last_hash, span.last_position)

    def miss(self, gap: Gap, fail: Fail) -> None:
        """Hold a gap until the end, for the entry that names it may come later."""
        if len(self._gaps) < MAX_GAPS:
            self._gaps.append(gap)
        else:
            fail(_missing(gap), gap.position)

    def refused(self, refusals: Iterable[Refusal]) -> None:
        """Take what entries name as refused. Two that contradict each other leave the number without a hash."""
        for one in refusals:
            numbers = self._refused.setdefault((one.by, one.source, one.epoch), {})
            if one.seq in numbers:
                if numbers[one.seq] != one.hash:
                    numbers[one.seq] = ""
            elif self._refusals < MAX_GAPS:
                self._refusals += 1
                numbers[one.seq] = one.hash

    def conclude(self, whole: bool, fail: Fail) -> None:
        """Say of every gap whether it has a name.

        Args:
            whole: whether every entry was shown and readable; otherwise a name may stand in what was not.
            fail: called for every gap that has none, and for every name that contradicts the next event's link.
        """
        numbers = {key: sorted(named) for key, named in self._refused.items()}
        gaps, self._gaps = self._gaps, []
        for gap in gaps:
            key = (gap.by, *gap.key)
            mine = numbers.get(key, [])
            last = self._refused[key].get(gap.last) if mine else None
            if last is not None and last != gap.prev:
                fail(
                    f"{_name(gap.key)} number {gap.last + 1} does not link to the refused number {gap.last}",
                    gap.position,
                )
            elif bisect_right(mine, gap.last) - bisect_left(mine, gap.first) == gap.last - gap.first + 1:
                self.named += 1
                if len(self.listed) < MAX_NAMED:
                    self.listed.append(f"{_name(gap.key)} {_range(gap.first, gap.last)}")
            elif whole:
                fail(_missing(gap), gap.position)
            else:
                self.edges += 1


def _gap(key: SourceKey, first: int, span: SourceSpan) -> Gap:
    return Gap(key, first, span.first_seq - 1, span.first_prev, span.first_by, span.first_position)


def _name(key: SourceKey) -> str:
    return f"{key[0]} (epoch {key[1][:8]})"


def _missing(gap: Gap) -> str:
    return f"{_name(gap.key)} numbers {_range(gap.first, gap.last)} are missing"


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"
