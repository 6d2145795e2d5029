"""Controls as JSON and as rows of a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from muniment.server.controls.models import OwnControl
from muniment.server.controls.services import Import
from muniment.server.controls.tables import COLUMNS, write_table
from muniment.server.moments import moment


def control_json(row: OwnControl) -> dict[str, object]:
    """A version of a control."""
    return {
        "id": row.control,
        "number": row.number,
        "statement": row.statement,
        "owner": row.owner or None,
        "frequency": row.frequency,
        "procedure": row.procedure,
        "criteria": row.criteria,
        "status": row.status,
        "retired_on": None if row.retired_on is None else row.retired_on.isoformat(),
        "reason": row.reason,
        "created_by": row.created_by,
        "created_at": moment(row.created_at),
        "entry": row.seq,
    }


def import_json(found: Import) -> dict[str, object]:
    """What an import brought or would bring."""
    return {
        "kept": found.kept,
        "defined": list(found.defined),
        "changed": list(found.changed),
        "unchanged": found.unchanged,
        "faults": [{"line": one.line, "field": one.field, "reason": one.reason} for one in found.faults],
    }


def controls_table(rows: Iterable[OwnControl]) -> Iterator[str]:
    """Controls as CSV that `import_table` reads again."""
    return write_table(
        COLUMNS,
        (
            (
                row.code,
                row.statement,
                row.owner,
                row.frequency,
                row.procedure,
                " ".join(row.criteria),
                row.status,
                row.reason,
            )
            for row in rows
        ),
    )
