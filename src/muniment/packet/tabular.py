"""The data beside the pages: CSV for spreadsheets, JSON for programs."""

from __future__ import annotations

import csv
import io
import json
from typing import Final

from muniment.packet.contents import Table

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def as_csv(table: Table) -> bytes:
    """RFC 4180, UTF-8. A cell that a spreadsheet would take for a formula begins with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(table.columns)
    writer.writerows([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in row] for row in table.rows)
    return out.getvalue().encode("utf-8", "backslashreplace")


def as_json(value: object) -> bytes:
    """Sorted and indented, UTF-8, with a newline at its end: the same value gives the same bytes."""
    return (json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode("utf-8", "backslashreplace")
