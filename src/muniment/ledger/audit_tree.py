"""Whether the stored tree is the tree of the entries."""

from collections.abc import Callable
from typing import Any

from psycopg import Connection

from muniment.core.errors import VerificationFailed
from muniment.core.merkle import HASH_BYTES
from muniment.core.tiles import HEIGHT, WIDTH, tile_width
from muniment.ledger.tileset import read_tiles
from muniment.ledger.tree import EMPTY_EDGE, Edge, FullTile, levels

Fail = Callable[[str, int], None]
"""Called with what is wrong and the position up to which the tree was compared."""


class StoredTree:
    """Follows the hashes of the entries from left to right and compares what they build with what is stored.

    Args:
        sealed: size of the stored tree when the walk began.
        stored: its edge then; None if it does not fit its size, which is a fault of its own.
        start: the edge to begin with.
        fail: told of every difference.
    """

    def __init__(self, sealed: int, stored: Edge | None, start: Edge, fail: Fail) -> None:
        self._sealed = sealed
        self._stored = stored
        self._edge = start
        self._fail = fail
        self.compared = 0

    def add(self, connection: Connection[Any], log_id: int, hashes: bytes) -> None:
        """Take the hashes of the next entries, 32 bytes each; those beyond the sealed tree are of no concern."""
        room = (self._sealed - self._edge.size) * HASH_BYTES
        hashes = hashes[: max(0, room)]
        if not hashes:
            return
        self._edge, full = self._edge.extend(hashes)
        self._compare(connection, log_id, full)
        if self._edge.size == self._sealed and self._stored is not None and self._edge != self._stored:
            self._fail("the stored right edge is not that of the entries", self._sealed)

    def _compare(self, connection: Connection[Any], log_id: int, full: list[FullTile]) -> None:
        stored = read_tiles(connection, log_id, ((tile.level, tile.index) for tile in full))
        for tile in full:
            self.compared += 1
            held = stored.get((tile.level, tile.index))
            end = (tile.index + 1) << (HEIGHT * (tile.level + 1))
            if held is None:
                self._fail(f"tile {tile.level}/{tile.index} is missing", end)
            elif held != tile.hashes:
                self._fail(f"tile {tile.level}/{tile.index} is not that of the entries", end)


def edge_at(connection: Connection[Any], log_id: int, size: int) -> Edge:
    """The right edge that the tree had at some sealed size, from its tiles.

    Raises:
        VerificationFailed: if a tile is missing.
    """
    if size == 0:
        return EMPTY_EDGE
    names = [(level, (size >> (HEIGHT * level)) // WIDTH) for level in range(levels(size))]
    found = read_tiles(connection, log_id, names)
    tiles = []
    for level, index in names:
        width = tile_width(level, index, size) * HASH_BYTES
        tile = found.get((level, index), b"")
        if len(tile) < width:
            raise VerificationFailed(f"tile {level}/{index} is missing", "tiles")
        tiles.append(tile[:width])
    return Edge(size, tuple(tiles))
