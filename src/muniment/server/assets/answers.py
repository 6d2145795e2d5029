"""Assets as JSON."""

from __future__ import annotations

from muniment.server.assets.models import AssetVersion
from muniment.server.moments import moment


def asset_json(row: AssetVersion) -> dict[str, object]:
    """A version of an asset."""
    return {
        "id": row.asset,
        "code": row.code,
        "number": row.number,
        "name": row.name,
        "owner": row.owner or None,
        "criticality": row.criticality,
        "kind": row.kind,
        "description": row.description,
        "status": row.status,
        "reason": row.reason,
        "digest": row.digest,
        "created_by": row.created_by,
        "created_at": moment(row.created_at),
        "entry": row.seq,
    }
