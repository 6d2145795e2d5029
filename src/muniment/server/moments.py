"""Times as the API writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(at: datetime | None) -> str | None:
    """An aware time as RFC 3339 in UTC with six digits, as entries have it; None of None.

    >>> moment(datetime(2026, 3, 1, 14, 23, 7, 5, tzinfo=UTC))
    '2026-03-01T14:23:07.000005Z'
    """
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
