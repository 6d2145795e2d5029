"""The period that a matrix counts: whole days of UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from muniment.core.errors import Malformed

_FIRST, _LAST = date(1970, 1, 1), date(2261, 12, 31)
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `since` to the one before `until`."""

    since: date
    until: date

    def __post_init__(self) -> None:
        for name, day in (("from", self.since), ("to", self.until)):
            if not _FIRST <= day <= _LAST:
                raise Malformed("lies between 1970 and 2261", name)
        if self.since >= self.until:
            raise Malformed("lies before the beginning", "to")

    @property
    def words(self) -> str:
        """The period for people, its last day included."""
        return f"{self.since.isoformat()} to {(self.until - DAY).isoformat()}"

    def question(self, control: str) -> str:
        """The query string that asks for a control's population in the period."""
        return urlencode({"control": control, "from": self.since.isoformat(), "to": self.until.isoformat(), "ask": "1"})


def year_before(day: date) -> date:
    """The same day a year before; the 28th for a 29th of February.

    >>> year_before(date(2028, 2, 29))
    datetime.date(2027, 2, 28)
    """
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)


def read_period(since: str, until: str, *, now: datetime) -> Period:
    """Read a period; what is left out makes it the twelve months up to today.

    Args:
        since: the first day, such as 2026-01-01, or "".
        until: the day after the last one, or "".
        now: aware.

    Raises:
        Malformed: naming `from` or `to`.
    """
    end = _day(until, "to") if until else now.astimezone(UTC).date() + DAY
    return Period(_day(since, "from") if since else year_before(end), end)


def _day(text: str, where: str) -> date:
    try:
        if len(text) != 10:
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError:
        raise Malformed("is a day of UTC such as 2026-03-01", where) from None
