"""The Merkle tree of RFC 6962 section 2.1: hashes, roots, proofs.

Every hash is 32 bytes. Sizes and indices count leaves, from 0.
"""

import hashlib
from collections.abc import Iterable, Sequence

from muniment.core.canonical import MAX_INTEGER
from muniment.core.errors import Malformed, VerificationFailed

HASH_BYTES = 32
MAX_LEVEL = 52
"""The highest level of a perfect subtree: sizes stay below 2^53."""

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of the tree without leaves."""

_sha256 = hashlib.sha256


def leaf_hash(data: bytes) -> bytes:
    """Hash a leaf: SHA-256(0x00 ‖ data). Source: RFC 6962 section 2.1."""
    return _sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash an inner node: SHA-256(0x01 ‖ left ‖ right). Source: RFC 6962 section 2.1."""
    return _sha256(b"\x01" + left + right).digest()


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """Compute the root over leaf hashes, all in memory.

    Source: RFC 6962 section 2.1.

    >>> root_of([]) == EMPTY_ROOT
    True
    """
    if not leaf_hashes:
        return EMPTY_ROOT
    row = [check_hash(value, "leaf_hashes") for value in leaf_hashes]
    while len(row) > 1:
        odd = row[-1:] if len(row) % 2 else []
        pairs = iter(row)
        row = [_sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=False)] + odd
    return row[0]


class Stack:
    """A row of perfect subtrees that tile the tree from its left edge: the folding of docs/format.md section 7.

    Memory grows with the logarithm of the size only. Subtrees enter at `size`; neighbours of equal level merge.

    Args:
        nodes: (level, hash) from left to right, levels strictly descending; empty for the empty tree.

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


def check_hash(value: bytes, where: str) -> bytes:
    """Give `value` back if it is 32 bytes long; raise `Malformed` otherwise."""
    if len(value) != HASH_BYTES:
        raise Malformed(f"a hash has {HASH_BYTES} bytes, not {len(value)}", where)
    return value


def inclusion_length(index: int, size: int) -> int:
    """Count the hashes of the inclusion proof for leaf `index` in the tree of `size` leaves.

    Raises:
        Malformed: unless 0 <= index < size <= 2^53-1.

    >>> inclusion_length(0, 1), inclusion_length(6, 7), inclusion_length(0, 7)
    (0, 2, 3)
    """
    if not 0 <= index < size <= MAX_INTEGER:
        raise Malformed(f"index {index} does not lie in a tree of size {size}", "index")
    inner = (index ^ (size - 1)).bit_length()
    return inner + (index >> inner).bit_count()


def inclusion_root(index: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> bytes:
    """Compute the root that an inclusion proof leads to.

    Args:
        index: the leaf's place, below `size`.
        size: leaves of the tree.
        leaf: 32 bytes, the leaf's hash.
        proof: hashes from the leaf's sibling up to the root's child.

    Raises:
        Malformed: for an index outside the tree or a hash that is not 32 bytes.
        VerificationFailed: if the proof has the wrong number of hashes.

    Source: RFC 9162 section 2.1.3.2.
    """
    expected = inclusion_length(index, size)
    check_hash(leaf, "leaf")
    if len(proof) != expected:
        raise VerificationFailed(f"the proof has {len(proof)} hashes, it takes {expected}", "proof")
    inner = (index ^ (size - 1)).bit_length()
    root = leaf
    for level, value in enumerate(proof):
        check_hash(value, f"proof[{level}]")
        on_the_left = level < inner and not index >> level & 1
        root = node_hash(root, value) if on_the_left else node_hash(value, root)
    return root


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Prove that a leaf stands at `index` of the tree with this size and root.

    Args:
        index: the leaf's place, below `size`.
        size: leaves of the tree.
        leaf: 32 bytes, the leaf's hash.
        proof: hashes from the leaf's sibling up to the root's child.
        root: 32 bytes.

    Raises:
        Malformed: for an index outside the tree or a hash that is not 32 bytes.
        VerificationFailed: if the proof has the wrong length or leads to another root.

    Source: RFC 9162 section 2.1.3.2.
    """
    check_hash(root, "root")
    if inclusion_root(index, size, leaf, proof) != root:
        raise VerificationFailed(f"the proof for leaf {index} does not lead to the root of size {size}", "proof")


def verify_consistency(first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]) -> None:
    """Prove that the tree of `second` leaves begins with the tree of `first` leaves.

    A proof between equal sizes, or from size 0, is empty; the roots are then compared with each other, or with
    `EMPTY_ROOT`. From size 0 nothing more is proven, since every tree begins with the empty one.

    Args:
        first: leaves of the older tree, at most `second`.
        second: leaves of the newer tree.
        first_root: 32 bytes.
        second_root: 32 bytes.
        proof: hashes in the order of RFC 9162.

    Raises:
        Malformed: unless 0 <= first <= second <= 2^53-1 and every hash has 32 bytes.
        VerificationFailed: if the proof has the wrong length, or does not lead to both roots.

    Source: RFC 9162 section 2.1.4.2.
    """
    if not 0 <= first <= second <= MAX_INTEGER:
        raise Malformed(f"{first} to {second} are no older and newer tree size", "first")
    check_hash(first_root, "first_root")
    check_hash(second_root, "second_root")
    for place, value in enumerate(proof):
        check_hash(value, f"proof[{place}]")
    expected = consistency_length(first, second)
    if len(proof) != expected:
        raise VerificationFailed(f"the proof has {len(proof)} hashes, it takes {expected}", "proof")
    if first == 0:
        if first_root != EMPTY_ROOT:
            raise VerificationFailed("the root of size 0 must be SHA-256 of nothing", "first_root")
        if second == 0 and second_root != EMPTY_ROOT:
            raise VerificationFailed("the root of size 0 must be SHA-256 of nothing", "second_root")
        return
    if first == second:
        if first_root != second_root:
            raise VerificationFailed(f"two different roots for size {first}", "second_root")
        return
    row = list(proof) if first & (first - 1) else [first_root, *proof]
    index, last = first - 1, second - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    older = newer = row[0]
    for value in row[1:]:
        if index & 1 or index == last:
            older, newer = node_hash(value, older), node_hash(value, newer)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            newer = node_hash(newer, value)
        index, last = index >> 1, last >> 1
    if older != first_root:
        raise VerificationFailed(f"the proof does not lead to the root of size {first}", "first_root")
    if newer != second_root:
        raise VerificationFailed(f"the proof does not lead to the root of size {second}", "second_root")


def consistency_length(first: int, second: int) -> int:
    """Count the hashes of the consistency proof between two sizes.

    Raises:
        Malformed: unless 0 <= first <= second <= 2^53-1.

    >>> consistency_length(3, 7), consistency_length(4, 7), consistency_length(6, 7), consistency_length(0, 7)
    (4, 1, 3, 0)
    """
    if not 0 <= first <= second <= MAX_INTEGER:
        raise Malformed(f"{first} to {second} are no older and newer tree size", "first")
    if first in (0, second):
        return 0
    # The proof starts at the largest perfect subtree that ends the older tree and follows its path to the newer root.
    low = (first & -first).bit_length() - 1
    path = inclusion_length((first - 1) >> low, ((second - 1) >> low) + 1)
    return path + (1 if first & (first - 1) else 0)


def _levels(size: int) -> list[int]:
    return [level for level in range(size.bit_length() - 1, -1, -1) if size >> level & 1]


def _widest(size: int, room: int) -> int:
    """The widest perfect subtree that may begin at `size` and has at most `room` leaves."""
    widest = 1 << (room.bit_length() - 1)
    return min(widest, size & -size) if size else widest
