"""What the parts of a workbook mean: its first sheet, the texts that cells share, and which styles are days."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from muniment.core.errors import Malformed
from muniment.tables.package import Package, beside

_MOST_TEXTS: Final = 1_000_000
_MOST_STYLES: Final = 65_490
"""Source: Excel specifications and limits."""
_ESCAPED: Final = re.compile("_x([0-9A-Fa-f]{4})_")
"""ST_Xstring, ECMA-376 part 1, 22.9.2.19: a character by its number."""
_QUOTED: Final = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
# Formats that are there without being written down; ECMA-376 part 1, 18.8.30, with those of East Asian locales.
_DAYS: Final = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})


@dataclass(frozen=True, slots=True)
class Workbook:
    """What is needed to read the first visible sheet.

    Attributes:
        sheet: its part.
        texts: that cells name by number.
        days: numbers of the styles that show a number as a day or a time.
        since_1904: whether days are counted from 1904.
    """

    sheet: str
    texts: tuple[str, ...]
    days: frozenset[int]
    since_1904: bool


def open_workbook(package: Package) -> Workbook:
    """Find the sheet and what its cells refer to.

    Raises:
        Malformed: `file`.
    """
    root = _Relations()
    package.read("_rels/.rels", root)
    book = beside("", root.one("officeDocument"))
    sheets = _Sheets()
    package.read(book, sheets)
    folder, _, name = book.rpartition("/")
    relations = _Relations()
    package.read(f"{folder}/_rels/{name}.rels".lstrip("/"), relations)
    if sheets.first is None or sheets.first not in relations.targets:
        raise Malformed("has no sheet that can be seen", "file")
    texts, styles = _Texts(), _Styles()
    if target := relations.by_kind.get("sharedStrings"):
        package.read(beside(book, target), texts)
    if target := relations.by_kind.get("styles"):
        package.read(beside(book, target), styles)
    return Workbook(beside(book, relations.targets[sheets.first]), tuple(texts.found), styles.days(), sheets.since_1904)


def day_of(number: float, *, since_1904: bool) -> str:
    """A number that a style shows as a day, as a day or as a day and a time.

    Raises:
        ValueError: for a number that is no day, also for the 29th of February 1900, which spreadsheets alone know.

    >>> day_of(45657, since_1904=False), day_of(59, since_1904=False), day_of(0.5, since_1904=True)
    ('2024-12-31', '1900-02-28', '1904-01-01 12:00:00')
    """
    if not 0 <= number < 2_958_466 or (60 <= number < 61 and not since_1904):
        raise ValueError(number)
    first = datetime(1904, 1, 1) if since_1904 else datetime(1899, 12, 31 if number < 60 else 30)  # noqa: DTZ001
    found = first + timedelta(seconds=round(number * 86_400))
    return found.date().isoformat() if found.time() == first.time() else found.isoformat(" ")


def unescaped(text: str) -> str:
    """A text of a part without the escapes of characters that XML does not hold."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


@dataclass
class _Relations:
    """Where a part leads: targets by id, and the first of each kind."""

    targets: dict[str, str] = field(default_factory=dict)
    by_kind: dict[str, str] = field(default_factory=dict)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "Relationship" and attributes.get("TargetMode") != "External" and len(self.targets) < 10_000:
            target = attributes.get("Target", "")
            self.targets[attributes.get("Id", "")] = target
            self.by_kind.setdefault(attributes.get("Type", "").rpartition("/")[2], target)

    def end(self, name: str) -> None:
        """Nothing."""

    def text(self, text: str) -> None:
        """Nothing."""

    def one(self, kind: str) -> str:
        if kind not in self.by_kind:
            raise Malformed("is no workbook", "file")
        return self.by_kind[kind]


@dataclass
class _Sheets:
    first: str | None = None
    since_1904: bool = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "workbookPr":
            self.since_1904 = attributes.get("date1904", "0") in ("1", "true")
        elif name == "sheet" and self.first is None and attributes.get("state", "visible") == "visible":
            self.first = attributes.get("id")

    def end(self, name: str) -> None:
        """Nothing."""

    def text(self, text: str) -> None:
        """Nothing."""


@dataclass
class _Texts:
    """The shared texts: all of an item but what says how it is pronounced."""

    found: list[str] = field(default_factory=list)
    _pieces: list[str] = field(default_factory=list)
    _in_text: bool = False
    _aside: bool = False

    def start(self, name: str, attributes: dict[str, str]) -> None:  # noqa: ARG002 - as of `Handler`
        if name == "si":
            self._pieces = []
        elif name == "rPh":
            self._aside = True
        elif name == "t":
            self._in_text = not self._aside

    def end(self, name: str) -> None:
        if name == "si":
            if len(self.found) >= _MOST_TEXTS:
                raise Malformed(f"holds more than {_MOST_TEXTS:,} texts", "file")
            self.found.append(unescaped("".join(self._pieces)))
        elif name == "rPh":
            self._aside = False
        elif name == "t":
            self._in_text = False

    def text(self, text: str) -> None:
        if self._in_text:
            self._pieces.append(text)


@dataclass
class _Styles:
    """Formats by number, and the format of each style in order."""

    _named: dict[int, str] = field(default_factory=dict)
    _formats: list[int] = field(default_factory=list)
    _in_styles: bool = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "cellXfs":
            self._in_styles = True
        elif name == "numFmt" and len(self._named) < _MOST_STYLES:
            self._named[_number(attributes.get("numFmtId"))] = attributes.get("formatCode", "")
        elif name == "xf" and self._in_styles and len(self._formats) < _MOST_STYLES:
            self._formats.append(_number(attributes.get("numFmtId")))

    def end(self, name: str) -> None:
        if name == "cellXfs":
            self._in_styles = False

    def text(self, text: str) -> None:
        """Nothing."""

    def days(self) -> frozenset[int]:
        return frozenset(style for style, code in enumerate(self._formats) if self._shows_day(code))

    def _shows_day(self, code: int) -> bool:
        if code not in self._named:
            return code in _DAYS
        bare = _QUOTED.sub("", self._named[code][:1_000].partition(";")[0]).lower()
        return "general" not in bare and any(letter in bare for letter in "ymdhs")


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isascii() and text.isdecimal() and len(text) < 10 else 0
