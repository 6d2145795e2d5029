"""What a table is: its columns, what a cell of each may hold, and how that is written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final, Literal, TypeAlias

from muniment.core.errors import Malformed

Kind = Literal["text", "prose", "choice", "list", "date", "integer", "yesno", "time"]
"""`text` is one line, `prose` may be several, `list` holds ids parted by white space, commas or semicolons, `time` is
a moment of UTC."""
Value: TypeAlias = str | int | bool | date | tuple[str, ...] | None
"""What reading gives for a cell; None is an empty one."""

LONGEST: Final = 32_767
"""Characters that a cell of a spreadsheet holds. Source: Excel specifications and limits."""
_YES: Final = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,15}", re.ASCII)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2})?Z?)?", re.ASCII)
_PARTED: Final = re.compile(r"[\s,;]+")


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        key: its name for programs, and the heading of CSV.
        title: its name for people, and the heading of XLSX. Reading takes either, in any capitals.
        kind: what its cells hold.
        required: every row must have a value, and the file the column.
        choices: what a `choice` may be, in any capitals.
        longest: characters of a text, or items of a list, at most.
        given: an import may bring it. What the program works out is written, and passed over when it is read again.
        help: what stands beside it on the import page.
    """

    key: str
    title: str
    kind: Kind = "text"
    required: bool = False
    choices: tuple[str, ...] = ()
    longest: int = 200
    given: bool = True
    help: str = ""

    def read(self, text: str) -> Value:
        """The value of a cell from its text.

        Raises:
            Malformed: saying what a cell of this column holds.
        """
        plain = text.strip()
        if not plain:
            if self.required:
                raise Malformed("is empty; every row needs it", self.key)
            return None
        if self.kind == "integer":
            if not _INTEGER.fullmatch(plain):
                raise Malformed("is no whole number", self.key)
            return int(plain)
        if self.kind == "yesno":
            if plain.lower() not in _YES:
                raise Malformed("is yes or no", self.key)
            return _YES[plain.lower()]
        if self.kind == "date":
            return self._date(plain)
        if self.kind == "time":
            return self._time(plain)
        if self.kind == "choice":
            return self._choice(plain)
        if self.kind == "list":
            items = tuple(dict.fromkeys(item for item in _PARTED.split(plain) if item))
            if len(items) > self.longest:
                raise Malformed(f"names {len(items):,}; at most {self.longest:,}", self.key)
            _check_characters(plain, self.key, lines=True)
            return items
        if len(plain) > self.longest:
            raise Malformed(f"has {len(plain):,} characters; at most {self.longest:,}", self.key)
        _check_characters(plain, self.key, lines=self.kind == "prose")
        return plain.replace("\r\n", "\n").replace("\r", "\n")

    def _date(self, text: str) -> date:
        try:
            if not _DATE.fullmatch(text):
                raise ValueError
            return date.fromisoformat(text)
        except ValueError:
            raise Malformed("is no day; write 2026-12-31", self.key) from None

    def _time(self, text: str) -> datetime:
        try:
            if not _TIME.fullmatch(text):
                raise ValueError
            found = datetime.fromisoformat(text)
        except ValueError:
            raise Malformed("is no time of UTC; write 2026-12-31 14:30", self.key) from None
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)

    def _choice(self, text: str) -> str:
        found = next((one for one in self.choices if one.casefold() == text.casefold()), None)
        if found is None:
            raise Malformed(f"is one of {', '.join(self.choices)}", self.key)
        return found


@dataclass(frozen=True, slots=True)
class Table:
    """A table by the name of what its rows are.

    Attributes:
        name: such as `assets`; the name of files and of the sheet.
        columns: in the order in which they are written.
    """

    name: str
    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        keys = [column.key for column in self.columns]
        if len(set(keys)) != len(keys):
            raise ValueError(f"{self.name} has a column twice")

    def column(self, key: str) -> Column:
        """The column with a key.

        Raises:
            Malformed: if there is none.
        """
        found = next((column for column in self.columns if column.key == key), None)
        if found is None:
            raise Malformed(f"{ascii(key)[:60]} is no column of {self.name}", "columns")
        return found

    def title_of(self, column: Column) -> str:
        """The heading of a column for people: its title, or its key where another column goes by that title."""
        others = [one for one in self.columns if one is not column]
        taken = any(column.title.casefold() in (one.key.casefold(), one.title.casefold()) for one in others)
        return column.key if taken else column.title

    def chosen(self, keys: Sequence[str] | None) -> tuple[Column, ...]:
        """The columns with some keys in the order of the keys; all of them for None.

        Raises:
            Malformed: for a key of no column, or one that comes twice.
        """
        if keys is None:
            return self.columns
        if len(set(keys)) != len(keys):
            raise Malformed("names a column twice", "columns")
        return tuple(self.column(key) for key in keys)


def text_of(value: object) -> str:
    """A value as the text of a cell, which `Column.read` takes back.

    >>> text_of(None), text_of(True), text_of(("a", "b")), text_of(date(2026, 1, 31))
    ('', 'yes', 'a b', '2026-01-31')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple | set | frozenset):
        return " ".join(str(item) for item in value)
    return str(value)


def _check_characters(text: str, key: str, *, lines: bool) -> None:
    """Refuse what no database keeps and no page shows."""
    for letter in text:
        if letter.isprintable() or letter in "\t\u200c\u200d\u200e\u200f\u00a0\u202f" or letter.isspace():
            if letter in "\r\n\u2028\u2029\x0b\x0c\x85" and not lines:
                raise Malformed("holds a line break; it is one line", key)
            if letter not in "\x1c\x1d\x1e\x1f\x0b\x0c\x85":
                continue
        raise Malformed(f"holds the character U+{ord(letter):04X}, which is not text", key)
