"""Findings for programs."""

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
from muniment.server.remediation.answers import finding_json, step_json
from muniment.server.remediation.contents import FindingContent
from muniment.server.remediation.services import findings
from muniment.server.remediation.services.reading import findings as find_findings
from muniment.server.remediation.shapes import (
    ChangedFinding,
    FindingList,
    FindingOut,
    FindingSource,
    FindingState,
    FindingStep,
    NewFinding,
    RemediationSteps,
    Severity,
)

_LISTED: Final = frozenset(
    {
        "state",
        "severity",
        "source",
        "owner",
        "control",
        "asset",
        "incident",
        "exception",
        "text",
        "overdue",
        "after",
        "limit",
    }
)
_MANAGE: Final = Needs(Capability.REGISTER_MANAGE)
_CHANGE: Final = Doing(findings.ACTION)

router = Router(auth=Needs(Capability.EXCEPTION_READ), tags=["remediation"])


@router.get("/api/findings", summary="Findings", operation_id="findings", response=FindingList)
def listed(
    request: HttpRequest,
    state: FindingState | Literal["unfinished"] | None = None,
    severity: Severity | None = None,
    source: FindingSource | None = None,
    owner: Word = "",
    control: Words = "",
    asset: Word = "",
    incident: Word = "",
    exception: Word = "",
    text: Words = "",
    overdue: bool = False,
    after: Cursor = "",
    limit: Limit = PAGE,
) -> HttpResponse:
    """Findings, newest first."""
    check_query(request, _LISTED)
    with scope(request):
        rows = find_findings(
            state=state or "",
            severity=severity or "",
            source=source or "",
            owner=owner,
            control=control,
            asset=asset,
            incident=incident,
            exception=exception,
            text=text,
            overdue=overdue,
        )
        found, following = one_page(rows, ("-id",), after, limit)
        return json_response({"findings": [finding_json(row) for row in found], "next": following})


@router.post(
    "/api/findings", auth=_MANAGE, summary="Open a finding", operation_id="create_finding", response={201: FindingOut}
)
def create(request: HttpRequest, order: NewFinding) -> HttpResponse:
    """From a sample, an audit, an alert, an incident or by hand; recorded, and so is a refusal."""
    with scope(request, _CHANGE) as standing:
        given = order.model_dump(exclude={"incident"})
        said = FindingContent(**{**given, "controls": tuple(order.controls)})
        return json_response(finding_json(findings.create(standing, said, incident=order.incident)), status=201)


@router.get("/api/findings/{finding_id}", summary="One finding", operation_id="finding", response=FindingOut)
def finding(request: HttpRequest, finding_id: str) -> HttpResponse:
    """A finding as it stands."""
    with scope(request):
        return json_response(finding_json(services.finding_for(finding_id)))


@router.get(
    "/api/findings/{finding_id}/steps",
    summary="Steps of a finding",
    operation_id="finding_steps",
    response=RemediationSteps,
)
def steps(request: HttpRequest, finding_id: str) -> HttpResponse:
    """Every step that it took, oldest first; each has its entry in the ledger."""
    with scope(request):
        rows = services.steps_of(services.finding_for(finding_id))
        return json_response({"steps": [step_json(row) for row in rows]})


@router.patch(
    "/api/findings/{finding_id}",
    auth=_MANAGE,
    summary="Change a finding",
    operation_id="change_finding",
    response=FindingOut,
)
def change(request: HttpRequest, finding_id: str, changes: ChangedFinding) -> HttpResponse:
    """What it says; recorded, and so is a refusal."""
    with scope(request, _CHANGE) as standing:
        row = findings.change(standing, finding_id, changes.given, comment=changes.comment, number=changes.number)
        return json_response(finding_json(row))


@router.post(
    "/api/findings/{finding_id}/steps", summary="A step of a finding", operation_id="finding_step", response=FindingOut
)
def take(request: HttpRequest, finding_id: str, order: FindingStep) -> HttpResponse:
    """Start, resolve, verify, accept or reopen it; verifying and accepting need a person."""
    with scope(request, _CHANGE) as standing:
        evidence = tuple(order.evidence)
        if evidence and order.step not in ("resolve", "verify"):
            raise Malformed("goes with resolve and verify", "evidence")
        if order.exception and order.step != "accept":
            raise Malformed("goes with accept", "exception")
        match order.step:
            case "start":
                row = findings.start(standing, finding_id, comment=order.comment, number=order.number)
            case "resolve":
                row = findings.resolve(standing, finding_id, order.comment, evidence=evidence, number=order.number)
            case "verify":
                row = findings.verify(standing, finding_id, order.comment, evidence=evidence, number=order.number)
            case "accept":
                row = findings.accept(standing, finding_id, order.comment, order.exception, number=order.number)
            case "reopen":
                row = findings.reopen(standing, finding_id, order.comment, number=order.number)
        return json_response(finding_json(row))
