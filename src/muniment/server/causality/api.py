"""Traces and incident timelines for programs."""

from __future__ import annotations

from typing import Annotated, Final

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from muniment.server.access.operations import Needs, standing_in
from muniment.server.api.answers import json_response
from muniment.server.api.faults import not_found
from muniment.server.capabilities import Capability
from muniment.server.causality.answers import edge_json, findings_json, happening_json
from muniment.server.causality.search import MAX_LIMIT, Traced, asked_for, traced
from muniment.server.problems import ProblemError, refuse

_PARAMETERS: Final = frozenset({"limit", "cursor", "skew"})

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
