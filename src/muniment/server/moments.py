"""Times as the API writes and reads them."""

from __future__ import annotations

from datetime import UTC, datetime

from muniment.core.errors import Malformed


def moment(at: datetime | None) -> str | None:
    """An aware time as RFC 3339 in UTC with six digits, as entries have it; None of None.

    >>> moment(datetime(2026, 3, 1, 14, 23, 7, 5, tzinfo=UTC))
    '2026-03-01T14:23:07.000005Z'
    """
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def read_moment(text: str, where: str) -> datetime:
    """A time as people and programs write it: a day or a time, in UTC unless it says otherwise.

    Args:
        text: `2026-03-01` or `2026-03-01T14:23:07Z`.
        where: the field, as the error names it.

    Raises:
        Malformed: naming the field.
    """
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise Malformed("looks like 2026-03-01 (UTC) or 2026-03-01T14:23:07Z", where) from None
    read = read.replace(tzinfo=UTC) if read.tzinfo is None else read
    if not 1970 <= read.year <= 2261:
        raise Malformed("lies between 1970 and 2261", where)
    return read
