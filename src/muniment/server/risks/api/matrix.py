"""The matrix, how many risks stand in its cells, and how that was on other days."""

from __future__ import annotations

from datetime import date
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from muniment.server.access.operations import Needs
from muniment.server.api.answers import json_response
from muniment.server.capabilities import Capability
from muniment.server.causality.api import check_query
from muniment.server.registers.operations import Doing, scope
from muniment.server.risks import services
from muniment.server.risks.answers import heat_json, matrix_json, snapshot_json, stored_json
from muniment.server.risks.question import NAMES, read_question
from muniment.server.risks.shapes import (
    HeatmapOut,
    NewMatrix,
    RiskMatrixList,
    RiskMatrixOut,
    SnapshotList,
    SnapshotOut,
)

_MANAGE: Final = Needs(Capability.RISK_MANAGE)
_DEFINE: Final = Needs(Capability.RISK_MANAGE, step_up=True)

router = Router(auth=Needs(Capability.EXCEPTION_READ), tags=["risks"])


@router.get("/api/risk-matrix", summary="The risk matrix", operation_id="risk_matrix", response=RiskMatrixOut)
def matrix(request: HttpRequest) -> HttpResponse:
    """The one in force."""
    with scope(request):
        return json_response(matrix_json(services.matrix_in_force()))


@router.get(
    "/api/risk-matrix/versions",
    summary="Versions of the risk matrix",
    operation_id="risk_matrix_versions",
    response=RiskMatrixList,
)
def versions(request: HttpRequest) -> HttpResponse:
    """Every one that the tenant defined, newest first."""
    with scope(request):
        return json_response({"matrices": [stored_json(row) for row in services.matrix_versions()]})


@router.put(
    "/api/risk-matrix",
    auth=_DEFINE,
    summary="Define the risk matrix",
    operation_id="save_risk_matrix",
    response=RiskMatrixOut,
)
def save(request: HttpRequest, wanted: NewMatrix) -> HttpResponse:
    """Its next version, in force from now on. A session needs a fresh second factor. Recorded, and so is a refusal."""
    with scope(request, Doing("risk.matrix")) as standing:
        row = services.save_matrix(standing, wanted.matrix(), reason=wanted.reason, number=wanted.number)
        return json_response(stored_json(row))


@router.get("/api/risk-heatmap", summary="Risks by cell", operation_id="risk_heatmap", response=HeatmapOut)
def heatmap(request: HttpRequest) -> HttpResponse:
    """How many risks stand in each cell; filters as of the list."""
    check_query(request, frozenset(NAMES))
    with scope(request):
        question = read_question({name: str(value) for name, value in request.GET.items()})
        return json_response(heat_json(services.heat(question)))


@router.get(
    "/api/risk-snapshots", summary="Snapshots of the register", operation_id="risk_snapshots", response=SnapshotList
)
def snapshots(request: HttpRequest, since: date | None = None) -> HttpResponse:
    """Oldest first; the newest 400."""
    check_query(request, frozenset({"since"}))
    with scope(request):
        return json_response({"snapshots": [snapshot_json(row) for row in services.snapshots(since=since)]})


@router.post(
    "/api/risk-snapshots",
    auth=_MANAGE,
    summary="Keep how the register stands",
    operation_id="take_risk_snapshot",
    response=SnapshotOut,
)
def take(request: HttpRequest) -> HttpResponse:
    """Recorded, unless nothing changed since the last one of today."""
    with scope(request, Doing("risk.snapshot")) as standing:
        row = services.take_snapshot(standing.tenant_id, timezone.now(), by=standing.subject)
        return json_response(snapshot_json(row))
