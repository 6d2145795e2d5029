"""Choosing the entries of an incident: everything around a moment that a checkpoint covers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from muniment.core.errors import Malformed, Refused
from muniment.ledger.causes import entries_around
from muniment.ledger.proofs import NotSealed
from muniment.ledger.read import StoredEntry
from muniment.ledger.surroundings import frontier
from muniment.server.causality.happening import read_happening
from muniment.server.causality.search import asked_for

if TYPE_CHECKING:
    from psycopg import Connection

MOST: Final = 10_000
"""Entries of one incident."""
MAX_WITHIN: Final = 86_400
MAX_LATE: Final = 86_400
AHEAD: Final = timedelta(minutes=5)
"""How far a source's clock may run ahead and its entries still be found by the time that they state."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Incident:
    """What was asked for, and found.

    Attributes:
        since: the window begins, aware.
        until: it ends before.
        searched_until: entries recorded before this were looked through for the time that they state.
        size: of the checkpoint that covers what was found.
        entries: in the order of the log.
        unsealed: entries of the window that this checkpoint does not cover.
    """

    since: datetime
    until: datetime
    searched_until: datetime
    size: int
    entries: tuple[StoredEntry, ...]
    unsealed: int


def incident_around(
    connection: Connection[Any], log_id: int, around: str, *, within: float, late: float, size: int | None = None
) -> Incident:
    """Choose the entries that were recorded, or say that they occurred, around a moment.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        around: a time (RFC 3339 with its zone), or an event: the moment at which it says that it occurred.
        within: seconds on both sides.
        late: seconds after the window in which an entry may have been recorded that states a time in it.
        size: of a checkpoint; None for the newest.

    Raises:
        Malformed: if `around` is neither.
        Refused: if there are more than `MOST`.
        NotSealed: if no checkpoint reaches `size`.
    """
    try:
        moment = _moment(connection, log_id, around)
        since, until = moment - timedelta(seconds=within), moment + timedelta(seconds=within)
        searched = until + timedelta(seconds=late)
        if since - AHEAD < _EPOCH or searched.year > 2261:
            raise OverflowError
    except OverflowError:
        raise Malformed("lies outside of the years 1970 to 2261", "around") from None
    standing = frontier(connection, log_id)
    sealed = 0 if standing is None else standing.sealed
    if sealed == 0 or (size is not None and size > sealed):
        raise NotSealed(f"the newest checkpoint covers {sealed} entries", "size")
    covered = sealed if size is None else size
    found = entries_around(
        connection, log_id, since, until, before=AHEAD, late=searched - until, limit=MOST + 1
    )  # fmt: skip
    if len(found) > MOST:
        raise Refused(f"more than {MOST:,} entries are around that moment; ask for less with within", "within")
    kept = sorted((entry for entry in found if entry.seq < covered), key=lambda entry: entry.seq)
    return Incident(since, until, searched, covered, tuple(kept), len(found) - len(kept))


def nanoseconds(at: datetime) -> int:
    """A time as nanoseconds since the Unix epoch."""
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000


def _moment(connection: Connection[Any], log_id: int, around: str) -> datetime:
    try:
        read = datetime.fromisoformat(around)
    except ValueError:
        read = None
    # 4711 and 20261121 are places, however much they look like years and days.
    if read is not None and not around.isdecimal():
        if read.tzinfo is None:
            raise Malformed("must look like 2026-03-01T14:23:07Z, with its time zone", "around")
        return read.astimezone(UTC)
    try:
        asked = asked_for(connection, log_id, around)
    except Malformed as error:
        raise Malformed("is neither a time (2026-03-01T14:23:07Z) nor an event that is in the log", "around") from error
    if asked is None or asked.start is None:
        raise Malformed("is neither a time (2026-03-01T14:23:07Z) nor an event that is in the log", "around")
    return _EPOCH + timedelta(microseconds=read_happening(asked.start.text).occurred_at // 1000)
