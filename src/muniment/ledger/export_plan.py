"""How a bundle tiles the tree: which entries are shown, which subtrees stand for the others, where checkpoints come."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from typing import TypeAlias

from muniment.core.errors import Malformed
from muniment.core.tiles import Node, cover


@dataclass(frozen=True, slots=True)
class Shown:
    """Entries from `first` to before `end`, in full."""

    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Folded:
    """Perfect subtrees that stand for entries that are not shown, from left to right."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A position at which the tiling has a boundary, with the checkpoint note that stands there, if any."""

    size: int
    note: bytes | None


Part: TypeAlias = Shown | Folded | Mark


def runs(seqs: Sequence[int] | range) -> Iterator[tuple[int, int]]:
    """Neighbouring places taken together, each run as (first, end).

    Raises:
        Malformed: unless the places ascend strictly from 0.

    >>> list(runs([1, 2, 3, 7])), list(runs(range(5, 9))), list(runs(range(0)))
    ([(1, 4), (7, 8)], [(5, 9)], [])
    """
    if isinstance(seqs, range):
        if seqs.step != 1 or seqs.start < 0:
            raise Malformed("a range of entries has step 1 and begins at 0 or later", "seqs")
        if seqs:
            yield seqs.start, seqs.stop
        return
    first = end = -1
    for seq in seqs:
        if seq < 0 or seq < end or seq == end - 1:
            raise Malformed("must ascend, each once, from 0", "seqs")
        if seq == end:
            end += 1
            continue
        if end > 0:
            yield first, end
        first, end = seq, seq + 1
    if end > 0:
        yield first, end


def also(shown: Iterable[tuple[int, int]], seqs: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Runs with some more places among them.

    >>> list(also([(1, 4), (7, 8)], [2, 4, 9]))
    [(1, 5), (7, 8), (9, 10)]
    """
    first = end = -1
    for run in merge(shown, ((seq, seq + 1) for seq in sorted(seqs))):
        if run[0] <= end:
            end = max(end, run[1])
            continue
        if end > 0:
            yield first, end
        first, end = run
    if end > 0:
        yield first, end


def plan(shown: Iterable[tuple[int, int]], marks: Iterable[Mark]) -> Iterator[Part]:
    """Tile the tree from its left edge to the last mark.

    Args:
        shown: runs of entries (first, end), ascending; what lies beyond the last mark is left out.
        marks: with strictly ascending sizes.

    >>> [part for part in plan([(2, 3)], [Mark(4, b"note")])]  # doctest: +NORMALIZE_WHITESPACE
    [Folded(nodes=((1, 0),)), Shown(first=2, end=3), Folded(nodes=((0, 3),)), Mark(size=4, note=b'note')]
    """
    coming = iter(shown)
    run = next(coming, None)
    position = 0
    for mark in marks:
        while position < mark.size:
            while run is not None and run[1] <= position:
                run = next(coming, None)
            if run is not None and run[0] <= position:
                end = min(run[1], mark.size)
                yield Shown(position, end)
            else:
                end = mark.size if run is None else min(run[0], mark.size)
                yield Folded(cover(position, end))
            position = end
        yield mark
