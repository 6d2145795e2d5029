"""What the server recorded of what people did, newest first, page by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from muniment.core.errors import Malformed
from muniment.ledger.queries import query
from muniment.ledger.read import StoredEntry

MAX_LIMIT = 200


@dataclass(frozen=True, slots=True)
class TrailPage:
    """Some of the trail, and the cursor of the page after it (None at the end)."""

    entries: list[StoredEntry]
    cursor: str | None


def trail(
    connection: Connection[Any],
    log_id: int,
    *,
    actions: Sequence[str],
    actor: str | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> TrailPage:
    """One page of the entries of the server's own source with some actions.

    No other source can add to it.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        actions: which.
        actor: only what this one did, such as `user:usr_…`.
        limit: entries on the page, 1 to 200.
        cursor: of the page before.

    Raises:
        Malformed: for a limit out of range, or a cursor that is none.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise Malformed(f"must lie between 1 and {MAX_LIMIT}", "limit")
    if actor is not None and "\0" in actor:
        raise Malformed("holds a zero byte", "actor")
    at, seq = (None, None) if cursor is None else _read_cursor(cursor)
    parameters = {"log": log_id, "actions": list(actions), "actor": actor, "at": at, "seq": seq, "limit": limit + 1}
    name = "trail" if actor is None else "trail_of_actor"
    rows = connection.cursor(binary=True).execute(query(name), parameters, prepare=False).fetchall()
    entries = [StoredEntry(row[0], row[1], row[2], row[3].encode()) for row in rows[:limit]]
    return TrailPage(entries, _cursor(entries[-1]) if len(rows) > limit else None)


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _cursor(last: StoredEntry) -> str:
    return f"{(last.recorded_at - _EPOCH) // timedelta(microseconds=1)}.{last.seq}"


def _read_cursor(cursor: str) -> tuple[datetime, int]:
    micros, dot, seq = cursor.partition(".")
    if not dot or not (micros.isascii() and micros.isdecimal() and seq.isascii() and seq.isdecimal()):
        raise Malformed("is no cursor that this service gave", "cursor")
    if len(micros) > 17 or len(seq) > 16:
        raise Malformed("is no cursor that this service gave", "cursor")
    try:
        return _EPOCH + timedelta(microseconds=int(micros)), int(seq)
    except OverflowError as error:
        raise Malformed("is no cursor that this service gave", "cursor") from error
