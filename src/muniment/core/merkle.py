"""The Merkle tree of RFC 6962 section 2.1: hashes, roots, proofs.

Every hash is 32 bytes. Sizes and indices count leaves, from 0.
"""

import hashlib
from collections.abc import Sequence

from muniment.core.canonical import MAX_INTEGER
from muniment.core.errors import Malformed, VerificationFailed
from muniment.core.nodes import EMPTY_ROOT, HASH_BYTES, MAX_LEVEL, check_hash, leaf_hash, node_hash
from muniment.core.stack import CompactRange, Stack

__all__ = (
    "EMPTY_ROOT",
    "HASH_BYTES",
    "MAX_LEVEL",
    "CompactRange",
    "Stack",
    "check_hash",
    "consistency_length",
    "inclusion_length",
    "inclusion_root",
    "leaf_hash",
    "node_hash",
    "root_of",
    "verify_consistency",
    "verify_inclusion",
)

_sha256 = hashlib.sha256


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
