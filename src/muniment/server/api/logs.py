"""Logs: what is known of one, and its C2SP tlog-tiles resources under one URL."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import Router

from muniment.core.errors import Malformed
from muniment.core.identifiers import check_origin
from muniment.core.tiles import Tile, parse_tile_path
from muniment.core.times import format_time6
from muniment.ledger.checkpoints import read_checkpoint
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.keysnotes import read_keysnotes
from muniment.ledger.logfacts import log_by_origin, log_facts
from muniment.ledger.read import entry_bundle
from muniment.ledger.tileset import hash_tile
from muniment.server.access.operations import Needs, request_standing, standing_in
from muniment.server.api.answers import json_response, micros
from muniment.server.api.entries import OWN
from muniment.server.api.faults import not_found
from muniment.server.capabilities import Capability
from muniment.server.pools import reader
from muniment.server.problems import ProblemError, refuse

if TYPE_CHECKING:
    from uuid import UUID

    from psycopg import Connection

PUBLIC: Final = ("checkpoint", "keys")
TEXT: Final = "text/plain; charset=utf-8"
TILE: Final = "application/octet-stream"
# A tile never changes; who may read it does, so only the reader's own cache keeps it.
_FOR_EVER: Final = "private, max-age=31536000, immutable"
_NEWEST: Final = "no-cache"
_MINIMUM_TO_PACK: Final = 1024

router = Router(tags=["log"])


@router.get("/api/log", auth=Needs(*OWN), summary="The log of this key", operation_id="log")
def log(request: HttpRequest) -> HttpResponse:
    """Origin, genesis, size and head, and the newest checkpoint as a signed note."""
    access = standing_in(request)
    with access.transaction() as connection:
        facts = log_facts(connection, access.log_id)
        sealed = read_checkpoint(connection, access.log_id, access.origin)
    if facts is None:
        raise ProblemError(not_found())
    checkpoint = sealed and {
        "size": sealed.checkpoint.size,
        "root": sealed.checkpoint.root.hex(),
        "sealed_at": format_time6(micros(sealed.sealed_at)),
        "note": sealed.note.encoded().decode("utf-8"),
    }
    return json_response(
        {
            "origin": facts.origin,
            "genesis": facts.genesis_hash.hex(),
            "region": facts.region,
            "map": facts.mapping,
            "state": facts.state,
            "seal_within": facts.seal_within,
            "size": facts.size,
            "head": facts.head.hex(),
            "last_at": format_time6(micros(facts.last_at)),
            "checkpoint": checkpoint,
            "url": f"/logs/{facts.origin}/",
        }
    )


@router.get("/logs/{path:resource}", summary="C2SP tlog-tiles", operation_id="tlog_tiles")
def resource(request: HttpRequest, resource: str) -> HttpResponse:
    """`<origin>/checkpoint`, `<origin>/keys`, `<origin>/tile/<level>/…` and `<origin>/tile/entries/…`.

    Checkpoint and keys note are public where the tenant leaves verification public; tiles and entries need a read key.
    """
    origin, kind = _split(resource)
    tenant_id, log_id = _admit(request, origin, public=kind in PUBLIC)
    with reader() as connection, tenant_transaction(connection, tenant_id):
        if kind == "checkpoint":
            sealed = read_checkpoint(connection, log_id, origin)
            if sealed is None:
                raise refuse("not-sealed", "the log has no checkpoint yet", headers={"retry-after": "1"})
            return HttpResponse(sealed.note.encoded(), content_type=TEXT, headers={"Cache-Control": _NEWEST})
        if kind == "keys":
            notes = read_keysnotes(connection, log_id)
            if not notes:
                raise ProblemError(not_found())
            return HttpResponse(notes[-1], content_type=TEXT, headers={"Cache-Control": _NEWEST})
        return _tile(request, connection, origin, log_id, kind)


def _split(path: str) -> tuple[str, str]:
    """Take a path apart into origin and resource; an origin may itself hold `/tile/`, so the last one counts."""
    for mark in (*(f"/{name}" for name in PUBLIC), "/tile/"):
        at = path.rfind(mark)
        if at > 0 and (mark == "/tile/" or at + len(mark) == len(path)):
            return path[:at], path[at + 1 :]
    raise ProblemError(not_found())


def _admit(request: HttpRequest, origin: str, *, public: bool) -> tuple[UUID, int]:
    """Tenant and number of the log, if the caller may see this of it.

    Without a key nobody learns which origins exist: what is not public asks for a key before it looks for the log.
    """
    if "Authorization" in request.headers or not public:
        access = request_standing(request)
        if access.origin == origin:
            if not public:
                access.require(Capability.LEDGER_READ)
            return access.tenant_id, access.log_id
    if public:
        try:
            check_origin(origin)
        except Malformed:
            raise ProblemError(not_found()) from None
        with reader() as connection:
            found = log_by_origin(connection, origin)
        if found is not None and found.public_verify:
            return found.tenant_id, found.log_id
    raise ProblemError(not_found())


def _tile(request: HttpRequest, connection: Connection[Any], origin: str, log_id: int, path: str) -> HttpResponse:
    try:
        tile: Tile = parse_tile_path(path)
    except Malformed:
        raise ProblemError(not_found()) from None
    sealed = read_checkpoint(connection, log_id, origin)
    if sealed is None:
        raise ProblemError(not_found())
    read = hash_tile if tile.level is not None else entry_bundle
    data = read(connection, log_id, tile, sealed.checkpoint.size)
    if data is None:
        raise ProblemError(not_found())
    headers = {"Cache-Control": _FOR_EVER, "Vary": "Accept-Encoding, Authorization, Cookie"}
    # Hashes do not get smaller; entries do, to a fifth.
    if tile.level is None and len(data) >= _MINIMUM_TO_PACK and _takes_gzip(request):
        return HttpResponse(
            gzip.compress(data, 5, mtime=0), content_type=TILE, headers={**headers, "Content-Encoding": "gzip"}
        )
    return HttpResponse(data, content_type=TILE, headers=headers)


def _takes_gzip(request: HttpRequest) -> bool:
    for offer in request.headers.get("Accept-Encoding", "").lower().split(","):
        name, _, weight = offer.partition(";")
        if name.strip() == "gzip":
            return weight.replace(" ", "").removeprefix("q=").strip("0.") != "" or not weight
    return False
