"""Times as events and entries write them: UTC, fixed width, from 1970-01-01 to 2261-12-31.

Events carry nanoseconds (nine digits), entries microseconds (six digits). Neither has leap seconds.
"""

import datetime
import re
from functools import lru_cache

from muniment.core.errors import Malformed

MAX_TIME9 = 9_214_646_399_999_999_999
"""The last nanosecond of 2261, in nanoseconds since the Unix epoch."""

MAX_TIME6 = MAX_TIME9 // 1000
"""The last microsecond of 2261, in microseconds since the Unix epoch."""

CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
"""Grammar of hours, minutes and seconds."""
TIME9 = rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{CLOCK}\.[0-9]{{9}}Z"
"""Grammar of *time9*, the calendar apart."""
TIME6 = rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{CLOCK}\.[0-9]{{6}}Z"
"""Grammar of *time6*, the calendar apart."""

_TIME9 = re.compile(TIME9)
_TIME6 = re.compile(TIME6)
_EPOCH_DAY = datetime.date(1970, 1, 1).toordinal()


class MalformedTime(Malformed):
    """The text is no time of this format, or the number lies outside its range."""


def parse_time9(text: str) -> int:
    """Read an event's time.

    Returns:
        Nanoseconds since the Unix epoch, UTC.

    Raises:
        MalformedTime: if the text has another shape, or names no real date or time of 1970 to 2261.

    Source: docs/format.md section 1, *time9*.

    >>> parse_time9("2026-03-01T14:23:07.847291000Z")
    1772374987847291000
    """
    if _TIME9.fullmatch(text) is None:
        raise MalformedTime("must look like 2026-03-01T14:23:07.847291000Z (UTC, nine digits)")
    return _seconds(text) * 1_000_000_000 + int(text[20:29])


def parse_time6(text: str) -> int:
    """Read an entry's time.

    Returns:
        Microseconds since the Unix epoch, UTC.

    Raises:
        MalformedTime: if the text has another shape, or names no real date or time of 1970 to 2261.

    Source: docs/format.md section 1, *time6*.

    >>> parse_time6("2026-03-01T14:23:07.847291Z")
    1772374987847291
    """
    if _TIME6.fullmatch(text) is None:
        raise MalformedTime("must look like 2026-03-01T14:23:07.847291Z (UTC, six digits)")
    return _seconds(text) * 1_000_000 + int(text[20:26])


def format_time9(ns: int) -> str:
    """Write an event's time.

    Args:
        ns: nanoseconds since the Unix epoch, UTC.

    Raises:
        MalformedTime: if `ns` is negative or after 2261.

    >>> format_time9(1772374987847291000)
    '2026-03-01T14:23:07.847291000Z'
    """
    if not 0 <= ns <= MAX_TIME9:
        raise MalformedTime("must lie between 1970-01-01 and 2261-12-31")
    seconds, fraction = divmod(ns, 1_000_000_000)
    return f"{_clock(seconds)}.{fraction:09d}Z"


def format_time6(us: int) -> str:
    """Write an entry's time.

    Args:
        us: microseconds since the Unix epoch, UTC.

    Raises:
        MalformedTime: if `us` is negative or after 2261.

    >>> format_time6(1772374987847291)
    '2026-03-01T14:23:07.847291Z'
    """
    if not 0 <= us <= MAX_TIME6:
        raise MalformedTime("must lie between 1970-01-01 and 2261-12-31")
    seconds, fraction = divmod(us, 1_000_000)
    return f"{_clock(seconds)}.{fraction:06d}Z"


@lru_cache(maxsize=1024)
def day_number(date: str) -> int:
    """Count the days from 1970-01-01 to a date written `YYYY-MM-DD`.

    Raises:
        MalformedTime: if the calendar has no such day, or it lies outside 1970 to 2261.

    >>> day_number("1970-02-01")
    31
    """
    try:
        day = datetime.date(int(date[0:4]), int(date[5:7]), int(date[8:10]))
    except ValueError:
        raise MalformedTime(f"the calendar has no {date}") from None
    if not 1970 <= day.year <= 2261:
        raise MalformedTime("must lie between 1970-01-01 and 2261-12-31")
    return day.toordinal() - _EPOCH_DAY


def _seconds(text: str) -> int:
    return second_number(text[0:19])


@lru_cache(maxsize=1024)
def second_number(text: str) -> int:
    """Count the seconds from 1970 to `YYYY-MM-DDTHH:MM:SS`, whose shape has been checked.

    Raises:
        MalformedTime: if the calendar has no such day, or it lies outside 1970 to 2261.
    """
    return day_number(text[0:10]) * 86_400 + int(text[11:13]) * 3600 + int(text[14:16]) * 60 + int(text[17:19])


@lru_cache(maxsize=1024)
def _clock(seconds: int) -> str:
    days, second = divmod(seconds, 86_400)
    hours, second = divmod(second, 3600)
    minutes, second = divmod(second, 60)
    return f"{datetime.date.fromordinal(_EPOCH_DAY + days).isoformat()}T{hours:02d}:{minutes:02d}:{second:02d}"
