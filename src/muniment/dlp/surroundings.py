"""What stands around a candidate: whether it is a number of its own, and which words lead to it."""

from __future__ import annotations

import re
from typing import Final

_NEAR: Final = 48
"""How far before a number a word counts, in bytes."""
_DASH_BEFORE: Final = re.compile(rb"[0-9A-Za-z]-\Z")
_DASH_AFTER: Final = re.compile(rb"-[0-9A-Za-z]")


def is_fraction(text: bytes, start: int, end: int) -> bool:
    """Whether digits are a part of a decimal fraction: `0.4111…`, `4111….25`.

    Args:
        text: normalised.
        start, end: of the digits.
    """
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    return (before[-1:] == b"." and before[:1].isdigit()) or (after[:1] == b"." and after[1:].isdigit())


def is_dashed_on(text: bytes, start: int, end: int) -> bool:
    """Whether dashes join it to more: a UUID, an article's number.

    Args:
        text: normalised.
        start, end: of the candidate.
    """
    return bool(_DASH_BEFORE.search(text[max(0, start - 2) : start]) or _DASH_AFTER.match(text[end : end + 2]))


def led_to(text: bytes, start: int, words: re.Pattern[bytes]) -> bool:
    """Whether one of some words stands shortly before a place.

    Args:
        text: normalised.
        start: the place.
        words: compiled to ignore case.
    """
    return words.search(text[max(0, start - _NEAR) : start]) is not None


def alone_on_lines(text: bytes, start: int, end: int) -> bool:
    """Whether a number that is split over lines is no part of a column: the lines around it are no numbers.

    Args:
        text: normalised.
        start, end: of the number.
    """
    before = text[max(0, start - 80) : start].split(b"\n")
    after = text[end : end + 80].split(b"\n")
    above = before[-2].strip() if len(before) > 1 else b""
    below = after[1].strip() if len(after) > 1 else b""
    return not (above.isdigit() or below.isdigit())
