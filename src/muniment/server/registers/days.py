"""Days of the calendar, as forms, tables and programs give them."""

from __future__ import annotations

from datetime import date

from muniment.core.errors import Malformed


def read_day(text: str, where: str) -> date | None:
    """A day such as 2026-03-01; None of "".

    Raises:
        Malformed: naming the field.
    """
    text = text.strip()
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or len(text) != len("2026-03-01"):
        raise Malformed("is a day such as 2026-03-01", where)
    return checked_day(day, where)


def checked_day(day: date, where: str) -> date:
    """A day that the ledger's times reach.

    Raises:
        Malformed: naming the field.
    """
    if not 1970 <= day.year <= 2199:
        raise Malformed("lies between 1970 and 2199", where)
    return day
