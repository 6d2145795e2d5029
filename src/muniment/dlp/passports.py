"""Passport numbers: machine-readable zones with their check digits, and national forms after a word that says so.

Source: ICAO Doc 9303, part 3 §4.9 (check digits), part 4 (TD3) and part 5 (TD1).
"""

from __future__ import annotations

import bisect
import itertools
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final

import re2

from muniment.dlp.findings import PASSPORT, Finding

_DATES: Final = "[0-9]{6}[0-9][MFX<][0-9]{6}[0-9]"
# A zone is searched in text without blanks, in capitals.
_TD3: Final = re2.compile(rf"[A-Z0-9<]{{9}}[0-9][A-Z<]{{3}}{_DATES}[A-Z0-9<]{{14}}[0-9<][0-9]")
_TD1: Final = re2.compile(
    rf"[ACIP][A-Z0-9<][A-Z<]{{3}}[A-Z0-9<]{{9}}[0-9<][A-Z0-9<]{{15}}[\r\n]*{_DATES}[A-Z<]{{3}}[A-Z0-9<]{{11}}[0-9]"
)
_VALUES: Final = {letter: place for place, letter in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")} | {"<": 0}
_NAMES: Final = re2.compile(
    r"(?i)passports?|paszport|reisepass|passeport|pasaporte|passaport|paspoort|pasport|護照|护照|旅券|パスポート|паспорт"
)
_REACH: Final = 72
_DIGIT: Final = re.compile(rb"[0-9]")
_WORDS: Final = re.compile(rb"[0-9A-Za-z]+")
_SMALL: Final = frozenset(
    {b"no", b"nr", b"n", b"is", b"of", b"in", b"to", b"on", b"by", b"the", b"and", b"for", b"num"}
)
_WIDEST_HEAD: Final = 4_096
# How countries number passports; taken together, for a number seldom says whose it is.
NATIONAL: Final[dict[str, str]] = {
    "PL, IT, IE, JP, RO": "[A-Z]{2}[0-9]{7}",
    "DE": "[CFGHJK][CFGHJKLMNPRTVWXYZ0-9]{7}[0-9]{1,2}",
    "GB, US, CA (until 2023), IL": "[0-9]{9}",
    "FR": "[0-9]{2}[A-Z]{2}[0-9]{5}",
    "ES": "[A-Z]{3}[0-9]{6}",
    "NL": "[A-NP-Z]{2}[A-NP-Z0-9]{6}[0-9]",
    "US (since 2021), IN, AU, CH, AT, TR": "[A-Z][0-9]{7,8}",
    "CA, UA, BR, GR": "[A-Z]{2}[0-9]{6}",
    "CZ, SE, CN (since 2012)": "[0-9]{8}|[EG][0-9A-Z][0-9]{7}",
    "CA (since 2023)": "[A-Z][0-9]{6}[A-Z]{2}",
}
_NATIONAL: Final = re.compile("|".join(NATIONAL.values()).encode())


def check_digit(field: str) -> int:
    """The check digit of a field of a machine-readable zone.

    Args:
        field: capital letters, digits and `<`.

    Source: ICAO Doc 9303, part 3 §4.9: weights 7 3 1, letters from 10 on, modulo 10.

    >>> check_digit("L898902C3")
    6
    """
    return sum((7, 3, 1)[place % 3] * _VALUES[letter] for place, letter in enumerate(field)) % 10


def is_td3(line: str) -> bool:
    """Whether this is the second line of a passport's zone, by its four check digits or five.

    Args:
        line: 44 characters.
    """
    personal, digit = line[28:42], line[42]
    return (
        _agrees(line[0:9], line[9])
        and _agrees(line[13:19], line[19])
        and _agrees(line[21:27], line[27])
        and (_agrees(personal, digit) or (digit == "<" and not personal.strip("<")))
        and _agrees(line[0:10] + line[13:20] + line[21:43], line[43])
        and line[0] != "<"
    )


def is_td1(first: str, second: str) -> bool:
    """Whether these are the first two lines of a card's zone, by their four check digits.

    Args:
        first, second: 30 characters each.
    """
    # A number of more than nine characters goes on in the optional field, and its digit stands after it.
    number, digit = first[5:14], first[14]
    if digit == "<":
        rest = first[15:30].partition("<")[0]
        number, digit = number + "<" + rest[:-1], rest[-1:]
    return (
        _agrees(number, digit)
        and _agrees(second[0:6], second[6])
        and _agrees(second[8:14], second[14])
        and _agrees(first[5:30] + second[0:7] + second[8:15] + second[18:29], second[29])
        and first[5] != "<"
    )


def find_passports(text: bytes) -> Iterator[Finding]:
    """Places of passport numbers in a normalised text; a place inside a zone is one in the text without blanks."""
    if b"<" in text:
        yield from _zones(text)
    done = 0
    for word in _NAMES.finditer(text):
        place = max(word.end(), done)
        if _DIGIT.search(text, place, place + _REACH) is None:
            continue
        found = _national(text, place)
        if found is not None:
            done = found.end
            yield found


def is_national(token: bytes) -> bool:
    """Whether a word has the form of a passport number of some country, and is not a day.

    Args:
        token: capital letters and digits.
    """
    return _NATIONAL.fullmatch(token) is not None and not _is_day(token)


def _zones(text: bytes) -> Iterator[Finding]:
    packed, offsets = _packed(text)
    done = 0
    for match in _TD3.finditer(packed):
        if is_td3(match.group().decode("ascii")):
            done = match.end()
            yield Finding(PASSPORT, offsets(match.start()), offsets(done - 1) + 1)
    for match in _TD1.finditer(packed):
        said = re.sub(rb"[\r\n]", b"", match.group()).decode("ascii")
        if is_td1(said[:30], said[30:]):
            yield Finding(PASSPORT, offsets(match.start()), offsets(match.end() - 1) + 1)


def _packed(text: bytes) -> tuple[bytes, _Offsets]:
    """The text without blanks, in capitals, and where its bytes stood."""
    return text.translate(None, b" \t").upper(), _Offsets(text)


class _Offsets:
    """Where bytes of the packed text stand in the text, computed for those that are asked for."""

    __slots__ = ("_kept", "_text")
    BLOCK: Final = 4_096

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._kept: list[int] = []

    def __call__(self, place: int) -> int:
        """The offset in the text of byte `place` of the packed one."""
        if not self._kept:
            self._kept = list(itertools.accumulate(self._blocks(), initial=0))
        block = bisect.bisect_right(self._kept, place) - 1
        left = place - self._kept[block]
        for offset in range(block * self.BLOCK, len(self._text)):
            if self._text[offset] not in b" \t":
                if left == 0:
                    return offset
                left -= 1
        return len(self._text)

    def _blocks(self) -> Iterator[int]:
        """How many bytes of each block are kept."""
        for start in range(0, len(self._text), self.BLOCK):
            piece = self._text[start : start + self.BLOCK]
            yield len(piece) - piece.count(b" ") - piece.count(b"\t")


def _national(text: bytes, place: int) -> Finding | None:
    words = list(_WORDS.finditer(text, place, min(len(text), place + _REACH)))
    for number, word in enumerate(words):
        start, end = word.span()
        if text[end : end + 1].isalnum():
            continue
        if is_national(word[0].upper()):
            return Finding(PASSPORT, start, end)
        # "AB 1234567": short beginnings are written apart.
        following = words[number + 1] if number + 1 < len(words) else None
        if following is None or end - start > 3 or text[end : following.start()] not in (b" ", b"-"):
            continue
        if word[0].lower() in _SMALL or text[following.end() : following.end() + 1].isalnum():
            continue
        if is_national((word[0] + following[0]).upper()):
            return Finding(PASSPORT, start, following.end())
    return None


def find_in_columns(text: bytes) -> Iterator[Finding]:
    """Places of national passport numbers in a table whose first line names their column.

    Args:
        text: normalised; the whole of a file.
    """
    first = text.find(b"\n")
    if not 0 < first <= _WIDEST_HEAD:
        return
    head = text[:first]
    between = max((b",", b";", b"\t", b"|"), key=head.count)
    cells = head.split(between)
    columns = [place for place, cell in enumerate(cells) if len(cells) > 1 and _NAMES.search(cell) is not None]
    place = first + 1
    while columns and place < len(text):
        end = text.find(b"\n", place)
        end = len(text) if end < 0 else end
        row = text[place:end].split(between, max(columns) + 1) if end - place <= _WIDEST_HEAD else []
        for column in columns:
            if column < len(row) and is_national(row[column].strip(b" \"'\t\r").replace(b" ", b"").upper()):
                start = place + sum(len(cell) + 1 for cell in row[:column])
                yield Finding(PASSPORT, start, start + len(row[column]))
        place = end + 1


def _is_day(token: bytes) -> bool:
    if len(token) != 8 or not token.isdigit():
        return False
    for form in ("%Y%m%d", "%d%m%Y", "%m%d%Y"):
        try:
            if 1900 <= datetime.strptime(token.decode(), form).year <= 2100:  # noqa: DTZ007
                return True
        except ValueError:
            continue
    return False


def _agrees(field: str, digit: str) -> bool:
    return digit.isdigit() and check_digit(field) == int(digit)
