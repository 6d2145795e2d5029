"""The page of a trace: who led whom to do what, what failed and what was refused."""

from __future__ import annotations

from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from muniment.server.access.pages import page, page_standing
from muniment.server.capabilities import Capability
from muniment.server.causality.findings import SKEW_NS
from muniment.server.causality.folding import steps_of
from muniment.server.causality.search import MAX_RELATIVES, MAX_STEPS, asked_for, traced
from muniment.server.explorer.names import names_of
from muniment.server.explorer.rows import PERSON
from muniment.server.explorer.traceshown import DRAWN, draw_trace, items_of

PAGE_SIZE: Final = 200
"""Entries of the trace on one page, besides those that join on to it."""


@page(needs=Capability.LEDGER_READ)
def trace(request: HttpRequest, name: str) -> HttpResponse:
    """A trace (32 hex digits), or an event and what belongs to it."""
    standing = page_standing(request)
    with standing.transaction() as reading:
        asked = asked_for(reading, standing.log_id, name)
        cursor = request.GET.get("cursor") or None
        found = None if asked is None else traced(reading, standing.log_id, asked, limit=PAGE_SIZE, cursor=cursor)
    if found is None:
        raise Http404
    happenings = found.graph.happenings
    people = {one.actor for one in happenings if one.actor.startswith(PERSON)}
    findings = found.findings.listed
    contradictions = [one for one in findings if one.contradicts]
    full = "full" in request.GET
    steps = steps_of(
        happenings, found.graph.edges, fold=not full, kept={event for one in contradictions for event in one.about}
    )
    items = items_of(found, steps, names_of(standing.tenant_id, people))
    context = {
        "name": name,
        "found": found,
        "items": items,
        "picture": draw_trace(items, found.graph, steps),
        "start": happenings[0],
        "agents": len({one.actor for one in happenings}),
        "failed": sum(one.outcome == "failure" for one in happenings),
        "refused": sum(one.outcome == "denied" for one in happenings),
        "entries": len(happenings),
        "steps": steps,
        "folded": steps.ends + steps.turns,
        "full": full,
        "contradictions": contradictions,
        "notes": [one for one in findings if not one.contradicts],
        "first_page": cursor is None,
        "cursor": cursor,
        "drawn": DRAWN,
        "max_relatives": MAX_RELATIVES,
        "max_steps": MAX_STEPS,
        "skew_seconds": SKEW_NS // 1_000_000_000,
    }
    return render(request, "explorer/trace.html", context)
