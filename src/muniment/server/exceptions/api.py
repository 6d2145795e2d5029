"""Exceptions for programs. Keys draft and submit where their service account may; people decide."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router

from muniment.server.access.operations import Needs
from muniment.server.api.answers import json_response
from muniment.server.capabilities import Capability
from muniment.server.exceptions import services
from muniment.server.exceptions.answers import (
    chain_json,
    chain_markdown,
    decision_json,
    exception_json,
    step_json,
)
from muniment.server.exceptions.models import PolicyException
from muniment.server.exceptions.shapes import (
    Asked,
    BasisOut,
    ChainOut,
    ChangedException,
    DecisionList,
    ExceptionList,
    ExceptionOut,
    NewDecision,
    NewException,
    StepComment,
    StepList,
)
from muniment.server.registers.operations import Doing, scope

_REQUEST: Final = Needs(Capability.EXCEPTION_REQUEST)
_APPROVE: Final = Needs(Capability.EXCEPTION_APPROVE)
_ATTEST: Final = Needs(Capability.EXCEPTION_REQUEST, Capability.EXCEPTION_APPROVE)
_ONE: Final = "/api/exceptions/{exception_id}"

router = Router(auth=Needs(Capability.EXCEPTION_READ), tags=["decisions"])


@router.get("/api/exceptions", summary="Exceptions", operation_id="exceptions", response=ExceptionList)
def listed(
    request: HttpRequest,
    state: Asked | None = None,
    policy: Annotated[str, Query(max_length=30)] = "",
    asset: Annotated[str, Query(max_length=30)] = "",
    mine: Annotated[bool, Query(description="only those that you asked for or own")] = False,
) -> HttpResponse:
    """Newest first, at most 500; the operations of tables page through all of them. `expiring_soon`: of the active."""
    with scope(request) as standing:
        asked = standing.subject if mine else ""
        rows = services.exceptions(state=state or "", asked_by=asked, policy=policy, asset=asset)
        renewed, now = services.renewals_of(rows), timezone.now()
        return json_response({"exceptions": [exception_json(row, now=now, renewed_by=renewed) for row in rows]})


@router.post(
    "/api/exceptions",
    auth=_REQUEST,
    summary="Draft an exception",
    operation_id="draft_exception",
    response={201: ExceptionOut},
)
def create(request: HttpRequest, wanted: NewException) -> HttpResponse:
    """A draft; nobody is asked to decide before it is submitted."""
    with scope(request, Doing("exception.create")) as standing:
        return _answer(services.create(standing, wanted.content), status=201)


@router.get(_ONE, summary="One exception", operation_id="exception", response=ExceptionOut)
def one(request: HttpRequest, exception_id: str) -> HttpResponse:
    """An exception as it stands."""
    with scope(request):
        return _answer(services.exception_for(exception_id))


@router.patch(_ONE, auth=_REQUEST, summary="Change a draft", operation_id="change_exception", response=ExceptionOut)
def change(request: HttpRequest, exception_id: str, changes: ChangedException) -> HttpResponse:
    """A draft, or what was returned. What was submitted is never edited."""
    with scope(request, _doing("change", exception_id)) as standing:
        return _answer(services.change(standing, exception_id, changes.given))


@router.post(
    f"{_ONE}/submit", auth=_REQUEST, summary="Submit an exception", operation_id="submit_exception",
    response=ExceptionOut,
)  # fmt: skip
def submit(request: HttpRequest, exception_id: str) -> HttpResponse:
    """Hands it in under the approval rules in force now, which it keeps."""
    with scope(request, _doing("submit", exception_id)) as standing:
        return _answer(services.submit(standing, exception_id))


@router.get(
    f"{_ONE}/basis", summary="What a decision would apply to", operation_id="exception_basis", response=BasisOut
)
def basis(request: HttpRequest, exception_id: str) -> HttpResponse:
    """With versions and digests as they stand now. Send `basis` with a decision, and it is refused if it changed."""
    with scope(request):
        frozen = services.basis_of(services.exception_for(exception_id))
        return json_response({"basis": frozen.basis, "applies_to": frozen.document})


@router.post(
    f"{_ONE}/decide", auth=_APPROVE, summary="Decide on an exception", operation_id="decide_exception",
    response=ExceptionOut,
)  # fmt: skip
def decide(request: HttpRequest, exception_id: str, said: NewDecision) -> HttpResponse:
    """Approve, return or reject what somebody else asked for. A person does; an API key is refused."""
    with scope(request, _doing(said.outcome, exception_id)) as standing:
        row = services.decide(
            standing, exception_id, said.outcome, comment=said.comment, seen=said.basis, steps=said.steps
        )
        return _answer(row)


@router.post(
    f"{_ONE}/withdraw", auth=_REQUEST, summary="Withdraw an exception", operation_id="withdraw_exception",
    response=ExceptionOut,
)  # fmt: skip
def withdraw(request: HttpRequest, exception_id: str, said: StepComment) -> HttpResponse:
    """One's own, also once it stands."""
    with scope(request, _doing("withdraw", exception_id)) as standing:
        return _answer(services.withdraw(standing, exception_id, comment=said.comment))


@router.post(
    f"{_ONE}/revoke", auth=_APPROVE, summary="Revoke an exception", operation_id="revoke_exception",
    response=ExceptionOut,
)  # fmt: skip
def revoke(request: HttpRequest, exception_id: str, said: StepComment) -> HttpResponse:
    """Ends what stands before its last day. A person does, who neither asked for it nor owns it."""
    with scope(request, _doing("revoke", exception_id)) as standing:
        return _answer(services.revoke(standing, exception_id, comment=said.comment))


@router.post(
    f"{_ONE}/attest", auth=_ATTEST, summary="Attest to an exception", operation_id="attest_exception",
    response=ExceptionOut,
)  # fmt: skip
def attest(request: HttpRequest, exception_id: str, said: StepComment) -> HttpResponse:
    """Its owner says that it is still as it was; once the decision is stale, an approver says that it still holds."""
    with scope(request, _doing("attest", exception_id)) as standing:
        return _answer(services.attest(standing, exception_id, comment=said.comment))


@router.post(
    f"{_ONE}/renew", auth=_REQUEST, summary="Renew an exception", operation_id="renew_exception",
    response={201: ExceptionOut},
)  # fmt: skip
def renew(request: HttpRequest, exception_id: str, given: ChangedException) -> HttpResponse:
    """Drafts a new exception that takes over; the one that is renewed ends on its day. Needs `expires_on`."""
    with scope(request, Doing("exception.create")) as standing:
        return _answer(services.renew(standing, exception_id, given.given), status=201)


@router.get(f"{_ONE}/steps", summary="Steps of an exception", operation_id="exception_steps", response=StepList)
def steps(request: HttpRequest, exception_id: str) -> HttpResponse:
    """Oldest first; each names its entry in the ledger."""
    with scope(request):
        found = services.steps_of(services.exception_for(exception_id))
        return json_response({"steps": [step_json(step) for step in found]})


@router.get(
    f"{_ONE}/decisions", summary="Decisions on an exception", operation_id="exception_decisions", response=DecisionList
)
def decisions(request: HttpRequest, exception_id: str) -> HttpResponse:
    """Oldest first; each with what it applied to."""
    with scope(request):
        found = services.decisions_of(services.exception_for(exception_id))
        return json_response({"decisions": [decision_json(decision) for decision in found]})


@router.get(f"{_ONE}/chain", summary="Chain of renewals", operation_id="exception_chain", response=ChainOut)
def chain(
    request: HttpRequest, exception_id: str, format: Annotated[Literal["json", "markdown"], Query()] = "json"
) -> HttpResponse:
    """The whole chain that an exception is part of, with every step and decision."""
    with scope(request):
        found = chain_json(services.chain(exception_id), now=timezone.now())
        if format == "json":
            return json_response(found)
        return HttpResponse(
            "".join(chain_markdown(found)),
            content_type="text/markdown; charset=utf-8",
            headers={
                "Content-Disposition": f'attachment; filename="{found["chain"]}.md"',
                "X-Content-Type-Options": "nosniff",
            },
        )


def _doing(kind: str, exception_id: str) -> Doing:
    known = exception_id.startswith("exc_") and exception_id.isascii() and len(exception_id) == 30
    return Doing(f"exception.{kind}", ("exception", exception_id) if known else None)


def _answer(row: PolicyException, *, status: int = 200) -> HttpResponse:
    found = exception_json(row, now=timezone.now(), renewed_by=services.renewals_of([row]))
    return json_response(found, status=status)
