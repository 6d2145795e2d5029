"""Text as detectors read it: writings that look the same to people become the same bytes.

What stands between letters without being seen is taken out; spaces, dashes and dots of all kinds become the plain
ones; digits of any script, and letters of full width, become ASCII. Everything else stays as it is.
"""

from __future__ import annotations

import unicodedata
from typing import Final

import re2

_UNSEEN: Final = (0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x3164, 0xFEFF, 0xFFA0)
_UNSEEN_RANGES: Final = ((0x180B, 0x180D), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0xFE00, 0xFE0F))
_DOTS: Final = (0xB7, 0x2022, 0x2024, 0x2027, 0x2219, 0x22C5, 0x30FB, 0xFF65)
_FULL_WIDTH: Final = (0xFF01, 0xFF5E)
"""The printable characters of ASCII, at this distance: U+FF01 is U+0021."""
_END: Final = 0x20000
"""No digit, space or dash stands beyond the first two planes."""


def _plain() -> dict[bytes, bytes]:
    """What each character that is not plain becomes, in UTF-8.

    Source: Unicode Character Database, general categories Zs and Pd and the property Decimal_Value; Unicode 15 §23.2
    for what is not seen.
    """
    found: dict[int, str] = dict.fromkeys(_UNSEEN, "")
    for first, last in _UNSEEN_RANGES:
        found.update(dict.fromkeys(range(first, last + 1), ""))
    for code in range(0x80, _END):
        category = unicodedata.category(chr(code))
        if category == "Nd":
            found[code] = str(unicodedata.decimal(chr(code)))
        elif category == "Zs":
            found[code] = " "
        elif category == "Pd":
            found[code] = "-"
        elif category in ("Zl", "Zp"):
            found[code] = "\n"
    found.update(dict.fromkeys(_DOTS, "."))
    found[0x2212] = "-"
    found[0x85] = "\n"
    found.update({code: chr(code - 0xFEE0) for code in range(_FULL_WIDTH[0], _FULL_WIDTH[1] + 1)})
    return {chr(code).encode(): plain.encode() for code, plain in found.items()}


_PLAIN: Final = _plain()
_ANY: Final = re2.compile("[" + "".join(rf"\x{{{ord(one.decode()):x}}}" for one in sorted(_PLAIN)) + "]")


def normalised(text: bytes) -> bytes:
    """Text as detectors read it.

    Args:
        text: UTF-8.

    >>> normalised("４１１１\u200b–\u00a01111".encode())
    b'4111- 1111'
    """
    if text.isascii():
        return text
    parts, done = [], 0
    for match in _ANY.finditer(text):
        start, end = match.span()
        parts += [text[done:start], _PLAIN[text[start:end]]]
        done = end
    return b"".join([*parts, text[done:]]) if parts else text
