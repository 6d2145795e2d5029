"""Texts of others as the pages can show them: what no font has, or what would mislead the eye, as its code point."""

from __future__ import annotations

import re
from typing import Final

MAX_SHOWN: Final = 1_200
"""Characters of a text that a page shows; the attached document has all of it."""
WIDE_RUN: Final = 34
NARROW_RUN: Final = 16
"""Letters without a place to break after which one is made: in text, and in narrow cells."""

# What the fonts that typst brings can show (Libertinus Serif, DejaVu Sans Mono), each tried under PDF/A-3a: Latin,
# Greek, Cyrillic, Hebrew, Arabic letters, punctuation, currencies, arrows, operators.
_RANGES: Final = (
    "0020-007E 00A1-00AC 00AE-024F 0370-0377 037A-037F 0384-038A 038C-038C 038E-03A1 03A3-0482 048A-04FF 0510-0513 "
    "051A-051D 05D0-05EA 05EF-05F4 0606-060C 061B-061B 061F-061F 0621-063A 0640-064A 0660-066D 0674-0674 0679-067B "
    "067E-0680 0683-0684 0686-0687 0691-0691 0698-0698 06A4-06A4 06A9-06A9 06AF-06AF 06BE-06BE 06CC-06CC 06F0-06F9 "
    "1E00-1EFF 2010-2010 2012-2027 2030-2040 2042-2042 2044-2052 2054-205E 20A0-20BF 2190-226F"
)
SHOWABLE: Final = tuple((int(low, 16), int(high, 16)) for low, high in (one.split("-") for one in _RANGES.split()))
_CLASS: Final = "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in SHOWABLE)
_OTHER: Final = re.compile(f"[^{_CLASS}\n]")
_BEYOND_ASCII: Final = re.compile("[^ -~\n]")
_BREAK: Final = "\u200b"


def shown(text: str, *, plain: bool = False, most: int = MAX_SHOWN, run: int = WIDE_RUN) -> str:
    r"""A text as it stands on a page.

    Args:
        text: whatever somebody wrote.
        plain: show nothing but ASCII as it is, for texts whose letters no single font can set together.
        most: characters that are shown.
        run: letters without a place to break after which one is made.

    >>> shown("a\u202eb\x07")
    'a[U+202E]b[U+0007]'
    """
    cut = len(text) > most
    clean = text[:most].replace("\r\n", "\n").replace("\t", " ")
    clean = (_BEYOND_ASCII if plain else _OTHER).sub(lambda found: f"[U+{ord(found[0]):04X}]", clean)
    clean = re.sub(rf"\S{{{run}}}(?=\S)", lambda found: found[0] + _BREAK, clean)
    return f"{clean} [… {len(text):,} characters in all]" if cut and not plain else clean
