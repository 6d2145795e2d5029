"""What the operations of tables give, for the description of the API."""

from __future__ import annotations

from typing import Any

from ninja import Schema


class TableColumnOut(Schema):
    """A column: the heading of a file, what its cells hold, and whether an import may bring it."""

    key: str
    title: str
    kind: str
    required: bool
    choices: list[str]
    given: bool


class TableOut(Schema):
    """A table: its columns, the parameters by which it can be narrowed, and those by which it can be sorted."""

    table: str
    title: str
    columns: list[TableColumnOut]
    filters: list[str]
    sorts: list[str]
    imported: bool


class TableList(Schema):
    """The tables of the tenant's registers."""

    tables: list[TableOut]


class TableRowsOut(Schema):
    """A page of rows by column keys, and the cursor of the page after it (null at the end)."""

    table: str
    rows: list[dict[str, Any]]
    next: str | None


class RowFaultOut(Schema):
    """What is wrong: the row as a spreadsheet numbers it (the heading is 1), the column (or "") and why."""

    row: int
    column: str
    message: str


class FileImportOut(Schema):
    """What a file did, or would do: `kept` is false after a dry run, `whole` if reading stopped at the faults."""

    kept: bool
    rows: int
    added: int
    changed: int
    unchanged: int
    sha256: str
    faults: list[RowFaultOut]
    whole: bool
