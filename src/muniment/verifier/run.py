"""A run: entries that stand next to one another, boiled down to what the rest of a log needs to know of them.

Runs are what makes verification fast and its memory constant: a run is computed without knowing anything that stands
before it (so other processes can do it), and joined to its predecessor at the seam.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from muniment.verifier.anchors import Recorded
from muniment.verifier.refusals import Refusal
from muniment.verifier.report import Finding

MAX_FINDINGS: Final = 64
"""Broken places that a run or a report keeps; the others are counted."""

MAX_NAMES: Final = 32
"""Unnumbered sources that are named; the others are counted as one."""

SourceKey = tuple[str, str]
"""Source id and epoch (32 hex)."""


@dataclass(slots=True)
class SourceSpan:
    """The numbered events of one (source, epoch) within a stretch of a log.

    Attributes:
        first_seq, first_prev, first_position: number, `source.prev` (hex) and leaf index of the first one.
        last_seq, last_hash, last_position: number, event hash (hex) and leaf index of the last one.
        first_by: who submitted the first one.
    """

    first_seq: int
    first_prev: str
    first_position: int
    last_seq: int
    last_hash: str
    last_position: int
    first_by: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers of a source that are missing where every entry is present.

    Attributes:
        key: source and epoch.
        first, last: the missing numbers, both included.
        prev: `source.prev` of the event after them, hex; by: who submitted that event.
        position: leaf index of that event.
    """

    key: SourceKey
    first: int
    last: int
    prev: str
    by: str
    position: int


@dataclass(slots=True)
class Run:
    """What entries at positions `start` to `start + count - 1` amount to.

    Attributes:
        first_prev: `prev` of the first entry, hex; None when it could not be read.
        last_hash: hash of the last entry, hex.
        first_time, last_time: first and last readable `recorded_at`.
        subtrees: perfect subtrees (level, hash), left to right, that cover the run.
        pairs: neighbours within the run whose link was compared.
        unreadable: entries in which `log`, `seq` and `prev` could not be read.
        disclosed, undisclosed: bodies that came along, and commitments without their body.
        sources: numbered sources met.
        unnumbered: events per source that gives no numbers; the key "" gathers those over `MAX_NAMES`.
        holes: positions of the first and the last entry whose source could not be read; None if there is none.
        edges: places where a source's numbers may lie in such an entry.
        gaps: missing numbers within the run; refusals: what its entries name as refused.
        anchored: timestamp tokens that its entries record.
        findings: the first broken places; failures: how many there were, per check.
        genesis: hash of entry 0 when the run starts there.
        creation: what is wrong with that entry as the creation of a log; root: the root key it names, `<name>+<id>`.
    """

    start: int
    count: int = 0
    first_prev: str | None = None
    last_hash: str = ""
    first_time: str | None = None
    last_time: str | None = None
    subtrees: Sequence[tuple[int, bytes]] = ()
    pairs: int = 0
    unreadable: int = 0
    disclosed: int = 0
    undisclosed: int = 0
    sources: dict[SourceKey, SourceSpan] = field(default_factory=dict)
    unnumbered: dict[str, int] = field(default_factory=dict)
    holes: tuple[int, int] | None = None
    edges: int = 0
    gaps: list[Gap] = field(default_factory=list)
    refusals: tuple[Refusal, ...] = ()
    anchored: tuple[Recorded, ...] = ()
    findings: list[Finding] = field(default_factory=list)
    failures: dict[str, int] = field(default_factory=dict)
    genesis: bytes | None = None
    creation: str | None = None
    root: str = ""

    def fail(self, check: str, reason: str, position: int, where: str | None = None) -> None:
        """Note a broken place."""
        met = self.failures.get(check, 0)
        self.failures[check] = met + 1
        if not met or len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(check, reason, where or f"entry {position}", position))


def count_unnumbered(into: dict[str, int], more: Mapping[str, int]) -> None:
    """Add up events of unnumbered sources; beyond `MAX_NAMES` sources the names are given up, not the count."""
    for name, count in more.items():
        key = name if name in into or len(into) < MAX_NAMES else ""
        into[key] = into.get(key, 0) + count
