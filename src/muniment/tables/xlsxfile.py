"""Tables as XLSX: the first sheet read row by row within limits, and sheets written whose cells are values alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import BinaryIO, Final

import xlsxwriter

from muniment.core.errors import Malformed
from muniment.tables.package import Package
from muniment.tables.reading import LIMITS, Limits, Read, RowFault, rows_of
from muniment.tables.table import LONGEST, Table, text_of
from muniment.tables.workbook import Workbook, day_of, open_workbook, unescaped

_WIDEST: Final = 256
"""Columns that are looked at."""
_MOST_ROWS: Final = 1_048_576
"""Rows of a sheet. Source: Excel specifications and limits."""
_CELL: Final = re.compile("([A-Z]{1,3})([0-9]{1,7})", re.ASCII)
_MOST_CELLS: Final = 16_384
"""Cells of a row. Source: as above."""
# The file's own date; without one it would be the clock's, and the same rows would give other bytes.
_CREATED: Final = datetime(1980, 1, 1)  # noqa: DTZ001


def read_xlsx(stream: BinaryIO, table: Table, limits: Limits = LIMITS) -> Read:
    """Read the first visible sheet of a workbook.

    A cell with a formula is a fault: what it gave when it was last saved is not taken for a value.

    Args:
        stream: the file.
        table: what its rows are.
        limits: how much of it is read. They are checked before anything is unpacked.

    Raises:
        Malformed: `file` if it is no workbook, holds too much, or has too many rows.

    Source: ECMA-376 part 1, 18.3 (sheets), 18.4 (shared texts), 18.8 (styles).
    """
    package = Package(stream, limits)
    book = open_workbook(package)
    return rows_of(table, _cells(package, book), limits)


def write_xlsx(
    table: Table, rows: Iterable[Mapping[str, object]], out: BinaryIO, columns: Sequence[str] | None = None
) -> int:
    """Write a workbook with one sheet; the same rows give the same bytes.

    Args:
        table: what the rows are.
        rows: values by column; what is missing is empty.
        out: where to; seekable.
        columns: keys of those that are written, in this order; None for all.

    Returns:
        How many rows were written.

    Raises:
        Malformed: for a column that the table does not have, a text that no cell holds, or more rows than a sheet has.
    """
    chosen = table.chosen(columns)
    book = xlsxwriter.Workbook(out, {"constant_memory": True})
    book.set_properties({"created": _CREATED})
    sheet = book.add_worksheet(table.name[:31])
    bold = book.add_format({"bold": True})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    sheet.freeze_panes(1, 0)
    for place, column in enumerate(chosen):
        width = 48 if column.kind == "prose" else 12 if column.kind in ("date", "integer", "yesno") else 22
        sheet.set_column(place, place, width)
        sheet.write_string(0, place, table.title_of(column), bold)
    count = 0
    for row in rows:
        count += 1
        if count >= _MOST_ROWS:
            raise Malformed(f"has more than {_MOST_ROWS - 1:,} rows; narrow the filter, or take CSV", "file")
        for place, column in enumerate(chosen):
            value = row.get(column.key)
            if value is None or value == "":
                continue
            if isinstance(value, datetime):
                # A cell has no zone: times are written as UTC.
                sheet.write_datetime(count, place, value.astimezone(UTC).replace(tzinfo=None, microsecond=0), moment)
            elif isinstance(value, date):
                sheet.write_datetime(count, place, datetime.combine(value, time()), day)
            elif isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**15:
                sheet.write_number(count, place, value)
            else:
                text = text_of(value)
                if len(text) > LONGEST:
                    raise Malformed(f"row {count + 1:,} has more than {LONGEST:,} characters; take CSV", column.key)
                # Said to be a text: no cell of it is a formula or a link, whatever it begins with.
                sheet.write_string(count, place, text, wrapped if column.kind == "prose" else None)
    book.close()
    return count


def _cells(package: Package, book: Workbook) -> Iterator[tuple[int, Sequence[str | RowFault]]]:
    sheet = _Sheet(book)
    last = 0
    for _ in package.stream(book.sheet, sheet):
        for number, cells in sheet.taken():
            if number <= last:
                raise Malformed(f"holds row {number:,} after row {last:,}", "file")
            last = number
            if cells:
                width = max(cells) + 1
                yield number, [cells.get(place, "") for place in range(width)]


@dataclass
class _Sheet:
    """The rows of a sheet as they end: cells by their place from 0."""

    book: Workbook
    _done: list[tuple[int, dict[int, str | RowFault]]] = field(default_factory=list)
    _cells: dict[int, str | RowFault] = field(default_factory=dict)
    _row: int = 0
    _place: int = -1
    _met: int = 0
    _kind: str = "n"
    _style: int = 0
    _formula: bool = False
    _reads: bool = False
    _pieces: list[str] = field(default_factory=list)
    _aside: bool = False

    def taken(self) -> list[tuple[int, dict[int, str | RowFault]]]:
        done, self._done = self._done, []
        return done

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "row":
            self._row = _count(attributes.get("r"), self._row + 1)
            self._cells, self._place, self._met = {}, -1, 0
        elif name == "c":
            self._met += 1
            if self._met > _MOST_CELLS:
                raise Malformed(f"holds more than {_MOST_CELLS:,} cells in row {self._row:,}", "file")
            self._place = _place(attributes.get("r"), self._row, self._place + 1)
            self._kind = attributes.get("t", "n")
            self._style = _count(attributes.get("s"), 0)
            self._formula, self._pieces = False, []
        elif name == "f":
            self._formula = True
        elif name == "rPh":
            self._aside = True
        elif name == "v" or (name == "t" and self._kind == "inlineStr"):
            self._reads = not self._aside

    def end(self, name: str) -> None:
        if name == "c":
            text = self._text("".join(self._pieces))
            if self._place > _WIDEST:
                text = text and RowFault(self._row, "", f"has a cell beyond column {_WIDEST}")
                self._place = _WIDEST
            if text:
                self._cells[self._place] = text
        elif name == "row":
            self._done.append((self._row, self._cells))
            self._cells = {}
        elif name == "rPh":
            self._aside = False
        elif name in ("v", "t"):
            self._reads = False

    def text(self, text: str) -> None:
        if self._reads:
            self._pieces.append(text)

    def _text(self, raw: str) -> str | RowFault:
        """A cell as the text that a person would have typed."""
        if self._formula:
            return RowFault(self._row, "", "holds a formula; put the value itself there")
        if not raw:
            return ""
        if self._kind in ("inlineStr", "str"):
            return unescaped(raw)
        if self._kind == "e":
            return RowFault(self._row, "", f"holds the error {ascii(raw)[:20]}")
        try:
            if self._kind == "s":
                return self.book.texts[_count(raw, len(self.book.texts))]
            if self._kind == "b":
                return {"0": "no", "1": "yes"}[raw]
            if self._kind == "d":
                return raw.partition("T")[0] if raw.partition("T")[2].strip("0:.Z") == "" else raw
            return self._number(float(raw))
        except (ValueError, IndexError, KeyError, OverflowError):
            return RowFault(self._row, "", "cannot be read")

    def _number(self, number: float) -> str:
        if self._style in self.book.days:
            return day_of(number, since_1904=self.book.since_1904)
        return str(int(number)) if number.is_integer() and abs(number) < 10**15 else repr(number)


def _place(reference: str | None, row: int, following: int) -> int:
    """The column of a cell from 0; the one after the cell before it where the cell does not say."""
    if reference is None:
        return following
    found = _CELL.fullmatch(reference)
    if found is None or int(found[2]) != row:
        raise Malformed(f"holds a cell {ascii(reference)[:20]} in row {row:,}", "file")
    place = 0
    for letter in found[1]:
        place = place * 26 + ord(letter) - 64
    return place - 1


def _count(text: str | None, otherwise: int) -> int:
    if text is None:
        return otherwise
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise Malformed(f"holds {ascii(text)[:20]} where a number stands", "file")
    return int(text)
