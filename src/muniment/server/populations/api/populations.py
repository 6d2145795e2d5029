"""Populations, and the samples drawn from them, for programs."""

from __future__ import annotations

from typing import Annotated, Any, Final

import orjson
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from muniment.core.errors import MunimentError, Refused, VerificationFailed
from muniment.ledger.population import Searched
from muniment.ledger.query import MAX_LIMIT, Page
from muniment.server.access.operations import Needs
from muniment.server.api.answers import json_response
from muniment.server.capabilities import Capability
from muniment.server.causality.api import check_query
from muniment.server.populations import services
from muniment.server.populations.answers import counted_json, member_json, population_json, sample_json, searched_json
from muniment.server.populations.api.scope import scope
from muniment.server.populations.evidence import Asked, Marks, asked_now
from muniment.server.populations.question import LABELS, Question, read_question, stored_question
from muniment.server.populations.shapes import (
    MAX_SIZE,
    CountOut,
    Filters,
    NewPopulation,
    NewSample,
    PopulationList,
    PopulationOut,
    SampleList,
    SampleOut,
)
from muniment.server.populations.workflow import Plan
from muniment.server.problems import refuse

_ASKED: Final = frozenset({*LABELS, "size"})
_PAGED: Final = frozenset({"limit", "cursor"})
_DRAW: Final = Needs(Capability.SAMPLE_DRAW)

Size = Annotated[int | None, Query(ge=1, le=MAX_SIZE, description="of a checkpoint; the newest by default")]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
Cursor = Annotated[str | None, Query(max_length=128, description="of the page before")]

router = Router(auth=Needs(Capability.LEDGER_READ), tags=["evidence"])


@router.get("/api/populations/count", summary="Count a population", operation_id="count_population", response=CountOut)
def count(request: HttpRequest, asked: Query[Filters], size: Size = None) -> HttpResponse:
    """How many entries match, exactly, with what was searched: everything up to a checkpoint."""
    check_query(request, _ASKED)
    question = read_question(asked.model_dump(by_alias=True))
    with scope(request) as standing:
        found = services.counted(standing, question, size=size)
        return json_response({"question": dict(question.given), **counted_json(found)})


@router.get("/api/populations/entries", summary="Entries of a population", operation_id="population_members")
def members(
    request: HttpRequest, asked: Query[Filters], size: Size = None, limit: Limit = 100, cursor: Cursor = None
) -> HttpResponse:
    """A page of the entries that match, oldest first; give the `size` of the first page with its cursor."""
    check_query(request, _ASKED | _PAGED)
    question = read_question(asked.model_dump(by_alias=True))
    with scope(request) as standing:
        range_, page = services.members_of(standing, question, size=size, limit=limit, cursor=cursor)
        return _members(question, asked_now(standing, question), range_, page)


@router.get("/api/populations", summary="Saved populations", operation_id="populations", response=PopulationList)
def saved(request: HttpRequest) -> HttpResponse:
    """The newest 200, newest first."""
    with scope(request) as standing:
        return json_response({"populations": [population_json(row) for row in services.populations(standing)]})


@router.post(
    "/api/populations",
    auth=_DRAW,
    summary="Save a population",
    operation_id="save_population",
    response={201: PopulationOut},
)
def save(request: HttpRequest, population: NewPopulation) -> HttpResponse:
    """Freezes question, range, count and content, and fixes the seed of its samples; recorded."""
    with scope(request) as standing:
        asked = population.question.model_dump(by_alias=True)
        row = services.save_population(
            standing,
            name=population.name,
            question=read_question(asked),
            size=population.size,
            seed=population.seed or "",
        )
        return json_response(population_json(row), status=201)


@router.get(
    "/api/populations/{population_id}", summary="One population", operation_id="population", response=PopulationOut
)
def population(request: HttpRequest, population_id: str) -> HttpResponse:
    """A saved population with the statement of what was searched."""
    with scope(request) as standing:
        return json_response(population_json(services.population_for(standing, population_id)))


@router.get(
    "/api/populations/{population_id}/entries",
    summary="Entries of a saved population",
    operation_id="entries_of_population",
)
def entries(request: HttpRequest, population_id: str, limit: Limit = 100, cursor: Cursor = None) -> HttpResponse:
    """A page of its entries, oldest first. What was recorded after it was saved is not among them."""
    with scope(request) as standing:
        row = services.population_for(standing, population_id)
        range_, page = services.entries_of(standing, row, limit=limit, cursor=cursor)
        return _members(stored_question(row.question), services.asked_of(row), range_, page)


@router.get(
    "/api/populations/{population_id}/samples",
    summary="Samples of a population",
    operation_id="samples",
    response=SampleList,
)
def samples(request: HttpRequest, population_id: str) -> HttpResponse:
    """Every sample that was drawn from it, in the order in which they were drawn."""
    with scope(request) as standing:
        rows = services.samples_of(standing, services.population_for(standing, population_id))
        tallies = services.tallies(rows)
        return json_response({"samples": [sample_json(row, tallies[row.id]) for row in rows]})


@router.post(
    "/api/populations/{population_id}/samples",
    auth=_DRAW,
    summary="Draw a sample",
    operation_id="draw_sample",
    response={201: SampleOut},
)
def draw(request: HttpRequest, population_id: str, order: NewSample) -> HttpResponse:
    """Draws a sample; recorded, and so is a draw that is refused."""
    refused: MunimentError | None = None
    with scope(request) as standing:
        row = services.population_for(standing, population_id)
        plan = _plan(order)
        try:
            sample = services.draw_sample(standing, row, plan, seed=order.seed or "", fresh=order.fresh)
            return json_response(sample_json(sample, services.tallies([sample])[sample.id]), status=201)
        except (Refused, VerificationFailed) as error:
            asked = orjson.dumps(order.model_dump(exclude_none=True)).decode()
            services.record_refused_draw(standing, row, asked, error)
            refused = error
    if isinstance(refused, Refused):
        raise refuse("invalid-request", refused.reason, field=refused.where)
    raise refused


def _members(question: Question, asked: Asked, range_: Searched, page: Page) -> HttpResponse:
    marks = Marks(asked)
    return json_response(
        {
            "question": dict(question.given),
            "searched": searched_json(range_),
            "evidence": orjson.loads(asked.evidence) if asked.evidence else None,
            "entries": [member_json(entry, marks.of(entry.text)) for entry in page.entries],
            "cursor": page.cursor,
        }
    )


def _plan(order: NewSample) -> Plan:
    rates: dict[str, Any] = {name: getattr(order, name) for name in ("confidence", "tolerable", "expected")}
    given = {name: value for name, value in rates.items() if value is not None}
    if order.method == "attribute":
        given.setdefault("expected", 0)
    return Plan(
        order.method,
        order.count,
        order.stratum,
        tuple(order.outcomes or (("failure",) if order.method == "failures" else ())),
        given or None,
    )
