"""Accepting risks: proposing it as whoever manages them, deciding as somebody else, in person."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from ninja import Router

from muniment.server.access.operations import Needs, standing_in
from muniment.server.access.refusals import address_of, record_refusal
from muniment.server.api.answers import json_response
from muniment.server.capabilities import Capability
from muniment.server.problems import refuse as problem
from muniment.server.registers.operations import Doing, scope
from muniment.server.risks import services
from muniment.server.risks.answers import acceptance_json
from muniment.server.risks.models import Acceptance
from muniment.server.risks.shapes import (
    AcceptanceComment,
    AcceptanceList,
    AcceptanceOut,
    AcceptanceWithdrawal,
    NewAcceptance,
)

_MANAGE: Final = Needs(Capability.RISK_MANAGE)
_ACCEPT: Final = Needs(Capability.RISK_ACCEPT)

router = Router(auth=Needs(Capability.EXCEPTION_READ), tags=["risks"])


@router.get(
    "/api/risks/{risk_id}/acceptances",
    summary="Acceptances of a risk",
    operation_id="risk_acceptances",
    response=AcceptanceList,
)
def listed(request: HttpRequest, risk_id: str) -> HttpResponse:
    """Every proposal with what was decided on it, newest first."""
    with scope(request):
        rows = services.acceptances_of(services.risk_for(risk_id))
        return json_response({"acceptances": [acceptance_json(row, decision) for row, decision in rows]})


@router.post(
    "/api/risks/{risk_id}/acceptances",
    auth=_MANAGE,
    summary="Propose to accept a risk",
    operation_id="propose_acceptance",
    response={201: AcceptanceOut},
)
def proposed(request: HttpRequest, risk_id: str, proposal: NewAcceptance) -> HttpResponse:
    """As it stands, until a day. Somebody else decides. Recorded, and so is a refusal."""
    with scope(request, Doing("risk.propose")) as standing:
        row = services.propose(
            standing,
            risk_id,
            reason=proposal.reason,
            until=proposal.until,
            zone=proposal.zone,
            number=proposal.number,
        )
        return _answer(row, status=201)


@router.post(
    "/api/risk-acceptances/{acceptance_id}/accept",
    auth=_ACCEPT,
    summary="Accept a risk",
    operation_id="accept_risk",
    response=AcceptanceOut,
)
def accepted(request: HttpRequest, acceptance_id: str, said: AcceptanceComment) -> HttpResponse:
    """As a person who neither owns nor proposed it; a key is refused. Recorded, and so is a refusal."""
    _check_person(request)
    with scope(request, Doing("risk.accept")) as standing:
        return _answer(services.decide(standing, acceptance_id, "accepted", comment=said.comment, digest=said.digest))


@router.post(
    "/api/risk-acceptances/{acceptance_id}/refuse",
    auth=_ACCEPT,
    summary="Refuse to accept a risk",
    operation_id="refuse_acceptance",
    response=AcceptanceOut,
)
def refused(request: HttpRequest, acceptance_id: str, said: AcceptanceComment) -> HttpResponse:
    """As a person who neither owns nor proposed it; a key is refused. Recorded, and so is a refusal."""
    _check_person(request)
    with scope(request, Doing("risk.refuse")) as standing:
        return _answer(services.decide(standing, acceptance_id, "refused", comment=said.comment, digest=said.digest))


@router.post(
    "/api/risk-acceptances/{acceptance_id}/revoke",
    auth=_ACCEPT,
    summary="Revoke an acceptance",
    operation_id="revoke_acceptance",
    response=AcceptanceOut,
)
def revoked(request: HttpRequest, acceptance_id: str, said: AcceptanceComment) -> HttpResponse:
    """Before its day, as a person; a key is refused. Recorded, and so is a refusal."""
    _check_person(request)
    with scope(request, Doing("risk.lapse")) as standing:
        return _answer(services.revoke(standing, acceptance_id, comment=said.comment))


@router.post(
    "/api/risk-acceptances/{acceptance_id}/withdraw",
    auth=_MANAGE,
    summary="Withdraw a proposal to accept a risk",
    operation_id="withdraw_acceptance",
    response=AcceptanceOut,
)
def withdrawn(request: HttpRequest, acceptance_id: str, why: AcceptanceWithdrawal) -> HttpResponse:
    """Before it was decided on. Recorded, and so is a refusal."""
    with scope(request, Doing("risk.lapse")) as standing:
        return _answer(services.withdraw(standing, acceptance_id, reason=why.reason))


def _check_person(request: HttpRequest) -> None:
    """Refuse a key, whatever its service account may do.

    Raises:
        ProblemError: wrong-scope.
    """
    standing = standing_in(request)
    if standing.subject.startswith("user:"):
        return
    record_refusal(
        standing.tenant_id,
        by=standing.subject,
        resource=("operation", address_of(request)),
        labels={"reason": "not-a-person", "method": request.method or ""},
    )
    raise problem("wrong-scope", "a person accepts a risk, by their own session; an API key cannot")


def _answer(row: Acceptance, *, status: int = 200) -> HttpResponse:
    return json_response(acceptance_json(row, services.decision_on(row)), status=status)
