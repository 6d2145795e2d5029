"""Records of entries for programs, and the exact text that their addresses lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from muniment.ledger.read import StoredBody, StoredEntry
from muniment.server.access.operations import Needs, standing_in
from muniment.server.access.standing import Standing
from muniment.server.api.answers import json_response
from muniment.server.api.entries import OWN, entry_for, entry_of_event
from muniment.server.capabilities import Capability
from muniment.server.frameworks.services import mapping_in_force
from muniment.server.record.addresses import api_address
from muniment.server.record.services import record_of
from muniment.server.tenants.scope import tenant_scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg import Connection

    Find = Callable[[Standing, Connection[Any]], tuple[StoredEntry, StoredBody | None]]

router = Router(auth=Needs(*OWN), tags=["evidence"])
_READ = Needs(Capability.LEDGER_READ)


@router.get(
    "/api/entries/{int:seq}/record", auth=_READ, summary="An entry's evidence record", operation_id="record_by_seq"
)
def by_seq(request: HttpRequest, seq: int) -> HttpResponse:
    """Event, controls with their marks, hashes, evidence, proof and delivery; every address in it can be followed."""
    return _record(request, lambda standing, reading: entry_for(standing, reading, seq))


@router.get(
    "/api/entries/{source}/{event}/record",
    auth=_READ,
    summary="An event's evidence record",
    operation_id="record_by_event",
)
def by_event(request: HttpRequest, source: str, event: str) -> HttpResponse:
    """The same by the event's source and id."""
    return _record(request, lambda standing, reading: entry_of_event(standing, reading, source, event))


@router.get("/api/entries/{int:seq}/text", summary="An entry's exact text", operation_id="text_by_seq")
def text(request: HttpRequest, seq: int) -> HttpResponse:
    """The bytes that were hashed: SHA-256 over a zero byte and these is the entry's hash."""
    standing = standing_in(request)
    with standing.transaction() as reading:
        entry, _body = entry_for(standing, reading, seq)
    return HttpResponse(
        entry.text,
        content_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="entry-{seq}.json"',
            "Muniment-Entry-Hash": entry.entry_hash.hex(),
        },
    )


def _record(request: HttpRequest, find: Find) -> HttpResponse:
    standing = standing_in(request)
    with tenant_scope(standing.tenant_id):
        mapping = mapping_in_force()
    with standing.transaction() as reading:
        found = find(standing, reading)
        return json_response(record_of(reading, standing, found, mapping, api_address(request)))
