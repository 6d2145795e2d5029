"""How many entries each day has of each action and set of control ids: many populations are counted from that.

What an entry evidences follows from its action and its control ids alone. So a log of millions of entries comes down to
a few rows a day, which never change once the day is over and from which the count of any control is a sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from muniment.ledger.queries import query

if TYPE_CHECKING:
    from datetime import date, datetime

    from psycopg import Connection


@dataclass(frozen=True, slots=True)
class DayCount:
    """Some entries of one day that evidence the same.

    Attributes:
        day: of UTC, by the ledger's clock.
        action: of all of them.
        controls: of each of them, sorted.
        entries: how many.
        last: the place of the last one.
        last_at: when that was recorded.
    """

    day: date
    action: str
    controls: tuple[str, ...]
    entries: int
    last: int
    last_at: datetime


def day_counts(
    connection: Connection[Any], log_id: int, first: int, end: int, *, since: datetime | None = None
) -> list[DayCount]:
    """Count the entries between two places.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        first: the first place.
        end: the place after the last one.
        since: when the entry before `first` was recorded, or earlier; None if that is not known.
    """
    parameters = {"log": log_id, "first": first, "end": end, "since": since}
    rows = connection.execute(query("day_counts"), parameters, prepare=False).fetchall()
    return [DayCount(day, action, tuple(controls), *rest) for day, action, controls, *rest in rows]
