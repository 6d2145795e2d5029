"""Hashes of the Merkle tree's leaves and inner nodes. Source: RFC 6962 section 2.1."""

import hashlib

from muniment.core.errors import Malformed

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


def check_hash(value: bytes, where: str) -> bytes:
    """Give `value` back if it is 32 bytes long; raise `Malformed` otherwise."""
    if len(value) != HASH_BYTES:
        raise Malformed(f"a hash has {HASH_BYTES} bytes, not {len(value)}", where)
    return value
