"""Taking out exactly what a list shows, as CSV or XLSX; recorded."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from typing import Final

from asgiref.sync import sync_to_async
from django.http import HttpResponseBase, StreamingHttpResponse

from muniment.core.errors import Malformed
from muniment.server.access.standing import Standing
from muniment.server.recording import record
from muniment.server.tables.importing import FORMS
from muniment.server.tables.paging import all_of, counted
from muniment.server.tables.question import Question
from muniment.server.tables.registry import TableOf
from muniment.tables import write_csv, write_xlsx

MOST: Final = 100_000
"""Rows of one export."""
_KINDS: Final = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_IN_MEMORY: Final = 4 << 20


def export(standing: Standing, table: TableOf, question: Question, form: str) -> HttpResponseBase:
    """The rows of a question as a file: with the columns that are shown if somebody chose them, else with all.

    It is written before anything is answered, in the open `tenant_scope`.

    Raises:
        Malformed: `form`, or if more than `MOST` rows match.
    """
    if form not in FORMS:
        raise Malformed("is csv or xlsx", "form")
    if counted(table, question, standing, MOST) > MOST:
        raise Malformed(f"matches more than {MOST:,} rows; narrow the filters", "q")
    columns = question.columns if question.chosen else None
    out = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed when it was sent
    count = 0

    def rows() -> Iterator[dict[str, object]]:
        nonlocal count
        for row in all_of(table, question, standing):
            count += 1
            yield dict(row)

    if form == "csv":
        for piece in write_csv(table.table, rows(), columns):
            out.write(piece)
    else:
        write_xlsx(table.table, rows(), out, columns)  # type: ignore[arg-type]
    record(
        "export.create",
        by=standing.subject,
        resource=("table", table.noun),
        labels={"form": form, "rows": count},
        body={"question": question.query(table, cursor="")},
    )
    size = out.tell()
    out.seek(0)
    return StreamingHttpResponse(
        _pieces(out),
        content_type=_KINDS[form],
        headers={
            "Content-Disposition": f'attachment; filename="{table.noun}.{form}"',
            "Content-Length": str(size),
            "X-Content-Type-Options": "nosniff",
        },
    )


async def _pieces(out: tempfile.SpooledTemporaryFile[bytes]) -> AsyncIterator[bytes]:
    try:
        while piece := await sync_to_async(out.read)(1 << 16):
            yield piece
    finally:
        out.close()
