"""The right edge of a log's tree: all that is needed to grow it, and nothing that grows with it.

A tree of *n* leaves is kept as C2SP tlog-tiles: 256 hashes to a tile, tile level *L* holding the nodes of tree level
8·*L*. Full tiles never change and are stored once. What is left, at most 255 hashes a level, is the *edge*: 8 KB a
level and one level for each factor of 256 in the size. From the edge alone follow the root and every later tile.

Source: RFC 6962 section 2.1; C2SP tlog-tiles, "Merkle tree".
"""

from dataclasses import dataclass

from muniment.core.errors import VerificationFailed
from muniment.core.merkle import HASH_BYTES as HASH
from muniment.core.merkle import Stack, root_of
from muniment.core.tiles import HEIGHT, WIDTH


def levels(size: int) -> int:
    """Tile levels of a tree of `size` leaves.

    >>> [levels(n) for n in (0, 1, 255, 256, 65535, 65536)]
    [0, 1, 1, 2, 2, 3]
    """
    return (size.bit_length() + HEIGHT - 1) // HEIGHT


def subtree_root(hashes: bytes) -> bytes:
    """The root over concatenated node hashes, 32 bytes each."""
    return root_of([hashes[at : at + HASH] for at in range(0, len(hashes), HASH)])


@dataclass(frozen=True, slots=True)
class FullTile:
    """A tile that will never change again.

    Attributes:
        level: tile level, 0 for leaves.
        index: place among the tiles of its level, from 0.
        hashes: 8192 bytes, 256 hashes from left to right.
    """

    level: int
    index: int
    hashes: bytes


@dataclass(frozen=True, slots=True)
class Edge:
    """The unfinished tile of every level.

    Attributes:
        size: leaves in the tree.
        tiles: one item a tile level, lowest first; item L holds ⌊size / 256^L⌋ mod 256 hashes.
    """

    size: int
    tiles: tuple[bytes, ...]

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.tiles) != levels(self.size):
            raise VerificationFailed(
                f"{len(self.tiles)} levels are stored for a tree of {self.size} leaves, not {levels(self.size)}",
                "tree_edges",
            )
        for level, tile in enumerate(self.tiles):
            width = (self.size >> (HEIGHT * level)) % WIDTH
            if len(tile) != width * HASH:
                raise VerificationFailed(
                    f"level {level} holds {len(tile)} bytes, not the {width * HASH} of a tree of {self.size} leaves",
                    "tree_edges",
                )

    def root(self) -> bytes:
        """The Merkle root of the tree, 32 bytes."""
        stack = Stack()
        for level in reversed(range(len(self.tiles))):
            tile, at = self.tiles[level], 0
            for bit in reversed(range(HEIGHT)):
                if len(tile) // HASH >> bit & 1:
                    stack.push(HEIGHT * level + bit, subtree_root(tile[at : at + (HASH << bit)]))
                    at += HASH << bit
        return stack.root()

    def extend(self, leaves: bytes) -> tuple["Edge", list[FullTile]]:
        """Add leaves on the right.

        Args:
            leaves: leaf hashes, 32 bytes each, concatenated in the order of the log.

        Returns:
            The new edge, and the tiles that became full, in an order in which each follows those below it.
            Costs about one hash a new leaf and nothing that depends on `size`.
        """
        full: list[FullTile] = []
        tiles: list[bytes] = []
        coming, level, start = leaves, 0, self.size
        while coming or level < len(self.tiles):
            row = (self.tiles[level] if level < len(self.tiles) else b"") + coming
            first = start // WIDTH
            whole = len(row) // (WIDTH * HASH)
            above: list[bytes] = []
            for at in range(whole):
                hashes = row[at * WIDTH * HASH : (at + 1) * WIDTH * HASH]
                full.append(FullTile(level, first + at, hashes))
                above.append(subtree_root(hashes))
            tiles.append(row[whole * WIDTH * HASH :])
            coming, level, start = b"".join(above), level + 1, first
        return Edge(self.size + len(leaves) // HASH, tuple(tiles)), full


EMPTY_EDGE = Edge(0, ())
