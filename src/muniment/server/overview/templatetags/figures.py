"""Figures and lengths of time as people read them: `{% load figures %}`."""

from __future__ import annotations

from datetime import timedelta

from django import template

register = template.Library()

_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


@register.filter
def grouped(value: float | None) -> str:
    """A count with its thousands apart; nothing of None.

    >>> grouped(1234567)
    '1,234,567'
    """
    return "" if value is None else f"{int(value):,}"


@register.filter
def duration(value: float | timedelta | None) -> str:
    """A length of time in its largest whole unit; below a second it says so.

    >>> duration(3.4), duration(90), duration(5400), duration(0.2)
    ('3 seconds', '1 minute', '1 hour', 'under a second')
    """
    if value is None:
        return "unknown"
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    for name, size in _UNITS:
        if seconds >= size:
            count = int(seconds // size)
            return f"{count:,} {name}{'' if count == 1 else 's'}"
    return "under a second"
