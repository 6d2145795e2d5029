"""The data beside the pages: CSV for spreadsheets, JSON for programs."""

from __future__ import annotations

import csv
import io
import json

from muniment.core.spreadsheet import guard
from muniment.packet.contents import Table


def as_csv(table: Table) -> bytes:
    """RFC 4180, UTF-8. Before what a spreadsheet would take for a formula, or begins with an apostrophe, stands one."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(table.columns)
    writer.writerows([guard(cell) for cell in row] for row in table.rows)
    return out.getvalue().encode("utf-8", "backslashreplace")


def as_json(value: object) -> bytes:
    """Sorted and indented, UTF-8, with a newline at its end: the same value gives the same bytes."""
    return (json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode("utf-8", "backslashreplace")
