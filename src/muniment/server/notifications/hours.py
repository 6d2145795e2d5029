"""When mail may go out: quiet hours and digests by the clock on somebody's wall. Pure.

A clock on a wall is put forward and back. An hour that it leaves out begins and ends at the moment of the change; an
hour that it shows twice is that hour both times.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

MINUTES: Final = 24 * 60
"""Minutes of a day by the clock."""
_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)


def in_quiet(at: datetime, zone: ZoneInfo, start: int, end: int) -> bool:
    """Whether a moment lies in quiet hours.

    Args:
        at: aware.
        zone: whose clock counts.
        start: minute of the day at which they begin, 0 to 1439.
        end: minute at which they end; before `start`, they go past midnight; equal, there are none.

    >>> in_quiet(datetime(2026, 3, 1, 22, 30, tzinfo=UTC), ZoneInfo("Europe/Warsaw"), 22 * 60, 7 * 60)
    True
    """
    local = at.astimezone(zone)
    minute = local.hour * 60 + local.minute
    return start <= minute < end if start <= end else minute >= start or minute < end


def quiet_until(at: datetime, zone: ZoneInfo, start: int, end: int) -> datetime:
    """The first moment from `at` on that lies in no quiet hours; `at` itself if it does not.

    Args:
        at: aware; the rest as for `in_quiet`.
    """
    while in_quiet(at, zone, start, end):
        at = next_at(at, zone, end, twice=True)
    return at


def next_at(
    after: datetime, zone: ZoneInfo, minute: int, *, weekday: int | None = None, twice: bool = False
) -> datetime:
    """The first moment after another at which the clock comes to a minute of the day.

    Where the clock leaves that minute out, it is the moment at which it is put forward past it.

    Args:
        after: aware.
        zone: whose clock counts.
        minute: of the day, 0 to 1439.
        weekday: only on this one, Monday is 0; None for every day.
        twice: where the clock shows that minute twice, both times count, else the first.

    >>> next_at(datetime(2026, 3, 28, 12, 0, tzinfo=UTC), ZoneInfo("Europe/Warsaw"), 150).isoformat()
    '2026-03-29T01:00:00+00:00'
    """
    day = after.astimezone(zone).date() - _DAY
    while True:
        if weekday is None or day.weekday() == weekday:
            for moment in _moments(day, zone, minute)[: None if twice else 1]:
                if moment > after:
                    return moment
        day += _DAY


def _moments(day: date, zone: ZoneInfo, minute: int) -> list[datetime]:
    """When the clock of a day comes to a minute: once, twice, or at the change that leaves it out; in UTC."""
    wall = datetime.combine(day, time(minute // 60, minute % 60))
    early, late = (wall.replace(fold=fold, tzinfo=zone).astimezone(UTC) for fold in (0, 1))
    if late >= early:
        return [early] if late == early else [early, late]
    # Left out: `late` is before the change, `early` after it. The change is where the offset becomes another one.
    before, after = late, early
    offset = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) / 2
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return [after.replace(microsecond=0)]
