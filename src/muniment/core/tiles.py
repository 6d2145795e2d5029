"""Tiles: how a log's tree is cut into files of 256 hashes, and which nodes a proof takes.

A *node* is a perfect subtree, (level, index): the root over leaves `index * 2^level` to `(index + 1) * 2^level`.

Source: C2SP tlog-tiles.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TypeAlias

from muniment.core.canonical import MAX_INTEGER
from muniment.core.errors import Malformed
from muniment.core.merkle import HASH_BYTES, node_hash

Node: TypeAlias = tuple[int, int]

WIDTH = 256
"""Hashes of a full tile."""

HEIGHT = 8
"""Levels of the tree that one tile spans."""

_PATH = re.compile(r"tile/(entries|0|[1-5]?[0-9]|6[0-3])/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


class MalformedTilePath(Malformed):
    """The path names no tile."""


@dataclass(frozen=True, slots=True)
class Tile:
    """The name of a tile.

    Args:
        level: the tile's level, 0 to 63; None for an entry bundle.
        index: its place within the level, from 0.
        width: hashes or entries in it, 1 to 256; below 256 it is a partial tile.
    """

    level: int | None
    index: int
    width: int = WIDTH

    def __post_init__(self) -> None:
        if self.level is not None and not 0 <= self.level <= 63:
            raise MalformedTilePath("the level must lie between 0 and 63", "level")
        if not 0 <= self.index <= MAX_INTEGER:
            raise MalformedTilePath("the index must lie between 0 and 2^53-1", "index")
        if not 1 <= self.width <= WIDTH:
            raise MalformedTilePath(f"the width must lie between 1 and {WIDTH}", "width")

    @property
    def path(self) -> str:
        """The path below the log's prefix.

        >>> Tile(0, 1234067).path, Tile(None, 5, 17).path
        ('tile/0/x001/x234/067', 'tile/entries/005.p/17')
        """
        level = "entries" if self.level is None else str(self.level)
        rest, last = divmod(self.index, 1000)
        parts = [f"{last:03d}"]
        while rest:
            rest, last = divmod(rest, 1000)
            parts.append(f"x{last:03d}")
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(reversed(parts))}{partial}"


def parse_tile_path(path: str) -> Tile:
    """Read a tile's path; `parse_tile_path(path).path == path` for everything that is accepted.

    Raises:
        MalformedTilePath: if it is not exactly what tlog-tiles prescribes.

    >>> parse_tile_path("tile/2/x001/000.p/3")
    Tile(level=2, index=1000, width=3)
    """
    found = _PATH.fullmatch(path) if len(path) <= 64 else None
    if found is None:
        raise MalformedTilePath("must look like tile/<level>/x001/x234/067 with .p/<width> for a partial tile", "path")
    level, index, width = found.groups()
    tile = Tile(
        None if level == "entries" else int(level),
        int(index.replace("x", "").replace("/", "")),
        WIDTH if width is None else int(width),
    )
    if tile.path != path:
        raise MalformedTilePath(f"the index or the width is not written as {tile.path}", "path")
    return tile


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node is found: the root over `count` hashes (a power of two up to 128) from `start` of a tile.

    `level` and `index` name the tile; its width depends on the size of the tree.
    """

    level: int
    index: int
    start: int
    count: int


def node_in_tile(level: int, index: int) -> Place:
    """Say which tile holds a node, and where in it.

    Args:
        level: the node's level, from 0.
        index: the node's place within its level, from 0.

    >>> node_in_tile(0, 300)
    Place(level=0, index=1, start=44, count=1)
    >>> node_in_tile(9, 1)
    Place(level=1, index=0, start=2, count=2)
    """
    if level < 0 or index < 0:
        raise Malformed("level and index are not negative", "node")
    tile_level, inner = divmod(level, HEIGHT)
    return Place(tile_level, index >> (HEIGHT - inner), (index << inner) % WIDTH, 1 << inner)


def node_from_tile(hashes: bytes, start: int, count: int) -> bytes:
    """Compute a node from the tile that holds it.

    Args:
        hashes: the tile's bytes, 32 a hash, at least up to `start + count`.
        start: a multiple of `count`.
        count: a power of two, at most 256.

    Returns:
        32 bytes.

    Raises:
        Malformed: if the tile is too narrow or the arguments name no node.
    """
    if count < 1 or count & (count - 1) or count > WIDTH or start < 0 or start % count or start + count > WIDTH:
        raise Malformed(f"{count} hashes from {start} are no subtree of a tile", "start")
    if len(hashes) % HASH_BYTES or len(hashes) > WIDTH * HASH_BYTES:
        raise Malformed("a tile is 1 to 256 hashes of 32 bytes", "hashes")
    if (start + count) * HASH_BYTES > len(hashes):
        raise Malformed(f"the tile has {len(hashes) // HASH_BYTES} hashes, {start + count} are needed", "hashes")
    row = [hashes[at * HASH_BYTES : (at + 1) * HASH_BYTES] for at in range(start, start + count)]
    while len(row) > 1:
        pairs = iter(row)
        row = [node_hash(left, right) for left, right in zip(pairs, pairs, strict=True)]
    return row[0]


def tile_width(level: int, index: int, size: int) -> int:
    """Count the hashes of a tile in a tree of `size` leaves: 0 (no such tile) to 256.

    >>> tile_width(0, 273, 70_000), tile_width(1, 1, 70_000), tile_width(2, 0, 70_000), tile_width(0, 0, 70_000)
    (112, 17, 1, 256)
    """
    return max(0, min(WIDTH, (size >> (HEIGHT * level)) - index * WIDTH))


def cover(start: int, end: int) -> tuple[Node, ...]:
    """Tile the leaves from `start` to before `end` with the fewest perfect subtrees, from left to right.

    Raises:
        Malformed: unless 0 <= start <= end <= 2^53-1.

    >>> cover(0, 7), cover(3, 8), cover(5, 5)
    (((2, 0), (1, 2), (0, 6)), ((0, 3), (2, 1)), ())
    """
    if not 0 <= start <= end <= MAX_INTEGER:
        raise Malformed(f"{start} to {end} is no range of leaves", "start")
    nodes: list[Node] = []
    while start < end:
        level = (end - start).bit_length() - 1
        if start:
            level = min(level, (start & -start).bit_length() - 1)
        nodes.append((level, start >> level))
        start += 1 << level
    return tuple(nodes)


def fold(hashes: Sequence[bytes]) -> bytes:
    """Fold the hashes of a `cover` into the one hash that stands for its range in a proof.

    Right for the ranges of proofs and for whole trees; the range must end where the tree ends, or be perfect.
    """
    if not hashes:
        raise Malformed("there is nothing to fold", "hashes")
    return reduce(lambda right, left: node_hash(left, right), reversed(hashes))


def inclusion_nodes(index: int, size: int) -> tuple[tuple[Node, ...], ...]:
    """List what an inclusion proof takes: for each of its hashes the nodes whose `fold` it is.

    Args:
        index: the leaf's place, below `size`.
        size: leaves of the tree.

    Raises:
        Malformed: unless 0 <= index < size <= 2^53-1.

    Source: RFC 9162 section 2.1.3.1.

    >>> inclusion_nodes(0, 7)
    (((0, 1),), ((1, 1),), ((1, 2), (0, 6)))
    """
    if not 0 <= index < size <= MAX_INTEGER:
        raise Malformed(f"index {index} does not lie in a tree of size {size}", "index")
    proof: list[tuple[Node, ...]] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            proof.append(cover(middle, end))
            end = middle
        else:
            proof.append(cover(start, middle))
            start = middle
    return tuple(reversed(proof))


def consistency_nodes(first: int, second: int) -> tuple[tuple[Node, ...], ...]:
    """List what a consistency proof takes: for each of its hashes the nodes whose `fold` it is.

    Args:
        first: leaves of the older tree; from 0, or between equal sizes, the proof is empty.
        second: leaves of the newer tree.

    Raises:
        Malformed: unless 0 <= first <= second <= 2^53-1.

    Source: RFC 9162 section 2.1.4.1.

    >>> consistency_nodes(4, 7)
    (((1, 2), (0, 6)),)
    """
    if not 0 <= first <= second <= MAX_INTEGER:
        raise Malformed(f"{first} to {second} are no older and newer tree size", "first")
    if first in (0, second):
        return ()
    proof: list[tuple[Node, ...]] = []
    start, end = 0, second
    while end != first:
        middle = start + _split(end - start)
        if first <= middle:
            proof.append(cover(middle, end))
            end = middle
        else:
            proof.append(cover(start, middle))
            start = middle
    if start:
        proof.append(cover(start, end))
    return tuple(reversed(proof))


def _split(width: int) -> int:
    """The largest power of two below `width`."""
    return 1 << ((width - 1).bit_length() - 1)
