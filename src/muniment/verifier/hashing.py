"""Many hashes at once: of entries, of events, and of the subtrees over them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from operator import add
from typing import Final

# Begun hashes, to be copied: that takes half the time of beginning one.
LEAF: Final = hashlib.sha256(b"\x00")
NODE: Final = hashlib.sha256(b"\x01")
EVENT: Final = hashlib.sha256(b"muniment/event/1\0")


def digests(begun: hashlib._Hash, messages: Iterable[bytes]) -> list[bytes]:
    """Hash each message after what `begun` has already taken."""
    copy = begun.copy
    digests = []
    for message in messages:
        hash_ = copy()
        hash_.update(message)
        digests.append(hash_.digest())
    return digests


def subtrees(start: int, leaves: Sequence[bytes]) -> list[tuple[int, bytes]]:
    """The perfect subtrees (level, hash) that cover leaves from position `start`, from left to right.

    Source: RFC 6962 section 2.1; docs/format.md section 7, "Folding".
    """
    found = []
    done, count = 0, len(leaves)
    while done < count:
        level = (count - done).bit_length() - 1
        at = start + done
        if at:
            level = min(level, (at & -at).bit_length() - 1)
        row = list(leaves[done : done + (1 << level)])
        while len(row) > 1:
            row = digests(NODE, map(add, row[::2], row[1::2]))
        found.append((level, row[0]))
        done += 1 << level
    return found
