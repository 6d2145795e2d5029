"""Controls as a table: CSV that is read row by row, and written so that it can be read again."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from muniment.core.errors import Malformed
from muniment.core.spreadsheet import guard, unguard

COLUMNS: Final = ("id", "statement", "owner", "frequency", "procedure", "criteria", "status", "reason")
"""`id` must be there; a column that is left out leaves controls that are there as they are."""
MAX_BYTES: Final = 1 << 20
MAX_ROWS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table.

    Attributes:
        number: of the line on which it begins, from 1.
        cells: by column; only columns that the table has.
    """

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a row: its line, the column (or "") and why."""

    line: int
    field: str
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}{f', {self.field}' if self.field else ''}: {self.reason}"


def read_table(text: str) -> list[Line]:
    """The rows of a table whose first line names its columns.

    Args:
        text: CSV (RFC 4180), at most 1 MiB as UTF-8.

    Raises:
        Malformed: naming the line, if it is no such table.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise Malformed("is larger than 1 MiB", "csv")
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    lines: list[Line] = []
    names: list[str] | None = None
    begins = 1
    try:
        for row in reader:
            at, begins = begins, reader.line_num + 1
            if not any(cell.strip() for cell in row):
                continue
            if names is None:
                names = _names(row)
                continue
            if len(row) != len(names):
                raise Malformed(f"has {len(row)} cells where the first line names {len(names)} columns", f"line {at}")
            if len(lines) == MAX_ROWS:
                raise Malformed(f"has more than {MAX_ROWS:,} rows", "csv")
            lines.append(Line(at, {name: unguard(cell.strip()) for name, cell in zip(names, row, strict=True)}))
    except csv.Error as error:
        raise Malformed(f"is no CSV: {error}", f"line {reader.line_num}") from None
    if not lines:
        raise Malformed("holds no rows: the first line names columns, each other line is a control", "csv")
    return lines


def write_table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """A table in pieces, the line of its columns first; cells that a spreadsheet takes for formulas are disarmed.

    Args:
        names: of the columns.
        rows: cells; None is an empty one.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for row in (names, *rows):
        writer.writerow([guard("" if cell is None else str(cell)) for cell in row])
        yield out.getvalue()
        out.seek(0)
        out.truncate()


def _names(row: Sequence[str]) -> list[str]:
    names = [cell.strip().lower() for cell in row]
    for name in names:
        if name not in COLUMNS:
            raise Malformed(f"{ascii(name)[:40]} is no column; there are {', '.join(COLUMNS)}", "line 1")
        if names.count(name) > 1:
            raise Malformed(f"names {name} twice", "line 1")
    if "id" not in names:
        raise Malformed("has no column id", "line 1")
    return names
