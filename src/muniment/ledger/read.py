"""Reading single entries, and the entry bundles of C2SP tlog-tiles."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg import Connection

from muniment.core.errors import Malformed, VerificationFailed
from muniment.core.tiles import WIDTH, Tile
from muniment.ledger.queries import query

BodyState = Literal["stored", "not_stored", "erased"]


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry as the database has it.

    Attributes:
        seq: its place in the log.
        recorded_at: UTC, to the microsecond.
        entry_hash: 32 bytes.
        text: its canonical text.
    """

    seq: int
    recorded_at: datetime
    entry_hash: bytes
    text: bytes


@dataclass(frozen=True, slots=True)
class StoredBody:
    """What is known of an entry's body: `salt` (32 bytes) and `body` where it is stored."""

    state: BodyState
    salt: bytes | None = None
    body: bytes | None = None


def entry_at(connection: Connection[Any], log_id: int, seq: int) -> tuple[StoredEntry, StoredBody | None] | None:
    """The entry at a place of the log, sealed or not, with its body; None if there is none.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        seq: from 0.
    """
    cursor = connection.cursor(binary=True)
    since, until = time_bounds(connection, log_id, seq, seq)
    row = cursor.execute(query("entry_at"), {"log": log_id, "seq": seq, "since": since, "until": until}).fetchone()
    return None if row is None else _with_body(row)


def entries_of_event(
    connection: Connection[Any], log_id: int, event_id: str, source_id: str | None = None
) -> list[tuple[StoredEntry, StoredBody | None]]:
    """The entries that hold an event id, with their bodies.

    Ids are unique for a source only: without `source_id` there may be several (at most 100 are given).
    """
    parameters = {"log": log_id, "event": event_id, "source": source_id}
    cursor = connection.cursor(binary=True)
    return [_with_body(row) for row in cursor.execute(query("entries_by_event"), parameters, prepare=False)]


def entry_bundle(connection: Connection[Any], log_id: int, tile: Tile, size: int) -> bytes | None:
    """A tlog-tiles entry bundle: each entry's text with its length before it, two bytes, big-endian.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        tile: of level None; full, or partial with any width that the log once had.
        size: of a published checkpoint; nothing beyond it is given out.

    Returns:
        None if the log of `size` has no such bundle.

    Source: C2SP tlog-tiles, "Log entries"; docs/format.md section 6.
    """
    if tile.level is not None:
        raise Malformed("a hash tile is no entry bundle", "tile")
    first = tile.index * WIDTH
    last = first + tile.width - 1
    if last >= size:
        return None
    since, until = time_bounds(connection, log_id, first, last)
    parameters = {"log": log_id, "bodies": False, "first": first, "last": last, "since": since, "until": until}
    rows = connection.cursor(binary=True).execute(query("entries_between"), parameters).fetchall()
    if len(rows) != tile.width:
        raise VerificationFailed(f"the database has {len(rows)} of the {tile.width} entries", tile.path)
    texts = [row[1].encode() for row in rows]
    return b"".join(len(text).to_bytes(2, "big") + text for text in texts)


def time_bounds(
    connection: Connection[Any], log_id: int, first: int, last: int
) -> tuple[datetime | None, datetime | None]:
    """Between which times some entries were recorded, as far as checkpoints tell: it lets a query skip partitions."""
    row = connection.execute(query("seq_times"), {"log": log_id, "first": first, "last": last}).fetchone()
    return (None, None) if row is None else (row[0], row[1])


def _with_body(row: tuple[Any, ...]) -> tuple[StoredEntry, StoredBody | None]:
    seq, recorded_at, entry_hash, text, state, salt, body = row
    entry = StoredEntry(seq, recorded_at, entry_hash, text.encode())
    return entry, None if state is None else StoredBody(state, salt, body)
