"""Walks, page by page, and the pin, for programs."""

from __future__ import annotations

from typing import Annotated

import orjson
from django.http import HttpRequest
from ninja import Query, Router

from muniment.ledger.integrity import log_integrity, walk_history
from muniment.server.access.operations import Needs, standing_in
from muniment.server.capabilities import Capability
from muniment.server.moments import moment
from muniment.server.problems import refuse
from muniment.server.verification.services import pin_of
from muniment.server.verification.shapes import Pin, WalkList

router = Router(tags=["audit"])


@router.get(
    "/api/audit/walks/history",
    auth=Needs(Capability.LEDGER_READ),
    summary="Finished audit walks",
    operation_id="walk_history",
    response=WalkList,
)
def history(
    request: HttpRequest,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[int | None, Query(ge=1, le=2**53 - 1, description="of the page before")] = None,
) -> dict[str, object]:
    """Walks, newest first, each with its whole report."""
    standing = standing_in(request)
    with standing.transaction() as connection:
        walks = walk_history(connection, standing.log_id, limit=limit + 1, below=cursor)
    shown = [
        {
            "run": walk.number,
            "started_at": moment(walk.started_at),
            "finished_at": moment(walk.finished_at),
            "ok": walk.ok,
            "total_rows": walk.total_rows,
            "head": walk.head.hex(),
            "broken_at": walk.broken_at,
            "report": walk.report,
        }
        for walk in walks[:limit]
    ]
    return {"walks": shown, "cursor": walks[limit - 1].number if len(walks) > limit else None}


@router.get(
    "/api/pin",
    auth=Needs(Capability.LEDGER_READ),
    summary="What a verifier pins",
    operation_id="pin",
    response=Pin,
    exclude_none=True,
)
def pin(
    request: HttpRequest,
    checkpoint: Annotated[
        bool, Query(description="with the newest checkpoint, which the whole live log is held against")
    ] = False,
) -> dict[str, object]:
    """Origin, genesis hash and root key, as `MUNIMENT_PIN` takes them; keep them outside this server."""
    standing = standing_in(request)
    with standing.transaction() as connection:
        found = log_integrity(connection, standing.log_id)
    if found is None:
        raise refuse("not-found", "this tenant has no log")
    document: dict[str, object] = orjson.loads(pin_of(found, checkpoint=checkpoint))
    return document
