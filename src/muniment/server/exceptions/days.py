"""Days of a time zone as instants. An exception holds from the start of its first day to the end of its last one."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from muniment.core.errors import Malformed
from muniment.server.zones import zone_of

EARLIEST: Final = date(1970, 1, 2)
LATEST: Final = date(2200, 12, 31)


def starts_at(day: date, zone: str) -> datetime:
    """The first instant of a day, in UTC. Where a clock skips midnight, the instant at which it does.

    >>> starts_at(date(2028, 2, 29), "Europe/Warsaw").isoformat()
    '2028-02-28T23:00:00+00:00'
    """
    return datetime.combine(day, time(), zone_of(zone)).astimezone(UTC)


def ends_at(day: date, zone: str) -> datetime:
    """The first instant after a day, in UTC: until then, what expires on the day holds.

    >>> ends_at(date(2028, 2, 29), "Europe/Warsaw").isoformat()
    '2028-02-29T23:00:00+00:00'
    """
    return starts_at(day + timedelta(days=1), zone)


def today(now: datetime, zone: str) -> date:
    """Which day it is in a zone."""
    return now.astimezone(zone_of(zone)).date()


def days_left(now: datetime, ends: datetime) -> int:
    """Whole days until an instant, rounded down; negative once it has passed."""
    return (ends - now) // timedelta(days=1)


def checked_day(day: date, field: str) -> date:
    """A day that can be reckoned with.

    Raises:
        Malformed: for one before 1970 or after 2200.
    """
    if not EARLIEST <= day <= LATEST:
        raise Malformed(f"lies between {EARLIEST} and {LATEST}", field)
    return day
