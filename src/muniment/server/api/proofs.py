"""Inclusion proofs of single entries, as C2SP tlog-proof."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Final, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from muniment.ledger.proofs import tlog_proof
from muniment.server.access.operations import AsyncNeeds, standing_in
from muniment.server.access.standing import Standing
from muniment.server.api.entries import OWN, entry_for, entry_of_event
from muniment.server.api.sealwait import wait_for_seal

if TYPE_CHECKING:
    from collections.abc import Callable

CONTENT_TYPE: Final = "text/plain; charset=utf-8"

router = Router(auth=AsyncNeeds(*OWN), tags=["read"])

Wait = Annotated[Literal["seal"] | None, Query(description="seal: wait until a checkpoint covers the entry")]
Size = Annotated[int | None, Query(ge=1, description="of the checkpoint to prove against; the newest by default")]


@router.get("/api/entries/{int:seq}/proof", summary="An entry's proof", operation_id="proof_by_seq")
async def by_seq(request: HttpRequest, seq: int, wait: Wait = None, size: Size = None) -> HttpResponse:
    """C2SP tlog-proof: index, hashes and checkpoint. 409 `not-sealed` as long as no checkpoint covers the entry."""
    access = standing_in(request)

    def find() -> int:
        with access.transaction() as connection:
            return entry_for(access, connection, seq)[0].seq

    return await _proof(access, find, wait, size)


@router.get("/api/entries/{source}/{event}/proof", summary="An event's proof", operation_id="proof_by_event")
async def by_event(request: HttpRequest, source: str, event: str, wait: Wait = None, size: Size = None) -> HttpResponse:
    """The same by the event's source and id."""
    access = standing_in(request)

    def find() -> int:
        with access.transaction() as connection:
            return entry_of_event(access, connection, source, event)[0].seq

    return await _proof(access, find, wait, size)


async def _proof(access: Standing, find: Callable[[], int], wait: str | None, size: int | None) -> HttpResponse:
    seq = await asyncio.to_thread(find)
    if wait is not None:
        await wait_for_seal(access, seq if size is None else max(seq, size - 1))

    def prove() -> bytes:
        with access.transaction() as connection:
            return tlog_proof(connection, access.log_id, access.origin, seq, size).text()

    return HttpResponse(await asyncio.to_thread(prove), content_type=CONTENT_TYPE)
