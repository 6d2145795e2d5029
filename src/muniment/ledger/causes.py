"""Effects of many events at once, and the entries around a moment."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from muniment.ledger.queries import query
from muniment.ledger.read import StoredEntry, time_bounds

if TYPE_CHECKING:
    from psycopg import Connection

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def effects_within(
    connection: Connection[Any], log_id: int, references: Collection[str], first: int, last: int, *, limit: int
) -> list[StoredEntry]:
    """Entries from place `first` to `last` that name one of many events as a cause; every entry between is read.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        references: `<source>/<event id>` each.
        first: the first place, and `last` the last.
        last: see `first`.
        limit: entries at most.
    """
    since, until = time_bounds(connection, log_id, first, last)
    parameters = {"first": first, "last": last, "since": since, "until": until}
    return _entries(connection, "effects_within", log_id, limit, references=sorted(references), **parameters)


def effects_of_trace(
    connection: Connection[Any], log_id: int, references: Collection[str], trace: bytes, *, limit: int
) -> list[StoredEntry]:
    """Entries of a trace (16 bytes) that name one of many events as a cause."""
    return _entries(connection, "effects_of_trace", log_id, limit, references=sorted(references), trace=trace)


def known_references(connection: Connection[Any], log_id: int, references: Collection[str]) -> set[str]:
    """Those of some events (`<source>/<event id>` each) that the log of the transaction's tenant holds."""
    pairs = [reference.partition("/") for reference in sorted(set(references))]
    given = {"log": log_id, "sources": [source for source, _, _ in pairs], "events": [event for _, _, event in pairs]}
    rows = connection.cursor(binary=True).execute(query("known_references"), given, prepare=False)
    return {str(row[0]) for row in rows}


def entries_around(
    connection: Connection[Any],
    log_id: int,
    since: datetime,
    until: datetime,
    *,
    before: timedelta,
    late: timedelta,
    limit: int,
) -> list[StoredEntry]:
    """Entries recorded from `since` to before `until`, and those that say that they occurred then.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        since: aware, and `until` too.
        until: see `since`.
        before: how much earlier an entry may have been recorded whose source's clock runs ahead.
        late: how much later an entry may have been recorded that its source sent late.
        limit: entries at most.
    """
    return _entries(
        connection,
        "entries_around",
        log_id,
        limit,
        since=since,
        until=until,
        since_ns=_nanoseconds(since),
        until_ns=_nanoseconds(until),
        searched_since=since - before,
        searched_until=until + late,
    )


def _nanoseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000


def _entries(
    connection: Connection[Any], name: str, log_id: int, limit: int, **parameters: object
) -> list[StoredEntry]:
    given = {"log": log_id, "limit": limit, **parameters}
    rows = connection.cursor(binary=True).execute(query(name), given, prepare=False).fetchall()
    return [StoredEntry(row[0], row[1], row[2], row[3].encode()) for row in rows]
