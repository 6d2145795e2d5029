"""The numbering of sources across runs: which gaps are real, and which only lie outside what was shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from muniment.verifier.run import SourceKey, SourceSpan

MAX_SOURCES: Final = 100_000
"""(source, epoch) pairs that are followed; memory would otherwise grow with whatever a log's author invents."""

ZEROS: Final = "0" * 64

Fail = Callable[[str, int], None]


def link_failure(source: str, last_seq: int, last_hash: str, seq: int, prev: str) -> str | None:
    """What is wrong with event `seq` after event `last_seq` of the same source and epoch, all of it being present."""
    if seq == last_seq + 1:
        return None if prev == last_hash else f"{source} number {seq} does not link to number {last_seq}"
    if seq <= last_seq:
        return f"{source} number {seq} comes after number {last_seq}"
    return f"{source} numbers {_range(last_seq + 1, seq - 1)} are missing"


def start_failure(source: str, seq: int, prev: str) -> str | None:
    """What is wrong with `seq` as the first event of a source and epoch, everything before being present."""
    if seq:
        return f"{source} numbers {_range(0, seq - 1)} are missing"
    return None if prev == ZEROS else f"{source} number 0 has a predecessor"


class SourceBook:
    """Follows every (source, epoch) from run to run.

    Attributes:
        events: numbered events met.
        edges: sources whose numbering continues outside the material, so that nothing can be said about a gap there.
        dropped: pairs over `MAX_SOURCES` that were not followed.
    """

    def __init__(self) -> None:
        self._last: dict[SourceKey, tuple[int, str, int]] = {}
        self.edges = 0
        self.dropped = 0

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
            name = f"{key[0]} (epoch {key[1][:8]})"
            wrong: str | None = None
            inside = first_hole is not None and first_hole < span.first_position
            if known is None:
                if len(self._last) >= MAX_SOURCES:
                    self.dropped += 1
                    continue
                if (hole_end or inside) and span.first_seq:
                    self.edges += 1
                else:
                    wrong = start_failure(name, span.first_seq, span.first_prev)
            elif (inside or hole_end > known[2]) and span.first_seq > known[0] + 1:
                self.edges += 1
            else:
                wrong = link_failure(name, known[0], known[1], span.first_seq, span.first_prev)
            if wrong is not None:
                fail(wrong, span.first_position)
            self._last[key] = (span.last_seq, span.last_hash, span.last_position)


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"
