"""Risks: a list of them, one with its versions, opening, changing, closing."""

from __future__ import annotations

from typing import Annotated, Final

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from muniment.server.access.operations import Needs
from muniment.server.api.answers import json_response
from muniment.server.capabilities import Capability
from muniment.server.causality.api import check_query
from muniment.server.registers.operations import Doing, scope
from muniment.server.risks import services
from muniment.server.risks.answers import risk_json, version_json
from muniment.server.risks.models import Risk
from muniment.server.risks.question import NAMES, Question, read_question
from muniment.server.risks.shapes import ChangedRisk, NewRisk, RiskList, RiskOut, RiskReason, RiskVersionList
from muniment.server.risks.tables import RISKS, table_rows
from muniment.server.risks.workflow import Definition
from muniment.tables import write_csv

_MANAGE: Final = Needs(Capability.RISK_MANAGE)
_LIMIT: Final = frozenset({"limit"})
MOST_WRITTEN: Final = 100_000

router = Router(auth=Needs(Capability.EXCEPTION_READ), tags=["risks"])


@router.get("/api/risks", summary="Risks", operation_id="risks", response=RiskList)
def listed(request: HttpRequest, limit: Annotated[int, Query(ge=1, le=services.MOST)] = services.PAGE) -> HttpResponse:
    """A page of risks. Filters and order are query parameters as the list's page has them: docs/risks.md names them."""
    with scope(request):
        page = services.risks(_question(request, _LIMIT), limit=limit)
        held, accepted = services.matrix_in_force(), services.accepted_among([row.id for row in page.rows])
        rows = [risk_json(row, held, accepted.get(row.id)) for row in page.rows]
        return json_response({"risks": rows, "total": page.total, "next": page.cursor or None})


@router.get("/api/risks.csv", summary="Risks as a table", operation_id="risks_table")
def table(request: HttpRequest) -> HttpResponse:
    """The same risks as CSV, all of them whatever the page."""
    with scope(request):
        question = _question(request)
        rows = services.selected(question).order_by("id")[:MOST_WRITTEN]
        return HttpResponse(
            b"".join(write_csv(RISKS, table_rows(rows, services.matrix_in_force()))),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="risks.csv"', "X-Content-Type-Options": "nosniff"},
        )


@router.post("/api/risks", auth=_MANAGE, summary="Open a risk", operation_id="open_risk", response={201: RiskOut})
def opened(request: HttpRequest, risk: NewRisk) -> HttpResponse:
    """Its first version; recorded, and so is a refusal."""
    with scope(request, Doing("risk.open")) as standing:
        return _answer(services.open_risk(standing, Definition(**risk.given())), status=201)


@router.get("/api/risks/{risk_id}", summary="One risk", operation_id="risk", response=RiskOut)
def one(request: HttpRequest, risk_id: str) -> HttpResponse:
    """A risk as it stands."""
    with scope(request):
        return _answer(services.risk_for(risk_id))


@router.get(
    "/api/risks/{risk_id}/versions",
    summary="Versions of a risk",
    operation_id="risk_versions",
    response=RiskVersionList,
)
def versions(request: HttpRequest, risk_id: str) -> HttpResponse:
    """Every version, newest first; each has its entry in the ledger."""
    with scope(request):
        rows = services.versions_of(services.risk_for(risk_id))
        return json_response({"versions": [version_json(row) for row in rows]})


@router.patch(
    "/api/risks/{risk_id}", auth=_MANAGE, summary="Change a risk", operation_id="change_risk", response=RiskOut
)
def changed(request: HttpRequest, risk_id: str, risk: ChangedRisk) -> HttpResponse:
    """Another version; what was proposed or accepted of the one before is stale. Recorded, and so is a refusal."""
    with scope(request, Doing("risk.change")) as standing:
        row = services.change_risk(standing, risk_id, risk.given(), reason=risk.reason, number=risk.number)
        return _answer(row)


@router.post(
    "/api/risks/{risk_id}/close", auth=_MANAGE, summary="Close a risk", operation_id="close_risk", response=RiskOut
)
def closed(request: HttpRequest, risk_id: str, why: RiskReason) -> HttpResponse:
    """Not as long as an exception that it mirrors holds. Recorded, and so is a refusal."""
    with scope(request, Doing("risk.close")) as standing:
        return _answer(services.close_risk(standing, risk_id, reason=why.reason, number=why.number))


@router.post(
    "/api/risks/{risk_id}/reopen",
    auth=_MANAGE,
    summary="Open a closed risk again",
    operation_id="reopen_risk",
    response=RiskOut,
)
def reopened(request: HttpRequest, risk_id: str, why: RiskReason) -> HttpResponse:
    """Recorded, and so is a refusal."""
    with scope(request, Doing("risk.change")) as standing:
        return _answer(services.reopen_risk(standing, risk_id, reason=why.reason, number=why.number))


def _question(request: HttpRequest, also: frozenset[str] = frozenset()) -> Question:
    check_query(request, frozenset(NAMES) | also)
    return read_question({name: str(value) for name, value in request.GET.items()}, also=also)


def _answer(row: Risk, *, status: int = 200) -> HttpResponse:
    accepted = services.accepted_among([row.id])
    return json_response(risk_json(row, services.matrix_in_force(), accepted.get(row.id)), status=status)
