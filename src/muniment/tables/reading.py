"""From cells to rows: headings, values, faults and limits, the same for every format."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from muniment.core.errors import Malformed
from muniment.tables.table import Column, Table, Value


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a file is read.

    Attributes:
        file_bytes: of the file as it comes.
        rows: below the heading.
        unpacked_bytes: of what is packed inside the file.
        faults: that are named; after them reading stops.
    """

    file_bytes: int = 10 << 20
    rows: int = 20_000
    unpacked_bytes: int = 64 << 20
    faults: int = 1_000


LIMITS: Final = Limits()
_WIDEST: Final = 256
"""Cells of a row that are looked at."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: `number` as a spreadsheet numbers it (the heading is 1), `values` by the keys of the file's columns."""

    number: int
    values: Mapping[str, Value]

    def text(self, key: str, default: str = "") -> str:
        """A text; `default` where the file has no such column, "" where the cell is empty."""
        if key not in self.values:
            return default
        value = self.values[key]
        return "" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class RowFault:
    """What is wrong: the row as a spreadsheet numbers it, the column's key (or "" for the whole row), and why."""

    row: int
    column: str
    message: str

    def __str__(self) -> str:
        return f"row {self.row:,}{f', {self.column}' if self.column else ''}: {self.message}"


@dataclass(frozen=True, slots=True)
class Read:
    """What a file holds.

    Attributes:
        columns: keys of its columns, in its order, without those that are passed over.
        rows: those with nothing wrong.
        faults: what is wrong with the others, in order.
        whole: every row was looked at; false if there were more faults than are named.
    """

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    faults: tuple[RowFault, ...]
    whole: bool = True


def rows_of(table: Table, cells: Iterable[tuple[int, Sequence[str | RowFault]]], limits: Limits) -> Read:
    """Read the rows of a file from its cells.

    Args:
        table: what the rows are.
        cells: (number, texts) of each row of the file, the heading first; a fault for a cell that cannot be read.
        limits: of rows and faults.

    Raises:
        Malformed: `file` without rows or with too many; `row 1` for a heading that is none.
    """
    columns: list[Column | None] | None = None
    rows: list[Row] = []
    faults: list[RowFault] = []
    for number, texts in cells:
        if not any(isinstance(text, RowFault) or text.strip() for text in texts):
            continue
        if columns is None:
            columns = heading(table, texts)
            continue
        if len(rows) + len({fault.row for fault in faults}) >= limits.rows:
            raise Malformed(f"has more than {limits.rows:,} rows; split it", "file")
        row, wrong = _row(columns, number, texts)
        if wrong:
            faults += wrong
            if len(faults) >= limits.faults:
                return Read(_keys(columns), tuple(rows), tuple(faults[: limits.faults]), whole=False)
        else:
            rows.append(row)
    if columns is None:
        raise Malformed("is empty; the first row names columns", "file")
    if not rows and not faults:
        raise Malformed("holds no row below the heading", "file")
    return Read(_keys(columns), tuple(rows), tuple(faults))


def heading(table: Table, texts: Sequence[str | RowFault]) -> list[Column | None]:
    """The columns that a first row names; None for those that are passed over.

    Raises:
        Malformed: `row 1`, for a name that is no column's, one that comes twice, or a required one that is not there.
    """
    by_name: dict[str, Column] = {}
    for column in table.columns:
        by_name.setdefault(column.title.casefold(), column)
    by_name |= {column.key.casefold(): column for column in table.columns}
    found: list[Column | None] = []
    seen: set[str] = set()
    names = ", ".join(column.key for column in table.columns if column.given)
    for text in _trimmed(texts):
        if isinstance(text, RowFault):
            raise Malformed(text.message, "row 1")
        name = text.strip()
        named = by_name.get(name.casefold())
        if named is None:
            raise Malformed(f"{ascii(name)[:60]} is no column; there are {names}", "row 1")
        if named.key in seen:
            raise Malformed(f"names {named.key} twice", "row 1")
        seen.add(named.key)
        found.append(named if named.given else None)
    for column in table.columns:
        if column.required and column.given and column.key not in seen:
            raise Malformed(f"has no column {column.key}; every row needs it", "row 1")
    return found


class Bounded(io.RawIOBase):
    """A stream that gives no more than some bytes, and says so instead of ending early."""

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self._stream, self._limit, self._given = stream, limit, 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """See `RawIOBase`.

        Raises:
            Malformed: `file`, beyond the limit.
        """
        data = self._stream.read(min(len(buffer), 1 << 16))
        self._given += len(data)
        if self._given > self._limit:
            raise too_large(self._limit)
        buffer[: len(data)] = data
        return len(data)


def too_large(limit: int) -> Malformed:
    """What is said of a file beyond a limit of bytes."""
    return Malformed(f"is larger than {limit / (1 << 20):g} MiB", "file")


def _row(columns: Sequence[Column | None], number: int, texts: Sequence[str | RowFault]) -> tuple[Row, list[RowFault]]:
    cells = _trimmed(texts)
    if len(cells) > len(columns):
        return Row(number, {}), [RowFault(number, "", f"has {len(cells)} cells under {len(columns)} headings")]
    values: dict[str, Value] = {}
    faults: list[RowFault] = []
    for place, column in enumerate(columns):
        if column is None:
            continue
        text = cells[place] if place < len(cells) else ""
        if isinstance(text, RowFault):
            faults.append(RowFault(number, column.key, text.message))
            continue
        try:
            values[column.key] = column.read(text)
        except Malformed as error:
            faults.append(RowFault(number, column.key, error.reason))
    return Row(number, values), faults


def _trimmed(texts: Sequence[str | RowFault]) -> Sequence[str | RowFault]:
    """Without the empty cells at the end of a row."""
    end = min(len(texts), _WIDEST)
    while end and not isinstance(last := texts[end - 1], RowFault) and not last.strip():
        end -= 1
    return texts[:end] if end < _WIDEST else texts[: _WIDEST + 1]


def _keys(columns: Sequence[Column | None]) -> tuple[str, ...]:
    return tuple(column.key for column in columns if column is not None)
