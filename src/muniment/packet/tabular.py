"""The data beside the pages: CSV for spreadsheets, JSON for programs, Markdown for notes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Final

from muniment.core.spreadsheet import guard
from muniment.packet.contents import Extract, Table

_MARKUP: Final = frozenset("\\`*_{}[]()<>#+!|~&:@$-=")


def as_csv(table: Table) -> bytes:
    """RFC 4180, UTF-8. Before what a spreadsheet would take for a formula, or begins with an apostrophe, stands one."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(table.columns)
    writer.writerows([guard(cell) for cell in row] for row in table.rows)
    return out.getvalue().encode("utf-8", "backslashreplace")


def as_markdown(extract: Extract) -> bytes:
    """A heading, what it shows, and a table, UTF-8. Nothing in a cell begins a table, a link, a tag or other markup."""
    lines = [f"## {_plain(extract.title)}", "", _plain(extract.said), ""]
    lines += [f"- {_plain(name)}: {_plain(value)}" for name, value in extract.counters]
    if extract.table is None:
        return ("\n".join([*lines, "Not supplied."]) + "\n").encode()
    lines += [""] if extract.counters else []
    lines += [_row(extract.table.columns), _row(["---"] * len(extract.table.columns), escaped=False)]
    lines += [_row(row) for row in extract.table.rows]
    return ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace")


def _row(cells: Sequence[str], *, escaped: bool = True) -> str:
    return f"| {' | '.join(_plain(cell) if escaped else cell for cell in cells)} |"


def _plain(text: str) -> str:
    """A text on one line; what is markup has a backslash before it, what cannot be seen stands as its code point."""
    shown = (letter if letter.isprintable() else f"[U+{ord(letter):04X}]" for letter in " ".join(text.split()))
    return "".join("".join(f"\\{one}" if one in _MARKUP else one for one in piece) for piece in shown)


def as_json(value: object) -> bytes:
    """Sorted and indented, UTF-8, with a newline at its end: the same value gives the same bytes."""
    return (json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode("utf-8", "backslashreplace")
