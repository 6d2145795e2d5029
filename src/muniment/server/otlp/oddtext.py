"""The rule of docs/capture.md, "Odd text", for names that come from outside.

It is the rule that `muniment.agent.escaping` keeps; neither room may import the other, and a test holds them together.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

_NOT_TEXT: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_IN_TEXT: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff%]")
_IN_LABEL: Final = re.compile("[^ -$&-~]")
_TAIL: Final = 66


def text_of(value: str, limit: int) -> tuple[str, bool]:
    """Return the value as *text* of at most `limit` bytes of UTF-8, and whether it had to be escaped."""
    if value and len(value) <= limit and not _NOT_TEXT.search(value) and len(value.encode()) <= limit:
        return value, False
    return _escaped(value, _IN_TEXT, limit), True


def label_of(value: str, limit: int = 256) -> str:
    """Return the value as the value of a label: printable ASCII, 1 to `limit` characters."""
    if value and len(value) <= limit and not _IN_LABEL.search(value):
        return value
    return _escaped(value, _IN_LABEL, limit)


def _escaped(value: str, forbidden: re.Pattern[str], limit: int) -> str:
    if not value:
        return "%"
    # A character takes at least one byte, so of a long value only the beginning is looked at.
    units = [_percent(character) if forbidden.match(character) else character for character in value[: limit + 1]]
    if len(value) <= limit and sum(len(unit.encode()) for unit in units) <= limit:
        return "".join(units)
    kept, room = [], limit - _TAIL
    for unit in units:
        room -= len(unit.encode())
        if room < 0:
            break
        kept.append(unit)
    return "".join(kept) + "%~" + hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))
