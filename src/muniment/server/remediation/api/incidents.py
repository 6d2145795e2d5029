"""Incidents for programs."""

from __future__ import annotations

from typing import Final, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Router

from muniment.core.errors import Malformed
from muniment.server.access.operations import Needs
from muniment.server.api.answers import json_response
from muniment.server.capabilities import Capability
from muniment.server.causality.api import check_query
from muniment.server.registers.operations import PAGE, Cursor, Doing, Limit, Word, Words, scope
from muniment.server.registers.pages import one_page
from muniment.server.remediation import services
from muniment.server.remediation.answers import incident_json, step_json
from muniment.server.remediation.contents import IncidentContent
from muniment.server.remediation.services import incidents
from muniment.server.remediation.services.reading import incidents as find_incidents
from muniment.server.remediation.shapes import (
    ChangedIncident,
    IncidentList,
    IncidentOut,
    IncidentState,
    IncidentStep,
    NewIncident,
    RemediationSteps,
    Severity,
)

_LISTED: Final = frozenset({"state", "severity", "owner", "text", "after", "limit"})
_MANAGE: Final = Needs(Capability.REGISTER_MANAGE)
_CHANGE: Final = Doing(incidents.ACTION)

router = Router(auth=Needs(Capability.EXCEPTION_READ), tags=["remediation"])


@router.get("/api/incidents", summary="Incidents", operation_id="incidents", response=IncidentList)
def listed(
    request: HttpRequest,
    state: IncidentState | Literal["unfinished"] | None = None,
    severity: Severity | None = None,
    owner: Word = "",
    text: Words = "",
    after: Cursor = "",
    limit: Limit = PAGE,
) -> HttpResponse:
    """Incidents, newest first."""
    check_query(request, _LISTED)
    with scope(request):
        rows = find_incidents(state=state or "", severity=severity or "", owner=owner, text=text)
        found, following = one_page(rows, ("-id",), after, limit)
        return json_response({"incidents": [incident_json(row) for row in found], "next": following})


@router.post(
    "/api/incidents",
    auth=_MANAGE,
    summary="Open an incident",
    operation_id="create_incident",
    response={201: IncidentOut},
)
def create(request: HttpRequest, order: NewIncident) -> HttpResponse:
    """With when it started; recorded, and so is a refusal."""
    with scope(request, _CHANGE) as standing:
        row = incidents.create(standing, IncidentContent(**order.model_dump()))
        return json_response(incident_json(row), status=201)


@router.get("/api/incidents/{incident_id}", summary="One incident", operation_id="incident_case", response=IncidentOut)
def incident(request: HttpRequest, incident_id: str) -> HttpResponse:
    """An incident as it stands."""
    with scope(request):
        return json_response(incident_json(services.incident_for(incident_id)))


@router.get(
    "/api/incidents/{incident_id}/steps",
    summary="Steps of an incident",
    operation_id="incident_steps",
    response=RemediationSteps,
)
def steps(request: HttpRequest, incident_id: str) -> HttpResponse:
    """Every step that it took, oldest first; each has its entry in the ledger."""
    with scope(request):
        rows = services.steps_of(services.incident_for(incident_id))
        return json_response({"steps": [step_json(row) for row in rows]})


@router.patch(
    "/api/incidents/{incident_id}",
    auth=_MANAGE,
    summary="Change an incident",
    operation_id="change_incident",
    response=IncidentOut,
)
def change(request: HttpRequest, incident_id: str, changes: ChangedIncident) -> HttpResponse:
    """What it says; recorded, and so is a refusal."""
    with scope(request, _CHANGE) as standing:
        row = incidents.change(standing, incident_id, changes.given, comment=changes.comment, number=changes.number)
        return json_response(incident_json(row))


@router.post(
    "/api/incidents/{incident_id}/steps",
    auth=_MANAGE,
    summary="A step of an incident",
    operation_id="incident_step",
    response=IncidentOut,
)
def take(request: HttpRequest, incident_id: str, order: IncidentStep) -> HttpResponse:
    """Contain, resolve, close or reopen it, or add entries of the ledger as evidence; recorded, as are refusals."""
    with scope(request, _CHANGE) as standing:
        _check_goes_with(order)
        seen = order.number
        match order.step:
            case "contain":
                row = incidents.contain(standing, incident_id, order.comment, number=seen)
            case "resolve":
                row = incidents.resolve(standing, incident_id, order.comment, at=order.at, number=seen)
            case "close":
                row = incidents.close(standing, incident_id, order.comment, lessons=order.lessons, number=seen)
            case "reopen":
                row = incidents.reopen(standing, incident_id, order.comment, number=seen)
            case "evidence":
                row = incidents.add_entries(standing, incident_id, order.entries, comment=order.comment, number=seen)
        return json_response(incident_json(row))


def _check_goes_with(order: IncidentStep) -> None:
    if order.entries and order.step != "evidence":
        raise Malformed("goes with evidence", "entries")
    if order.at is not None and order.step != "resolve":
        raise Malformed("goes with resolve", "at")
    if order.lessons is not None and order.step != "close":
        raise Malformed("goes with close", "lessons")
