"""Jumping to one entry by what somebody typed: a place, an event's id, source and event, or a hash."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from muniment.core.errors import Malformed
from muniment.core.identifiers import check_event_id, check_source_id
from muniment.ledger.read import entries_of_event, entry_at
from muniment.ledger.surroundings import HASHES_SEARCHED, entry_by_hash, frontier

if TYPE_CHECKING:
    from psycopg import Connection

MAX_TYPED: Final = 512
_SEQ: Final = re.compile(r"#?(0|[1-9][0-9]{0,15})", re.ASCII)
_HASH: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Found:
    """Where a jump leads: the places of the entries that were meant, and what to say when there is none."""

    seqs: tuple[int, ...]
    reason: str = ""


def look_up(connection: Connection[Any], log_id: int, typed: str) -> Found:
    """Find what was typed.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        typed: `4711`, `#4711`, `evt_…`, `<source>/<event>`, or an entry's hash in hex.
    """
    text = typed.strip()
    if not text or len(text) > MAX_TYPED:
        return Found((), "Type a place (4711), an event id, source/event, or an entry's hash.")
    if _SEQ.fullmatch(text):
        seq = int(text.lstrip("#"))
        # Beyond 2^53-1 there is no place; the database's integers end a little later.
        found = entry_at(connection, log_id, seq) if seq < 2**53 else None
        return Found((), f"The log has no entry {seq}.") if found is None else Found((seq,))
    if _HASH.fullmatch(text.lower()):
        return _by_hash(connection, log_id, bytes.fromhex(text.lower()))
    source, slash, event = text.rpartition("/")
    try:
        check_event_id(event)
        if slash:
            check_source_id(source)
    except Malformed:
        return Found((), "That is no place, event id, source/event or hash.")
    entries = entries_of_event(connection, log_id, event, source if slash else None)
    seqs = tuple(entry.seq for entry, _ in entries)
    return Found(seqs, "" if seqs else "No entry of this log holds that event.")


def _by_hash(connection: Connection[Any], log_id: int, entry_hash: bytes) -> Found:
    standing = frontier(connection, log_id)
    found = None if standing is None else entry_by_hash(connection, log_id, entry_hash, standing.size)
    if found is not None:
        return Found((found.seq,))
    return Found((), f"None of the newest {HASHES_SEARCHED:,} entries has that hash; older ones were not searched.")
