"""Card numbers and PESELs as they stand in texts: whole, in groups, digit by digit, over two lines, or after a name.

Both are digits with a check digit, written in the same ways, so one pass over the text finds the places of both. Each
expression is run by RE2 in time proportional to the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

import re2

from muniment.dlp.cards import beginnings, is_card_number
from muniment.dlp.findings import PAN, PESEL, Finding
from muniment.dlp.pesel import DAY, MONTH, is_pesel
from muniment.dlp.surroundings import alone_on_lines, is_dashed_on, is_fraction, led_to

_B: Final = beginnings()
_S: Final = r"[ \t\r\n./_-]{1,3}"
_LED: Final = r"(?:\b|_|(?i:card|pan|visa|karty?|nr|no|pesel))"
_NEWLINE: Final = r"[ \t]{0,8}[-\\]?[ \t]{0,8}\r?\n[ \t]{0,8}"
_WHOLE: Final = re2.compile(rf"{_LED}(?:{_B}[0-9]{{11,17}}|[0-9]{{2}}{MONTH}{DAY}[0-9]{{5}})(?:\b|_)")
# A row or a column of groups is taken at once, however long: it is no number then.
_GROUPED: Final = re2.compile(
    rf"{_LED}(?:[0-9]{{4}}(?:{_S}[0-9]{{4}}){{3,}}(?:{_S}[0-9]{{3}})?|{_B}[0-9]{{2}}{_S}[0-9]{{6}}{_S}[0-9]{{4,5}}"
    rf"|[0-9]{{2}}{MONTH}{DAY}{_S}[0-9]{{5}}|[0-9]{{2}}{_S}{MONTH}{_S}{DAY}{_S}[0-9]{{5}}"
    rf"|[0-9](?:{_S}[0-9]){{10,}}|{_B}(?:{_S}[0-9]{{2}}){{6,}}(?:{_S}[0-9])?)\b"
)
# Two lines that have eleven digits together at least, and with them the whole column.
_SPLIT: Final = re2.compile(
    rf"{_LED}(?:"
    + "|".join(f"[0-9]{{{first}}}{_NEWLINE}[0-9]{{{11 - first},16}}" for first in range(3, 8))
    + rf"|[0-9]{{8,16}}{_NEWLINE}[0-9]{{3,16}})(?:{_NEWLINE}[0-9]{{3,16}})*\b"
)
_NAMED: Final = re2.compile(
    r"(?i)\b(?:cards?|pan|visa|master ?card|amex|kart[aąyeę]|tarjeta|kreditkarte|pesel)\b[^0-9]{0,40}"
    r"[0-9](?:[ \t\r\n./_-]{0,3}[0-9]){10,18}\b"
)
_NAMES: Final = re.compile(rb"(?i)card|kart|visa|amex|tarjeta|\bpan\b|\bcc\b|pesel")
_TELEPHONE: Final = re.compile(rb"(?i)(?:\+ ?|\b(?:tel|telefon|phone|fax|mobile|kom)\.?:? ?\+?)\Z")
_BETWEEN: Final = re.compile(rb"[^0-9]+")
_DASHED: Final = re.compile(rb"-[0-9A-Za-z]")
_DIGITS: Final = re.compile(rb"[0-9]+")
_LONGEST: Final = 19 * 4
"""Bytes of the longest number as it is written."""


def find_numbers(text: bytes, *, today: date) -> Iterator[Finding]:
    """Places of card numbers and PESELs in a normalised text; they may overlap.

    Args:
        text: normalised.
        today: nobody born later has a PESEL.
    """
    for match in _WHOLE.finditer(text):
        start, end = _digits_of(text, match.span())
        kind = _kind(text[start:end], today)
        if kind and not is_fraction(text, start, end) and _is_own(kind, text, start, end):
            yield Finding(kind, start, end)
    for match in _GROUPED.finditer(text):
        start, end = _digits_of(text, match.span())
        yield from _grouped(text, start, end, today)
    for match in _SPLIT.finditer(text):
        start, end = _digits_of(text, match.span())
        if end - start > _LONGEST or text.count(b"\n", start, end) > 1:
            continue
        kind = _kind(_BETWEEN.sub(b"", text[start:end]), today)
        joined = is_fraction(text, start, end) or _DASHED.match(text[end : end + 2]) is not None
        if kind and not joined and _is_together(text, start, end):
            yield Finding(kind, start, end)
    for match in _NAMED.finditer(text):
        start, end = _digits_of(text, match.span())
        digits = _BETWEEN.sub(b"", text[start:end])
        if (kind := _kind(digits, today)) and (kind == PAN or len(digits) == 11):
            yield Finding(kind, start, end)


def _grouped(text: bytes, start: int, end: int, today: date) -> Iterator[Finding]:
    """Numbers in something that was written in groups."""
    if end - start > _LONGEST:
        return
    places = [(start + one.start(), start + one.end()) for one in _DIGITS.finditer(text[start:end])]
    lengths = [last - first for first, last in places]
    if lengths[:4] == [4, 4, 4, 4]:
        for count in (5, 4):
            for first in range(len(places) - count + 1):
                told = len(places) <= 5 or led_to(text, start, _NAMES)
                if told and _is_row(text, places[first : first + count], today):
                    yield Finding(PAN, places[first][0], places[first + count - 1][1])
                    return
        return
    kind = _kind(_BETWEEN.sub(b"", text[start:end]), today)
    if kind and _is_uniform(text[start:end]) and _is_own(kind, text, start, end) and _is_together(text, start, end):
        yield Finding(kind, start, end)


def _is_row(text: bytes, places: list[tuple[int, int]], today: date) -> bool:
    """Whether groups of four digits, and perhaps three more, are a card number."""
    start, end = places[0][0], places[-1][1]
    written = text[start:end]
    if _kind(_BETWEEN.sub(b"", written), today) != PAN or not _is_uniform(written):
        return False
    if b"-" in written and is_dashed_on(text, start, end):
        return False
    return _is_together(text, start, end)


def _kind(digits: bytes, today: date) -> str:
    if len(digits) == 11:
        return PESEL if is_pesel(digits, today=today) else ""
    return PAN if is_card_number(digits) else ""


def _is_own(kind: str, text: bytes, start: int, end: int) -> bool:
    """Whether it is a number of its own: no part of something that dashes join, and none to call somebody by."""
    if is_dashed_on(text, start, end):
        return False
    return kind != PESEL or _TELEPHONE.search(text[max(0, start - 16) : start]) is None


def _is_uniform(written: bytes) -> bool:
    """Whether the same kind of thing stands between all groups; a line may end in a dash."""
    kinds = {between.strip(b" \t\r\n") for between in _BETWEEN.findall(written)}
    return len(kinds) == 1 or kinds == {b"", b"-"}


def _is_together(text: bytes, start: int, end: int) -> bool:
    """Whether what is split over lines is one number, and not a piece of a column."""
    if b"\n" not in text[start:end] or b"-" in text[start:end]:
        return True
    return led_to(text, start, _NAMES) or alone_on_lines(text, start, end)


def _digits_of(text: bytes, span: tuple[int, int]) -> tuple[int, int]:
    """The span from its first digit to its last."""
    start, end = span
    while not 48 <= text[start] <= 57:
        start += 1
    while not 48 <= text[end - 1] <= 57:
        end -= 1
    return start, end
