"""Exports as JSON."""

from __future__ import annotations

import orjson

from muniment.server.access.standing import Standing
from muniment.server.exports.models import Export
from muniment.server.exports.progress import progress_of
from muniment.server.moments import moment


def export_json(row: Export, standing: Standing) -> dict[str, object]:
    """An export, and how far the reader's own download of it has come."""
    running = progress_of(standing.tenant_id, row.id, standing.subject)
    return {
        "id": row.id,
        "format": row.format,
        "question": orjson.loads(row.question),
        "names": row.names,
        "checkpoint": {"log": row.log, "size": row.size, "root": row.root, "sealed_at": moment(row.sealed_at)},
        "mapping": {"version": row.mapping, "digest": row.mapping_digest},
        "entries": row.count,
        "created_by": row.created_by,
        "created_at": moment(row.created_at),
        "entry": row.seq,
        "download": None
        if running is None
        else {"state": running.state, "entries": running.entries, "bytes": running.sent},
    }
