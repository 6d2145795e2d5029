"""Tables as CSV (RFC 4180, UTF-8): read row by row, and written so that no spreadsheet runs a cell."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO, Final

from muniment.core.errors import Malformed
from muniment.core.spreadsheet import guard, unguard
from muniment.tables.reading import LIMITS, Bounded, Limits, Read, RowFault, rows_of
from muniment.tables.table import Table, text_of

_SEPARATORS: Final = (",", ";", "\t")
"""Spreadsheets write the second where a comma parts the decimals, and the third as "text"."""
_FIRST_LINE: Final = 1 << 16


def read_csv(stream: BinaryIO, table: Table, limits: Limits = LIMITS) -> Read:
    """Read a table.

    Args:
        stream: UTF-8, with or without a mark before it; parted as its first row is, by commas, semicolons or tabs.
        table: what its rows are.
        limits: how much of it is read.

    Raises:
        Malformed: `file` if it is no text, too large, or has too many rows; `row N` if it is no CSV from there on.
    """
    buffered = io.BufferedReader(Bounded(stream, limits.file_bytes), _FIRST_LINE)
    separator = _separator(buffered.peek(_FIRST_LINE)[:_FIRST_LINE])
    text = io.TextIOWrapper(buffered, encoding="utf-8-sig", errors="strict", newline="")
    try:
        return rows_of(table, _cells(text, separator), limits)
    except UnicodeDecodeError:
        raise Malformed("is not UTF-8; save it as “CSV UTF-8”", "file") from None


def write_csv(
    table: Table, rows: Iterable[Mapping[str, object]], columns: Sequence[str] | None = None
) -> Iterator[bytes]:
    """A table in pieces, the heading first; every cell is quoted and guarded.

    Args:
        table: what the rows are.
        rows: values by column; what is missing is empty.
        columns: keys of those that are written, in this order; None for all.

    Raises:
        Malformed: for a column that the table does not have.
    """
    chosen = table.chosen(columns)
    yield _line([column.key for column in chosen])
    for row in rows:
        yield _line([text_of(row.get(column.key)) for column in chosen])


def _line(cells: Sequence[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow([guard(cell) for cell in cells])
    return out.getvalue().encode("utf-8", "backslashreplace")


def _cells(text: io.TextIOWrapper, separator: str) -> Iterator[tuple[int, Sequence[str | RowFault]]]:
    number = 0
    reader = csv.reader(text, delimiter=separator, strict=True)
    while True:
        number += 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise Malformed(f"is no CSV: {error}", f"row {number}") from None
        yield number, [unguard(cell) for cell in row]


def _separator(beginning: bytes) -> str:
    """What parts the cells of the first row: whichever stands most often in it."""
    line = beginning.lstrip(b"\xef\xbb\xbf \t\r\n").splitlines()[:1]
    first = line[0].decode("utf-8", "replace") if line else ""
    return max(_SEPARATORS, key=first.count)
