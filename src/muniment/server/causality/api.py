"""Traces and incident timelines for programs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Final

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field

from muniment.core.errors import Malformed, Refused
from muniment.core.times import format_time9
from muniment.ledger.export import BundleRequest, bundle_chunks
from muniment.server.access.operations import AsyncNeeds, Needs, standing_in
from muniment.server.access.standing import Standing
from muniment.server.api.answers import json_response
from muniment.server.api.bundles import CONTENT_TYPE
from muniment.server.api.entries import MAX_SEQ
from muniment.server.api.exporting import record_export
from muniment.server.api.faults import not_found
from muniment.server.api.streaming import StreamPlace, in_threads
from muniment.server.capabilities import Capability
from muniment.server.causality.answers import edge_json, findings_json, happening_json
from muniment.server.causality.happening import read_happening
from muniment.server.causality.incident import MAX_LATE, MAX_WITHIN, Incident, incident_around, nanoseconds
from muniment.server.causality.search import MAX_LIMIT, Traced, asked_for, traced
from muniment.server.causality.timeline import asked_sentence, timeline_markdown, timeline_of
from muniment.server.problems import ProblemError, refuse

if TYPE_CHECKING:
    from collections.abc import Generator

_PARAMETERS: Final = frozenset({"limit", "cursor", "skew"})
_MOMENT: Final = frozenset({"around", "within", "late", "size", "skew"})
_AROUND: Final = "a time (RFC 3339 with its zone), or an event by place, id or <source>/<event>"
MARKDOWN: Final = "text/markdown"

router = Router(auth=Needs(Capability.LEDGER_READ), tags=["read"])


@router.get("/api/trace/{path:id}", summary="What led to what, across agents", operation_id="trace")
def trace(
    request: HttpRequest,
    id: str,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="entries of the trace on a page")] = 500,
    cursor: Annotated[str | None, Query(max_length=128, description="of the page before; of traces only")] = None,
    skew: Annotated[float, Query(ge=0, le=3600, description="seconds by which clocks of sources may differ")] = 5.0,
) -> HttpResponse:
    """The graph of a trace (32 hex digits), or of an event (`<source>/<event>`, its id, or its place) with its trace.

    Nodes stand in causal order. `findings` names what contradicts it; `missing`, causes that this log does not hold;
    `cut`, what was left out.
    """
    standing = standing_in(request)
    check_query(request, _PARAMETERS)
    with standing.transaction() as reading:
        asked = asked_for(reading, standing.log_id, id)
        found = None
        if asked is not None:
            found = traced(
                reading, standing.log_id, asked, limit=limit, cursor=cursor, skew_ns=round(skew * 1_000_000_000)
            )
    if found is None:
        raise ProblemError(not_found())
    return json_response({"log": standing.origin, **_shown(found)})


class IncidentOrder(Schema):
    """Which moment a bundle is to be about."""

    model_config = ConfigDict(extra="forbid", strict=True)

    around: Annotated[str, Field(max_length=128, description=_AROUND)]
    within: Annotated[int, Field(ge=1, le=MAX_WITHIN, description="seconds on both sides")] = 300
    late: Annotated[int, Field(ge=0, le=MAX_LATE, description="seconds by which entries may have come late")] = 3600
    size: Annotated[int | None, Field(ge=1, le=MAX_SEQ, description="of the checkpoint; the newest by default")] = None
    bodies: Annotated[
        bool | None, Field(description="disclose the bodies that are stored; left out: if they may be seen")
    ] = None


@router.get("/api/incident", summary="The timeline of an incident", operation_id="incident")
def incident(
    request: HttpRequest,
    around: Annotated[str, Query(max_length=128, description=_AROUND)],
    within: Annotated[int, Query(ge=1, le=MAX_WITHIN, description="seconds on both sides")] = 300,
    late: Annotated[int, Query(ge=0, le=MAX_LATE, description="seconds by which entries may have come late")] = 3600,
    size: Annotated[int | None, Query(ge=1, le=MAX_SEQ, description="of the checkpoint; the newest by default")] = None,
    skew: Annotated[float, Query(ge=0, le=3600, description="seconds by which clocks of sources may differ")] = 5.0,
) -> HttpResponse:
    """Every sealed entry around a moment, in causal order; `Accept: text/markdown` gives it for people.

    `POST /api/incident/bundle` with the same question and `size` gives the bundle whose lines `e_line` counts.
    """
    standing = standing_in(request)
    check_query(request, _MOMENT)
    with standing.transaction() as reading:
        found = incident_around(reading, standing.log_id, around, within=within, late=late, size=size)
    happenings = [read_happening(entry.text) for entry in found.entries]
    timeline = timeline_of(standing.origin, happenings, skew_ns=round(skew * 1_000_000_000))
    since, until = nanoseconds(found.since), nanoseconds(found.until)
    headers = _headers(found)
    if MARKDOWN in request.headers.get("Accept", ""):
        text = timeline_markdown(timeline, about=[asked_sentence(since, until)])
        return HttpResponse(text, content_type=f"{MARKDOWN}; charset=utf-8", headers=headers)
    return json_response(
        {
            "from": format_time9(since),
            "to": format_time9(until),
            "searched_to": format_time9(nanoseconds(found.searched_until)),
            "size": found.size,
            "unsealed": found.unsealed,
            "timeline": timeline,
        },
        headers=headers,
    )


@router.post(
    "/api/incident/bundle",
    auth=AsyncNeeds(Capability.EXPORT_CREATE),
    summary="The entries of an incident with their proof",
    operation_id="incident_bundle",
)
async def incident_bundle(request: HttpRequest, order: IncidentOrder) -> HttpResponseBase:
    """Streams a `muniment-bundle/1` of every sealed entry around a moment; recorded as an export."""
    access = standing_in(request)
    if order.bodies:
        access.require_bodies()
    found = await asyncio.to_thread(_find, access, order)
    if not found.entries:
        raise refuse("invalid-request", "no sealed entry is around that moment", field="around")
    await record_export(access, order.model_dump(exclude_none=True) | {"size": found.size})
    place = StreamPlace()
    chunks = _chunks(access, order, found, place)
    try:
        first = await asyncio.to_thread(next, chunks)
    except BaseException:
        await asyncio.to_thread(chunks.close)
        place.release()
        raise
    return StreamingHttpResponse(
        in_threads(chunks, first),
        content_type=CONTENT_TYPE,
        headers={"Content-Disposition": 'attachment; filename="incident.bundle"', **_headers(found)},
    )


def _find(access: Standing, order: IncidentOrder) -> Incident:
    with access.transaction() as reading:
        try:
            return incident_around(
                reading, access.log_id, order.around, within=order.within, late=order.late, size=order.size
            )
        except Malformed as error:
            raise Refused(error.reason, error.where) from error


def _chunks(
    access: Standing, order: IncidentOrder, found: Incident, place: StreamPlace
) -> Generator[bytes, None, None]:
    try:
        with access.transaction() as connection:
            request = BundleRequest(
                access.log_id,
                access.origin,
                seqs=[entry.seq for entry in found.entries],
                bodies=access.sees_bodies if order.bodies is None else order.bodies,
                size=found.size,
            )
            yield from bundle_chunks(connection, request)
    finally:
        place.release()


def _headers(found: Incident) -> dict[str, str]:
    return {"Muniment-Size": str(found.size), "Muniment-Unsealed": str(found.unsealed)}


def check_query(request: HttpRequest, known: frozenset[str]) -> None:
    """Refuse a parameter that does not exist, or stands twice.

    Raises:
        ProblemError: malformed-query, naming it.
    """
    unknown = sorted(set(request.GET) - known)
    if unknown:
        raise refuse("malformed-query", "is no parameter of this query", field=ascii(unknown[0])[1:-1][:64])
    repeated = sorted(name for name, values in request.GET.lists() if len(values) > 1)
    if repeated:
        raise refuse("malformed-query", "stands twice in the query", field=repeated[0])


def _shown(found: Traced) -> dict[str, object]:
    searched = None if found.searched is None else {"from": found.searched[0], "to": found.searched[1]}
    return {
        "trace": found.trace or None,
        "size": found.standing.size,
        "sealed": found.standing.sealed,
        "nodes": [
            {
                **happening_json(one),
                "relation": found.relations[one.seq],
                "sealed": one.seq < found.standing.sealed,
            }
            for one in found.graph.happenings
        ],
        "edges": [edge_json(edge) for edge in found.graph.edges],
        "missing": list(found.missing),
        "findings": findings_json(found.findings),
        "more_findings": found.findings.more,
        "cut": list(found.cut),
        "searched": searched,
        "cursor": found.cursor,
    }
