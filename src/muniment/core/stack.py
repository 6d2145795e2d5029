"""The edge of a growing tree: perfect subtrees from left to right, in memory of the logarithm of its size."""

import hashlib
from collections.abc import Iterable, Sequence

from muniment.core.canonical import MAX_INTEGER
from muniment.core.errors import Malformed, VerificationFailed
from muniment.core.nodes import EMPTY_ROOT, MAX_LEVEL, check_hash

_sha256 = hashlib.sha256


class Stack:
    """A row of perfect subtrees that tile the tree from its left edge: the folding of docs/format.md section 7.

    Memory grows with the logarithm of the size only. Subtrees enter at `size`; neighbours of equal level merge.

    Args:
        nodes: (level, hash) from left to right, levels strictly descending; empty for the empty tree.

    >>> from muniment.core.merkle import leaf_hash, root_of
    >>> stack = Stack()
    >>> for text in (b"a", b"b", b"c"):
    ...     stack.push(0, leaf_hash(text))
    >>> stack.size, stack.root() == root_of([leaf_hash(b"a"), leaf_hash(b"b"), leaf_hash(b"c")])
    (3, True)
    """

    __slots__ = ("_hashes", "_size")

    def __init__(self, nodes: Iterable[tuple[int, bytes]] = ()) -> None:
        self._size = 0
        self._hashes: list[bytes] = []
        for level, value in nodes:
            if self._size and self._size & -self._size <= 1 << level:
                raise Malformed("levels must descend strictly", "nodes")
            self.push(level, value)

    @property
    def size(self) -> int:
        """How many leaves are covered: the position."""
        return self._size

    @property
    def nodes(self) -> tuple[tuple[int, bytes], ...]:
        """The perfect subtrees as (level, hash), from left to right."""
        return tuple(zip(_levels(self._size), self._hashes, strict=True))

    def push(self, level: int, value: bytes) -> None:
        """Add a perfect subtree of 2^level leaves at the current size.

        Raises:
            Malformed: if level or hash length are out of range.
            VerificationFailed: if the size is not a multiple of 2^level, or would pass 2^53-1.
        """
        if not 0 <= level <= MAX_LEVEL:
            raise Malformed(f"the level must lie between 0 and {MAX_LEVEL}", "level")
        check_hash(value, "hash")
        width = 1 << level
        if self._size & (width - 1):
            raise VerificationFailed(f"a subtree of level {level} cannot begin at position {self._size}")
        if self._size + width > MAX_INTEGER:
            raise VerificationFailed("the tree would be larger than 2^53-1")
        self._push(width, value)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash at the right edge."""
        self.push(0, leaf)

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Add leaf hashes at the right edge: the same as `append` for each, several times as fast for many."""
        for value in leaves:
            check_hash(value, "leaves")
        if self._size + len(leaves) > MAX_INTEGER:
            raise VerificationFailed("the tree would be larger than 2^53-1")
        start, end = 0, len(leaves)
        while start < end:
            width = _widest(self._size, end - start)
            row = list(leaves[start : start + width])
            while len(row) > 1:
                pairs = iter(row)
                row = [_sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
            self._push(width, row[0])
            start += width

    def root(self) -> bytes:
        """Fold to the root of the tree at the current size.

        Returns:
            32 bytes; `EMPTY_ROOT` at size 0.
        """
        if not self._hashes:
            return EMPTY_ROOT
        root = self._hashes[-1]
        for value in self._hashes[-2::-1]:
            root = _sha256(b"\x01" + value + root).digest()
        return root

    def _push(self, width: int, value: bytes) -> None:
        carry = self._size
        while carry & width:
            value = _sha256(b"\x01" + self._hashes.pop() + value).digest()
            carry -= width
            width <<= 1
        self._hashes.append(value)
        self._size = carry + width


class CompactRange(Stack):
    """The right edge of a growing tree: what a log keeps in order to append leaves and to know its root.

    The same structure as `Stack`; `CompactRange(size, hashes)` takes it up again from where it was stored.

    Args:
        size: leaves.
        hashes: one per set bit of `size`, from the largest subtree to the smallest.

    >>> from muniment.core.merkle import leaf_hash
    >>> edge = CompactRange()
    >>> edge.append(leaf_hash(b"a"))
    >>> CompactRange(edge.size, edge.hashes).root() == leaf_hash(b"a")
    True
    """

    __slots__ = ()

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        if not 0 <= size <= MAX_INTEGER:
            raise Malformed("the size must lie between 0 and 2^53-1", "size")
        if size.bit_count() != len(hashes):
            raise Malformed(f"a tree of size {size} has {size.bit_count()} edge hashes, not {len(hashes)}", "hashes")
        super().__init__(zip(_levels(size), hashes, strict=True))

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """The edge: one hash per set bit of the size, from the largest subtree to the smallest."""
        return tuple(self._hashes)


def _levels(size: int) -> list[int]:
    return [level for level in range(size.bit_length() - 1, -1, -1) if size >> level & 1]


def _widest(size: int, room: int) -> int:
    """The widest perfect subtree that may begin at `size` and has at most `room` leaves."""
    widest = 1 << (room.bit_length() - 1)
    return min(widest, size & -size) if size else widest
