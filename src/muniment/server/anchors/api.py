"""Anchors, for programs: how the authorities do, the tokens, what they stamp, and how often the log is anchored."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router

from muniment.core.errors import Malformed
from muniment.server.access.operations import Needs, standing_in
from muniment.server.anchors import services
from muniment.server.anchors.answers import anchoring_out, token_out
from muniment.server.anchors.shapes import AnchoringOut, Cadence, CadenceSet, TokenList
from muniment.server.anchors.workflow import shown_every
from muniment.server.capabilities import Capability
from muniment.server.members.acting import acting
from muniment.server.problems import refuse

router = Router(tags=["anchors"])
_READ = Needs(Capability.LEDGER_READ)
MAX_PAGE = 200

Size = Annotated[int, Path(ge=1, le=2**53 - 1, description="entries under the checkpoint")]


@router.get(
    "/api/anchors",
    auth=_READ,
    summary="How the log is anchored",
    operation_id="anchoring",
    response=AnchoringOut,
)
def anchoring(request: HttpRequest) -> AnchoringOut:
    """Each timestamp authority with its state, its newest token and its failures, and how often it is asked."""
    standing = standing_in(request)
    with standing.transaction() as connection:
        found = services.anchoring_of(connection, standing)
    return anchoring_out(standing.origin, found)


@router.get("/api/anchors/tokens", auth=_READ, summary="Timestamps", operation_id="tokens", response=TokenList)
def tokens(
    request: HttpRequest,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    cursor: Annotated[str | None, Query(max_length=96, description="of the page before")] = None,
) -> TokenList:
    """The stored tokens, that of the largest checkpoint first. What they prove, a verifier says."""
    standing = standing_in(request)
    with standing.transaction() as connection:
        try:
            found, following = services.tokens(connection, standing, limit=limit, cursor=cursor)
        except Malformed as error:
            raise refuse("invalid-request", error.reason, field=error.where) from None
    return TokenList(tokens=[token_out(one) for one in found], cursor=following)


@router.get(
    "/api/anchors/tokens/{int:size}/{authority}", auth=_READ, summary="One timestamp's token", operation_id="token"
)
def token(request: HttpRequest, size: Size, authority: str) -> HttpResponse:
    """The token as received: DER, as `openssl ts -verify -token_in` takes it."""
    standing = standing_in(request)
    with standing.transaction() as connection:
        found = services.token_of(connection, standing, size, authority)
    if found is None:
        raise refuse("not-found", "there is no such token")
    return HttpResponse(found.anchor.token, content_type="application/octet-stream")


@router.get("/api/anchors/notes/{int:size}", auth=_READ, summary="What timestamps stamp", operation_id="stamped_note")
def note(request: HttpRequest, size: Size) -> HttpResponse:
    """The sealed note of a checkpoint, byte for byte what its tokens are over: `openssl ts -verify -data`."""
    standing = standing_in(request)
    with standing.transaction() as connection:
        found = services.stamped_note(connection, standing, size)
    if found is None:
        raise refuse("not-found", "there is no checkpoint of this size")
    return HttpResponse(found, content_type="text/plain; charset=utf-8")


@router.put(
    "/api/anchors/cadence",
    auth=Needs(Capability.TENANT_MANAGE),
    summary="Set how often the log is anchored",
    operation_id="set_anchor_cadence",
    response=CadenceSet,
)
def cadence(request: HttpRequest, wanted: Cadence) -> CadenceSet:
    """The ledger records it."""
    with acting(request) as standing:
        try:
            seconds, entry = services.set_every(standing, wanted.every)
        except Malformed as error:
            raise refuse("invalid-request", error.reason, field=error.where) from None
    return CadenceSet(every=shown_every(seconds), every_seconds=seconds, entry=entry)
