"""The controls matrix for programs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from muniment.server.access.operations import Needs
from muniment.server.api.answers import json_response
from muniment.server.capabilities import Capability
from muniment.server.causality.api import check_query
from muniment.server.controls.api import scope
from muniment.server.explorer.names import names_of
from muniment.server.matrix.answers import matrix_json, matrix_table
from muniment.server.matrix.period import read_period
from muniment.server.matrix.services import Matrix, matrix
from muniment.server.matrix.shapes import MatrixOut, MatrixQuery

_ASKED: Final = frozenset({"from", "to", "status", "framework", "owner", "state", "sort", "size"})

router = Router(auth=Needs(Capability.LEDGER_READ), tags=["evidence"])


@router.get("/api/matrix", summary="Controls matrix", operation_id="matrix", response=MatrixOut)
def shown(request: HttpRequest, asked: Query[MatrixQuery]) -> HttpResponse:
    """Each of the tenant's controls with its population, last evidence, newest sample and exceptions noted."""
    check_query(request, _ASKED)
    with scope(request):
        return json_response(matrix_json(_matrix(asked)))


@router.get("/api/matrix.csv", summary="Controls matrix as a table", operation_id="matrix_table")
def table(request: HttpRequest, asked: Query[MatrixQuery]) -> HttpResponse:
    """The same as CSV; every row names the period, the checkpoint and the mapping that its numbers rest on."""
    check_query(request, _ASKED)
    with scope(request) as standing:
        found = _matrix(asked)
        text = "".join(matrix_table(found, names_of(standing.tenant_id, {row.owner for row in found.rows})))
    return HttpResponse(
        text,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="matrix.csv"', "X-Content-Type-Options": "nosniff"},
    )


def _matrix(asked: MatrixQuery) -> Matrix:
    now = datetime.now(UTC)
    return matrix(
        read_period(asked.since or "", asked.until or "", now=now),
        status=asked.status or "",
        framework=asked.framework or "",
        owner=asked.owner or "",
        state=asked.state or "",
        sort=asked.sort or "control",
        at=now,
        size=asked.size,
    )
