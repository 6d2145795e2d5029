"""The trail, for programs."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest
from ninja import Query, Router

from muniment.ledger.trail import MAX_LIMIT
from muniment.server.access.operations import Needs, standing_in
from muniment.server.capabilities import Capability
from muniment.server.moments import moment
from muniment.server.tenants.scope import tenant_scope
from muniment.server.trail.reading import read_trail
from muniment.server.trail.shapes import Trail

router = Router(tags=["trail"])


@router.get(
    "/api/trail",
    auth=Needs(Capability.TRAIL_READ),
    summary="What people did in this tenant",
    operation_id="trail",
    response=Trail,
)
def trail(
    request: HttpRequest,
    kind: Annotated[str, Query(max_length=32, description="such as sign-in, members, keys")] = "",
    person: Annotated[str, Query(max_length=64, description="usr_…")] = "",
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 50,
    cursor: Annotated[str | None, Query(max_length=40, description="of the page before")] = None,
) -> dict[str, object]:
    """Entries of the server's own source about people and settings, newest first, in words, with names resolved now."""
    standing = standing_in(request)
    with tenant_scope(standing.tenant_id), standing.transaction() as connection:
        found = read_trail(connection, standing, kind=kind, person=person, limit=limit, cursor=cursor)
    return {
        "trail": [
            {
                "seq": deed.seq,
                "recorded_at": moment(deed.at),
                "action": deed.action,
                "outcome": deed.outcome,
                "actor": deed.actor,
                "actor_name": deed.actor_name,
                "what": deed.what,
                "about": deed.about,
                "about_name": deed.about_name,
                "labels": list(deed.labels),
                "seal": seal,
            }
            for deed, seal in found.rows
        ],
        "cursor": found.cursor,
    }
