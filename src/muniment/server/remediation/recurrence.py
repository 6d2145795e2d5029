"""When a task that comes again is due next."""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from typing import Final

MONTHS: Final = {"none": 0, "monthly": 1, "quarterly": 3, "yearly": 12}
RECURRENCES: Final = {"none": "Once", "monthly": "Monthly", "quarterly": "Quarterly", "yearly": "Yearly"}


def next_due(due: date, day: int, recurrence: str) -> date | None:
    """The day on which the turn after this one is due; None if there is none.

    Args:
        due: the day of this turn.
        day: of the month to come back to, 1 to 31: a task of the 31st does after a shorter month.
        recurrence: one of `RECURRENCES`.

    >>> first = next_due(date(2028, 1, 31), 31, "monthly")
    >>> first.isoformat(), next_due(first, 31, "monthly").isoformat()
    ('2028-02-29', '2028-03-31')
    >>> next_due(date(2028, 2, 29), 29, "yearly").isoformat(), next_due(date(2031, 2, 28), 29, "yearly").isoformat()
    ('2029-02-28', '2032-02-29')
    """
    months = MONTHS[recurrence]
    if not months:
        return None
    year, month = divmod(due.year * 12 + due.month - 1 + months, 12)
    return date(year, month + 1, min(day, monthrange(year, month + 1)[1]))
