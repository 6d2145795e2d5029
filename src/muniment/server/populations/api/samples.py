"""Walking through samples, marking them, and taking them out, for programs."""

from __future__ import annotations

from typing import Annotated, Final

from asgiref.sync import sync_to_async
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Query, Router

from muniment.core.errors import Refused
from muniment.core.samplesize import attribute_size
from muniment.server.access.operations import AsyncNeeds, Needs, standing_in
from muniment.server.access.standing import Standing
from muniment.server.api.answers import json_response
from muniment.server.api.exporting import record_export
from muniment.server.capabilities import Capability
from muniment.server.causality.api import check_query
from muniment.server.populations import services
from muniment.server.populations.answers import item_json, mark_json, sample_json
from muniment.server.populations.api.scope import refusals, scope
from muniment.server.populations.exporting import places_of_review, sample_request, streamed
from muniment.server.populations.models import Population, Sample
from muniment.server.populations.shapes import (
    MAX_SIZE,
    MarkList,
    MarkOut,
    NewConclusion,
    NewMark,
    SampleBundle,
    SampleOut,
    SizeOut,
)
from muniment.server.populations.walking import seal_of, walk_items
from muniment.server.problems import refuse
from muniment.server.tenants.scope import tenant_scope

MAX_ITEMS: Final = 200
_RATES: Final = frozenset({"confidence", "tolerable", "expected", "population"})
_MARK: Final = Needs(Capability.SAMPLE_MARK)

router = Router(auth=Needs(Capability.LEDGER_READ), tags=["evidence"])


@router.get("/api/samples/{sample_id}", summary="One sample", operation_id="sample", response=SampleOut)
def sample(request: HttpRequest, sample_id: str) -> HttpResponse:
    """A sample with its plan, its seed, its places and how far its review has come."""
    with scope(request) as standing:
        row = services.sample_for(standing, sample_id)
        return json_response(sample_json(row, services.tallies([row])[row.id]))


@router.get("/api/samples/{sample_id}/items", summary="Walk through a sample", operation_id="walk_sample")
def walk(
    request: HttpRequest,
    sample_id: str,
    after: Annotated[int, Query(ge=-1, le=MAX_SIZE, description="the last place of the page before")] = -1,
    limit: Annotated[int, Query(ge=1, le=MAX_ITEMS)] = 50,
) -> HttpResponse:
    """Sampled entries in the order of the log, each with its inclusion proof under the population's checkpoint.

    `holds` is what this server found; `POST …/bundle` gives the same to be verified elsewhere.
    """
    with scope(request) as standing:
        row, population = _sample(standing, sample_id)
        places = [place for place in row.places if place > after]
        with standing.transaction() as reading:
            seal = seal_of(reading, standing, population)
            items = walk_items(reading, standing, population, places[:limit])
        marks = services.standpoints(row, [item.seq for item in items])
        return json_response(
            {
                "sample": row.id,
                "checkpoint": {"size": seal.size, "root": seal.root, "holds": not seal.fault, "fault": seal.fault},
                "items": [item_json(item, marks.get(item.seq)) for item in items],
                "after": items[-1].seq if len(places) > limit else None,
            }
        )


@router.get(
    "/api/samples/{sample_id}/items/{int:seq}/marks",
    summary="Marks of a sampled entry",
    operation_id="marks",
    response=MarkList,
)
def marks(request: HttpRequest, sample_id: str, seq: int) -> HttpResponse:
    """Every mark of the entry, oldest first; the newest counts."""
    with scope(request) as standing:
        row, _population = _sample(standing, sample_id)
        if seq not in row.places:
            raise refuse("not-found", "the sample does not have that entry")
        return json_response({"marks": [mark_json(one) for one in services.history_of(row, seq)]})


@router.post(
    "/api/samples/{sample_id}/items/{int:seq}/marks",
    auth=_MARK,
    summary="Mark a sampled entry",
    operation_id="mark",
    response={201: MarkOut},
)
def mark(request: HttpRequest, sample_id: str, seq: int, mark: NewMark) -> HttpResponse:
    """Adds a mark; recorded, with the sampled entry as its cause. Earlier ones stay."""
    with scope(request) as standing:
        row, _population = _sample(standing, sample_id)
        made = services.mark(
            standing,
            row,
            seq,
            ticks=mark.ticks,
            exception=mark.exception,
            conclusion=mark.conclusion,
            comment=mark.comment,
        )
        return json_response(mark_json(made), status=201)


@router.post(
    "/api/samples/{sample_id}/conclusion",
    auth=_MARK,
    summary="Conclude on a sample",
    operation_id="conclude",
    response={201: MarkOut},
)
def conclude(request: HttpRequest, sample_id: str, conclusion: NewConclusion) -> HttpResponse:
    """Adds a conclusion on the whole sample; recorded. Earlier ones stay."""
    with scope(request) as standing:
        row, _population = _sample(standing, sample_id)
        made = services.conclude(standing, row, result=conclusion.result, comment=conclusion.comment)
        return json_response(mark_json(made), status=201)


@router.post(
    "/api/samples/{sample_id}/bundle",
    auth=AsyncNeeds(Capability.EXPORT_CREATE),
    summary="A sample with its proof",
    operation_id="sample_bundle",
)
async def bundle(request: HttpRequest, sample_id: str, order: SampleBundle) -> HttpResponseBase:
    """Streams a `muniment-bundle/1` of the sampled entries under the population's checkpoint; recorded as an export."""
    standing = standing_in(request)
    if order.bodies:
        standing.require_bodies()
    row, places = await sync_to_async(_bundled)(standing, sample_id, order.marks)
    await record_export(standing, {"sample": sample_id, **order.model_dump(exclude_none=True)})
    wanted = sample_request(standing, row, places, marks=order.marks, bodies=order.bodies)
    return await streamed(standing, wanted, sample_id)


@router.get("/api/sample-size", summary="Size of a test of attributes", operation_id="sample_size", response=SizeOut)
def sample_size(
    request: HttpRequest,
    confidence: Annotated[int, Query(ge=5_000, le=9_990, description="hundredths of a percent")],
    tolerable: Annotated[int, Query(ge=1, le=5_000, description="hundredths of a percent")],
    expected: Annotated[int, Query(ge=0, le=5_000, description="hundredths of a percent")] = 0,
    population: Annotated[int | None, Query(ge=1, le=MAX_SIZE, description="its entries")] = None,
) -> HttpResponse:
    """How many entries a test of attributes needs, exactly."""
    check_query(request, _RATES)
    found = attribute_size(confidence=confidence, tolerable=tolerable, expected=expected, population=population)
    return json_response(
        {"size": found.size, "allowed": found.allowed, "basis": found.basis, "everything": found.everything}
    )


def _sample(standing: Standing, sample_id: str) -> tuple[Sample, Population]:
    row = services.sample_for(standing, sample_id)
    return row, services.population_for(standing, row.population_id)


def _bundled(standing: Standing, sample_id: str, with_marks: bool) -> tuple[Population, list[int]]:
    try:
        with refusals(), tenant_scope(standing.tenant_id):
            row, population = _sample(standing, sample_id)
            if population.log != standing.origin:
                raise Refused(f"it was taken from the log {population.log}, which is not the active one", "sample")
            return population, places_of_review(population, row) if with_marks else list(row.places)
    finally:
        # The stream may take long; a connection of the pool is not kept for it.
        connection.close()
