"""Bundles: many entries with everything that proves them, as one stream (docs/format.md section 7)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, Final

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from ninja import Router, Schema
from pydantic import ConfigDict, Field

from muniment.ledger.checkpoints import read_checkpoint
from muniment.ledger.export import BundleRequest, bundle_chunks
from muniment.ledger.logfacts import own_entries
from muniment.server.access.operations import AsyncNeeds, standing_in
from muniment.server.access.standing import Standing
from muniment.server.api.entries import MAX_SEQ, entry_of_event
from muniment.server.api.exporting import record_export
from muniment.server.api.faults import not_found
from muniment.server.api.streaming import StreamPlace, in_threads
from muniment.server.capabilities import Capability
from muniment.server.problems import ProblemError, refuse

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from psycopg import Connection

CONTENT_TYPE: Final = "application/vnd.muniment.bundle"
MAX_SEQS: Final = 20_000
"""Places that one request may name; a range has no such bound."""
MAX_IDS: Final = 1_000

router = Router(auth=AsyncNeeds(Capability.EXPORT_CREATE, Capability.LEDGER_APPEND), tags=["read"])


class BundleOrder(Schema):
    """What a bundle is to hold. Name entries by `seqs` or `ids`, or a range by `first` and `last`; nothing is all."""

    model_config = ConfigDict(extra="forbid", strict=True)

    seqs: Annotated[list[Annotated[int, Field(ge=0, le=MAX_SEQ)]] | None, Field(max_length=MAX_SEQS)] = None
    ids: Annotated[list[str] | None, Field(max_length=MAX_IDS, description="<source id>/<event id>, each once")] = None
    first: Annotated[int | None, Field(ge=0, le=MAX_SEQ, alias="from", description="the first seq of a range")] = None
    last: Annotated[int | None, Field(ge=0, le=MAX_SEQ, alias="to", description="the last seq of a range")] = None
    since: Annotated[
        int | None, Field(ge=0, le=MAX_SEQ, description="a size you hold a checkpoint of: its root can be compared")
    ] = None
    size: Annotated[
        int | None, Field(ge=1, le=MAX_SEQ, description="of the last checkpoint; the newest by default")
    ] = None
    bodies: Annotated[
        bool | None, Field(description="disclose the bodies that are stored; left out: if they may be seen")
    ] = None
    every_checkpoint: bool = False


@router.post("/api/bundles", summary="A bundle of entries with their proof", operation_id="bundle")
async def bundle(request: HttpRequest, order: BundleOrder) -> HttpResponseBase:
    """Streams a `muniment-bundle/1`. An append key may name entries of its own sources only, without ranges."""
    access = standing_in(request)
    ways = [order.seqs is not None, order.ids is not None, order.first is not None or order.last is not None]
    if sum(ways) > 1:
        raise refuse("invalid-request", "name entries in one way: seqs, ids, or from and to")
    if access.own_only is not None and not (ways[0] or ways[1]):
        raise refuse("wrong-scope", f"{access.own_only} is an append key: name seqs or ids of its own sources")
    if order.bodies:
        access.require_bodies()
    await record_export(access, order.model_dump(exclude_none=True, by_alias=True))
    place = StreamPlace()
    chunks = _chunks(access, order, place)
    try:
        first = await asyncio.to_thread(next, chunks)
    except BaseException:
        await asyncio.to_thread(chunks.close)
        place.release()
        raise
    return StreamingHttpResponse(
        in_threads(chunks, first),
        content_type=CONTENT_TYPE,
        headers={"Content-Disposition": 'attachment; filename="muniment.bundle"'},
    )


def _chunks(access: Standing, order: BundleOrder, place: StreamPlace) -> Generator[bytes, None, None]:
    try:
        with access.transaction() as connection:
            request = BundleRequest(
                access.log_id,
                access.origin,
                seqs=_seqs(access, connection, order),
                bodies=access.sees_bodies if order.bodies is None else order.bodies,
                since=order.since,
                size=order.size,
                every_checkpoint=order.every_checkpoint,
            )
            yield from bundle_chunks(connection, request)
    finally:
        place.release()


def _seqs(access: Standing, connection: Connection[Any], order: BundleOrder) -> Sequence[int] | range | None:
    if order.seqs is not None:
        seqs = sorted(set(order.seqs))
        if access.own_only is not None:
            _check_own(access, connection, seqs)
        return seqs
    if order.ids is not None:
        pairs = [reference.partition("/") for reference in order.ids]
        return sorted({entry_of_event(access, connection, source, event)[0].seq for source, _, event in pairs})
    if order.first is None and order.last is None:
        return None
    first = order.first or 0
    if order.last is None:
        sealed = read_checkpoint(connection, access.log_id, access.origin, order.size)
        return range(first, max(first, 0 if sealed is None else sealed.checkpoint.size))
    if order.last < first:
        raise refuse("invalid-request", "is smaller than from", field="to")
    return range(first, order.last + 1)


def _check_own(access: Standing, connection: Connection[Any], seqs: Sequence[int]) -> None:
    if seqs and access.own_only and own_entries(connection, access.log_id, access.own_only, seqs) != len(seqs):
        raise ProblemError(not_found())
