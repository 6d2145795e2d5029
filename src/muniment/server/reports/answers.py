"""Reports as JSON."""

from __future__ import annotations

import orjson

from muniment.core.errors import MunimentError
from muniment.reports.document import Document, Value
from muniment.server.moments import moment
from muniment.server.reports.models import Report


def report_json(row: Report, document: Document | None = None) -> dict[str, object]:
    """A report; with its numbers where its document is given."""
    shown: dict[str, object] = {
        "id": row.id,
        "kind": row.kind,
        "title": row.title,
        "scope": orjson.loads(row.scope),
        "log": row.log,
        "size": row.size,
        "root": row.root,
        "sha256": row.sha256,
        "length": row.length,
        "questions": row.questions,
        "created_by": row.created_by,
        "created_at": moment(row.created_at),
        "entry": row.seq,
    }
    if document is not None:
        shown["numbers"] = [
            {"number": at, "what": one.what, "ask": one.ask.as_json(), "value": one.value}
            for at, one in enumerate(document.numbers, 1)
        ]
    return shown


def answer_json(answer: Value | MunimentError) -> dict[str, object]:
    """An answer, or why there is none."""
    if isinstance(answer, MunimentError):
        return {"refused": str(answer)}
    return {"value": answer}
