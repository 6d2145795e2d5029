"""Days during which somebody is away, in the time zone in which they count them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from muniment.core.errors import Malformed
from muniment.server.zones import zone_of

MAX_DAYS: Final = 366
MAX_AHEAD: Final = 366
MAX_COMMENT: Final = 1_000


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days of a time zone.

    Attributes:
        first_day, last_day: both belong to it.
        zone: IANA name.
    """

    first_day: date
    last_day: date
    zone: str

    @property
    def begins(self) -> datetime:
        """The first moment of it, UTC."""
        return _midnight(self.first_day, self.zone)

    @property
    def ends(self) -> datetime:
        """The first moment after it, UTC."""
        return _midnight(self.last_day + timedelta(days=1), self.zone)


def checked_period(first_day: date, last_day: date, zone: str, now: datetime) -> Period:
    """A period in which somebody may be away.

    Args:
        first_day: today in that zone, or later.
        last_day: the same day, or at most 365 days after it.
        zone: IANA name.
        now: aware.

    Raises:
        Malformed: naming the field.
    """
    today = now.astimezone(zone_of(zone)).date()
    if first_day < today:
        raise Malformed(f"has passed: it is {today.isoformat()} in {zone}", "first_day")
    if first_day > today + timedelta(days=MAX_AHEAD):
        raise Malformed(f"lies at most {MAX_AHEAD} days ahead", "first_day")
    if last_day < first_day:
        raise Malformed("is the first day or a later one", "last_day")
    if last_day >= first_day + timedelta(days=MAX_DAYS):
        raise Malformed(f"ends a period of at most {MAX_DAYS} days", "last_day")
    return Period(first_day, last_day, zone)


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), zone_of(zone)).astimezone(UTC)
