"""Days, hours and weeks as the people of a tenant see them on the wall."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from muniment.core.errors import Malformed

WEEK: Final = 168
"""Hours of a week; the first is that from Monday midnight on."""
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Wall:
    """A moment on the wall clock of a zone.

    Attributes:
        day: the local date's ordinal.
        hour: 0 to 23. In the night when clocks go back an hour comes twice, and both count as that hour.
        stamp: seconds since the Unix epoch, which no clock change bends: spans are measured by it.
    """

    day: int
    hour: int
    stamp: float

    @property
    def weekday(self) -> int:
        """0 for Monday."""
        return (self.day - 1) % 7

    @property
    def week(self) -> int:
        """A number that grows by one each Monday."""
        return (self.day - 1) // 7

    @property
    def slot(self) -> int:
        """The hour of the week, 0 to 167."""
        return self.weekday * 24 + self.hour

    @property
    def weekend(self) -> bool:
        """Saturday or Sunday."""
        return self.weekday >= 5


def zone_of(name: str) -> ZoneInfo:
    """A time zone by its IANA name.

    Raises:
        Malformed: for anything else.
    """
    try:
        if not name or len(name) > 64:
            raise ValueError
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Malformed("is the name of a time zone, such as Europe/Warsaw", "zone") from None


def wall(at: datetime, zone: ZoneInfo) -> Wall:
    """Where a moment stands on the wall clock.

    >>> found = wall(datetime(2026, 3, 29, 1, 30, tzinfo=UTC), ZoneInfo("Europe/Warsaw"))
    >>> found.hour, WEEKDAYS[found.weekday]
    (3, 'Sunday')
    """
    local = at.astimezone(zone)
    return Wall(local.toordinal(), local.hour, (at - _EPOCH) / timedelta(seconds=1))


def moment_of(stamp: float) -> datetime:
    """The moment of a stamp."""
    return _EPOCH + timedelta(seconds=stamp)


def said_day(day: int) -> str:
    """A local date in words.

    >>> said_day(date(2026, 3, 3).toordinal())
    'Tuesday 3 March 2026'
    """
    on = date.fromordinal(day)
    return f"{WEEKDAYS[on.weekday()]} {on.day} {on:%B} {on.year}"


def said_time(at: datetime, zone: ZoneInfo) -> str:
    """The time on the wall, as 14:05."""
    return f"{at.astimezone(zone):%H:%M}"
