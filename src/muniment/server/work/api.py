"""Work for programs: what waits, what ends, searching, one step with many."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router

from muniment.server.access.operations import Needs
from muniment.server.api.answers import json_response
from muniment.server.capabilities import Capability
from muniment.server.causality.api import check_query
from muniment.server.moments import moment
from muniment.server.registers.operations import scope
from muniment.server.work.approvals import waiting_for
from muniment.server.work.bulk import Item, act_on, read_act
from muniment.server.work.calendar import month_of, read_kinds, read_month
from muniment.server.work.search import search as find
from muniment.server.work.shapes import BulkOrder, BulkOut, MonthOut, SearchOut, WaitingList

router = Router(auth=Needs(Capability.EXCEPTION_READ), tags=["work"])


@router.get("/api/work/approvals", summary="What waits for you", operation_id="my_approvals", response=WaitingList)
def approvals(
    request: HttpRequest,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str, Query(max_length=64)] = "",
) -> HttpResponse:
    """Exceptions on which whoever asks may decide now, themselves or for others; for a key there are none."""
    check_query(request, frozenset({"limit", "after"}))
    with scope(request) as standing:
        waiting, more = waiting_for(standing, timezone.now(), limit=limit, after=after)
    shown = [
        {
            "id": one.row.id,
            "title": one.row.title,
            "risk_level": one.row.risk_level,
            "requested_by": one.row.requested_by,
            "submitted_at": "" if one.row.submitted_at is None else moment(one.row.submitted_at),
            "level": one.level,
            "levels": one.levels,
            "on_behalf_of": one.on_behalf_of,
        }
        for one in waiting
    ]
    return json_response({"waiting": shown, "next": waiting[-1].row.id if more else None})


@router.get("/api/work/calendar", summary="What ends in a month", operation_id="calendar", response=MonthOut)
def calendar(
    request: HttpRequest,
    month: Annotated[str, Query(max_length=7, description="2026-03; this one if left out")] = "",
    show: Annotated[str, Query(max_length=100, description="exceptions,acceptances,reviews,tasks")] = "",
    mine: bool = False,
) -> HttpResponse:
    """Exceptions and acceptances that end, risks to review, and tasks due."""
    check_query(request, frozenset({"month", "show", "mine"}))
    today = timezone.now().date()
    with scope(request) as standing:
        found = month_of(standing, read_month(month, today), today, read_kinds(show), mine=mine)
    endings = [
        {"day": one.day.isoformat(), "kind": one.kind, "id": one.id, "title": one.title, "state": one.state}
        for one in found.endings
    ]
    return json_response({"month": found.name, "endings": endings, "cut": found.cut})


@router.get("/api/search", summary="Search the registers", operation_id="search", response=SearchOut)
def search(
    request: HttpRequest,
    q: Annotated[str, Query(max_length=200, description="words, each the beginning of one")],
    kind: Annotated[str, Query(max_length=16)] = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> HttpResponse:
    """Exceptions, risks, policies, assets, tasks, findings and incidents that hold every word."""
    check_query(request, frozenset({"q", "kind", "limit"}))
    with scope(request) as standing:
        found = find(standing, q, kind=kind, limit=limit)
    hits = [{"kind": one.kind, "id": one.id, "title": one.title, "state": one.state} for one in found.hits]
    return json_response({"hits": hits, "more": found.more})


@router.post(
    "/api/work/bulk",
    auth=Needs(
        Capability.EXCEPTION_APPROVE, Capability.EXCEPTION_REQUEST, Capability.REGISTER_MANAGE, Capability.RISK_MANAGE
    ),
    summary="One step with many",
    operation_id="act_on_many",
    response=BulkOut,
)
def bulk(request: HttpRequest, order: BulkOrder) -> HttpResponse:
    """Each is its own decision with its own entry. What is refused is named; the others stand."""
    with scope(request) as standing:
        act = read_act(order.do, standing, order.of)
        found = act_on(standing, act, [Item(one.id, one.basis, one.steps) for one in order.items], order.comment)
    refused = [{"id": wanted, "field": where, "reason": reason} for wanted, where, reason in found.refused]
    return json_response({"done": list(found.done), "refused": refused})
