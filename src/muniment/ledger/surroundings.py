"""What stands around an entry: how far the log reaches and is sealed, neighbours, causes and effects."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from muniment.ledger.queries import query
from muniment.ledger.read import StoredEntry, time_bounds

if TYPE_CHECKING:
    from psycopg import Connection

HASHES_SEARCHED: Final = 50_000
"""Newest entries among which a hash is looked for."""


@dataclass(frozen=True, slots=True)
class Frontier:
    """Where a log stands.

    Attributes:
        size: its entries.
        last_at: when the newest was recorded.
        sealed: how many of them the newest checkpoint covers.
        broken_at: the first broken place that the newest walk named; None if it named none, or before the first walk.
        anchored: how many of them the largest checkpoint with a timestamp covers; 0 without one, and while the newest
            full walk says that a timestamp does not hold.
    """

    size: int
    last_at: datetime
    sealed: int
    broken_at: int | None
    anchored: int


def frontier(connection: Connection[Any], log_id: int) -> Frontier | None:
    """Where a log of the transaction's tenant stands; None if it has no such log."""
    row = connection.execute(query("frontier"), {"log": log_id}).fetchone()
    return None if row is None else Frontier(*row)


def entries_from(
    connection: Connection[Any], log_id: int, first: int, *, limit: int, last: int | None = None
) -> list[StoredEntry]:
    """Entries from a place on, oldest first.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        first: the first place.
        limit: how many at most.
        last: the last place; None for `limit` places.
    """
    end = first + limit - 1 if last is None else last
    since, until = time_bounds(connection, log_id, first, end)
    parameters = {"log": log_id, "first": first, "last": end, "since": since, "until": until, "limit": limit}
    return _entries(connection, "entries_from", parameters)


def entries_of_places(connection: Connection[Any], log_id: int, seqs: Sequence[int]) -> list[StoredEntry]:
    """Entries by their places (ascending, at least one); places beyond the end are left out."""
    since, until = time_bounds(connection, log_id, seqs[0], seqs[-1])
    parameters = {"log": log_id, "seqs": list(seqs), "since": since, "until": until}
    return _entries(connection, "entries_of_places", parameters)


def entries_of_references(
    connection: Connection[Any], log_id: int, references: Collection[str], *, limit: int
) -> list[StoredEntry]:
    """The entries of events that are named as `<source>/<event id>`; what is not in the log is left out."""
    pairs = [reference.partition("/") for reference in sorted(set(references))]
    parameters = {
        "log": log_id,
        "sources": [source for source, _, _ in pairs],
        "events": [event for _, _, event in pairs],
        "limit": limit,
    }
    return _entries(connection, "entries_of_references", parameters)


def effects_in_trace(
    connection: Connection[Any], log_id: int, references: Collection[str], trace: bytes, *, limit: int
) -> list[StoredEntry]:
    """Entries of a trace (16 bytes) that name one of some events as a cause."""
    parameters = {"log": log_id, "references": sorted(references), "trace": trace, "limit": limit}
    return _entries(connection, "effects_in_trace", parameters)


def effects_between(
    connection: Connection[Any], log_id: int, references: Collection[str], first: int, last: int, *, limit: int
) -> list[StoredEntry]:
    """Entries from place `first` to `last` that name one of some events as a cause; every entry between is read."""
    since, until = time_bounds(connection, log_id, first, last)
    parameters = {
        "log": log_id,
        "references": sorted(references),
        "first": first,
        "last": last,
        "since": since,
        "until": until,
        "limit": limit,
    }
    return _entries(connection, "effects_between", parameters)


def entry_by_hash(connection: Connection[Any], log_id: int, entry_hash: bytes, size: int) -> StoredEntry | None:
    """The entry with a hash (32 bytes) among the newest `HASHES_SEARCHED` of a log of `size` entries, or None."""
    first, last = max(0, size - HASHES_SEARCHED), size - 1
    since, until = time_bounds(connection, log_id, first, last)
    parameters = {"log": log_id, "hash": entry_hash, "first": first, "last": last, "since": since, "until": until}
    found = _entries(connection, "entry_by_hash", parameters)
    return found[0] if found else None


def first_seal(connection: Connection[Any], log_id: int, seq: int) -> tuple[int, datetime] | None:
    """Size and time of the oldest checkpoint that covers an entry; None as long as none does."""
    row = connection.execute(query("first_checkpoint_over"), {"log": log_id, "seq": seq}).fetchone()
    return None if row is None else (row[0], row[1])


def _entries(connection: Connection[Any], name: str, parameters: dict[str, Any]) -> list[StoredEntry]:
    rows: Sequence[Any] = connection.cursor(binary=True).execute(query(name), parameters, prepare=False).fetchall()
    return [StoredEntry(row[0], row[1], row[2], row[3].encode()) for row in rows]
