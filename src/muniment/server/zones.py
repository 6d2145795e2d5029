"""Time zones by their names."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from muniment.core.errors import Malformed


def zone_of(name: str) -> ZoneInfo:
    """A time zone by its IANA name.

    Raises:
        Malformed: if there is none of that name.
    """
    if not 1 <= len(name) <= 64 or not name.isascii() or not name.isprintable():
        raise Malformed("is the name of a time zone, such as Europe/Warsaw", "zone")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Malformed(f"{name} is no time zone that is known here; one is Europe/Warsaw", "zone") from None
