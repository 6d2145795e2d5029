"""What has grown in a log since it was sealed last, and what sealing it has to respect."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from psycopg import Connection

from muniment.core.checkpoint import Checkpoint, parse_signed_checkpoint
from muniment.core.errors import Malformed, Refused, VerificationFailed
from muniment.core.keysnote import KeysNote, verify_keysnote
from muniment.core.merkle import HASH_BYTES
from muniment.core.note import Note, VerifierKey, verify_note
from muniment.ledger.queries import query
from muniment.ledger.tree import Edge

STEP = 262_144
"""The most entries that one checkpoint adds; 8 MiB of hashes in memory."""


@dataclass(frozen=True, slots=True)
class Growth:
    """One log at the moment of reading.

    Attributes:
        log_id: the database's number for it.
        origin: its name.
        genesis: hash of entry 0, 32 bytes.
        size: entries recorded.
        edge: right edge of the sealed tree.
        root: root of the newest checkpoint, 32 bytes; None when the log was never sealed.
        note: the newest keys note, as stored.
        leaves: hashes of the entries beyond the edge, at most `STEP` of them.
        due: whether these entries are to be sealed now.
    """

    log_id: int
    origin: str
    genesis: bytes
    size: int
    edge: Edge
    root: bytes | None
    note: bytes
    leaves: bytes
    due: bool

    @property
    def reach(self) -> int:
        """The largest size that can be sealed with what was read."""
        return self.edge.size + len(self.leaves) // HASH_BYTES


def read_growth(connection: Connection, logs: Sequence[int]) -> list[Growth | Refused]:
    """Read some logs of the transaction's tenant; a log that cannot be sealed as it stands comes as its refusal."""
    rows = connection.cursor(binary=True).execute(query("growth"), {"logs": list(logs), "step": STEP}).fetchall()
    return [_growth(row) for row in rows]


def _growth(row: tuple[Any, ...]) -> Growth | Refused:
    log_id, origin, genesis, size, sealed, tiles, root, note, leaves, due = row
    if note is None:
        return Refused("the log has no keys note, so no key that may sign for it", origin)
    try:
        edge = Edge(sealed, tuple(tiles))
        if sealed and (root is None or edge.root() != root):
            raise VerificationFailed("the stored tree is not the one of the newest checkpoint", "tree_edges")
    except VerificationFailed as error:
        return Refused(f"{error}: walk the log, then restore it", origin)
    if len(leaves) != HASH_BYTES * min(size - sealed, STEP):
        return Refused(f"entries are missing between {sealed} and {size}: walk the log, then restore it", origin)
    return Growth(log_id, origin, genesis, size, edge, root, note.encode(), leaves, due)


@lru_cache(maxsize=4096)
def keys_in_force(note: bytes, root: VerifierKey, origin: str, genesis: bytes) -> KeysNote:
    """The keys note of a log, proven to be the root's and this log's.

    Raises:
        Refused: if it is not: the database may have been changed.
    """
    try:
        keys = verify_keysnote(note, root)
    except (Malformed, VerificationFailed) as error:
        raise Refused(f"the stored keys note is not one of root key {root.name}: {error}", origin) from error
    if (keys.origin, keys.genesis) != (origin, genesis):
        raise Refused("the stored keys note is for another log, or for another entry 0", origin)
    return keys


def read_head(note: bytes, origin: str, keys: KeysNote) -> tuple[Note, Checkpoint]:
    """The last signed head of a log, proven to be signed by the log's key.

    Raises:
        Refused: if it is not: the file was changed.
    """
    try:
        signed, head = parse_signed_checkpoint(note)
        verify_note(signed, [keys.log_key_at(head.size)])
    except (Malformed, VerificationFailed) as error:
        raise Refused(f"the last signed head was changed: {error}; put the file back", origin) from error
    if head.origin != origin:
        raise Refused(f"the last signed head is that of {head.origin}; put the right file back", origin)
    return signed, head
