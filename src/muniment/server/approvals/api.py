"""Rules of approval and delegations for programs."""

from __future__ import annotations

from typing import Annotated, Final

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router

from muniment.server.access.operations import Needs
from muniment.server.api.answers import json_response
from muniment.server.approvals import services
from muniment.server.approvals.answers import (
    delegation_json,
    faults_json,
    lines_json,
    preview_json,
    version_json,
)
from muniment.server.approvals.shapes import (
    ApprovalAnswer,
    ApprovalInForce,
    ApprovalQuestion,
    ApprovalVersion,
    ApprovalVersions,
    DelegationEnd,
    DelegationList,
    DelegationOut,
    NewApprovalRules,
    NewDelegation,
)
from muniment.server.approvals.wording import compared, lines_of
from muniment.server.approvals.workflow import DEFAULT_ID
from muniment.server.capabilities import Capability
from muniment.server.causality.api import check_query
from muniment.server.registers.operations import Doing, scope

_MANAGE: Final = Needs(Capability.WORKFLOW_MANAGE)
# Whoever approves delegates for themselves, whoever manages the rules for others: the services tell them apart.
_AWAY: Final = Needs(Capability.EXCEPTION_APPROVE, Capability.WORKFLOW_MANAGE)
_CHANGE: Final = Doing(services.ACTION)
_DELEGATE: Final = Doing(services.DELEGATION_ACTION)

router = Router(auth=Needs(Capability.EXCEPTION_READ), tags=["approvals"])


@router.get(
    "/api/approval-rules",
    summary="Rules of approval in force",
    operation_id="approval_rules",
    response=ApprovalInForce,
)
def in_force(request: HttpRequest) -> HttpResponse:
    """By which what is submitted now is approved, and what is wrong with that, given who is there."""
    with scope(request):
        rules = services.rules_in_force()
        said = version_json(rules, services.newest(), services.names_for(rules), in_force=True)
        return json_response({**said, "faults": faults_json(services.faults_of(rules))})


@router.put(
    "/api/approval-rules",
    auth=_MANAGE,
    summary="Change the rules of approval",
    operation_id="change_approval_rules",
    response=ApprovalVersion,
)
def change(request: HttpRequest, wanted: NewApprovalRules) -> HttpResponse:
    """Adds a version, for what is submitted from now on. Recorded, and so is a refusal."""
    with scope(request, _CHANGE) as standing:
        row = services.save_rules(standing, wanted.rules.rules(), comment=wanted.comment, number=wanted.number)
        rules = services.rules_in(row)
        return json_response(version_json(rules, row, services.names_for(rules), in_force=True))


@router.post(
    "/api/approval-rules/check",
    summary="Try rules of approval",
    operation_id="check_approval_rules",
    response=ApprovalAnswer,
)
def check(request: HttpRequest, question: ApprovalQuestion) -> HttpResponse:
    """What is wrong with rules, how they differ from those in force, and who could decide on a case. Saves nothing."""
    with scope(request):
        now = services.rules_in_force()
        rules = now if question.rules is None else services.resolved(question.rules.rules())
        found = None
        if question.case is not None:
            found = services.preview(
                rules, services.case_of(question.case.case()), requester=services.requester_of(question.case.requester)
            )
        difference = compared(lines_of(now, services.names_for(now)), lines_of(rules, services.names_for(rules)))
        return json_response(
            {
                "faults": faults_json(services.faults_of(rules)),
                "difference": lines_json(difference),
                "preview": None if found is None else preview_json(found),
            }
        )


@router.get(
    "/api/approval-rules/versions",
    summary="Versions of the rules of approval",
    operation_id="approval_rules_versions",
    response=ApprovalVersions,
)
def versions(request: HttpRequest) -> HttpResponse:
    """Every version that was written, newest first; each has its entry in the ledger."""
    with scope(request):
        names = services.names()
        rows = services.versions()
        found = [
            version_json(services.rules_in(row), row, names, in_force=place == 0) for place, row in enumerate(rows)
        ]
        return json_response({"versions": found})


@router.get(
    "/api/approval-rules/versions/{rules_id}",
    summary="One version of the rules of approval",
    operation_id="approval_rules_version",
    response=ApprovalVersion,
)
def version(request: HttpRequest, rules_id: str) -> HttpResponse:
    """The rules under which a case runs; `wfv_default` are those of a tenant that wrote none."""
    with scope(request):
        rules = services.rules_of(rules_id)
        row = None if rules_id == DEFAULT_ID else services.version_for(rules_id)
        in_force = services.rules_in_force().id == rules.id
        return json_response(version_json(rules, row, services.names_for(rules), in_force=in_force))


@router.get("/api/delegations", summary="Delegations", operation_id="delegations", response=DelegationList)
def delegations(
    request: HttpRequest,
    person: Annotated[str, Query(max_length=64, description="user:usr_…, who is away or stands in")] = "",
    over: Annotated[bool, Query(description="also what has ended or was revoked")] = False,
) -> HttpResponse:
    """Who is away, and who decides for them; the latest days first, at most 500."""
    check_query(request, frozenset({"person", "over"}))
    with scope(request):
        now = timezone.now()
        rows = services.delegations(person=person, over=over, now=now)
        ends = services.revocations_of(rows)
        return json_response({"delegations": [delegation_json(row, ends.get(row.id), now) for row in rows]})


@router.post(
    "/api/delegations",
    auth=_AWAY,
    summary="Be away",
    operation_id="create_delegation",
    response={201: DelegationOut},
)
def delegate(request: HttpRequest, wanted: NewDelegation) -> HttpResponse:
    """Says that somebody is away, and who decides for them. Recorded, and so is a refusal."""
    with scope(request, _DELEGATE) as standing:
        row = services.delegate(standing, **wanted.model_dump())
        return json_response(delegation_json(row, None, timezone.now()), status=201)


@router.get(
    "/api/delegations/{delegation_id}", summary="One delegation", operation_id="delegation", response=DelegationOut
)
def delegation(request: HttpRequest, delegation_id: str) -> HttpResponse:
    """A delegation, also one that is over."""
    with scope(request):
        row = services.delegation_for(delegation_id)
        return json_response(delegation_json(row, services.revocations_of([row]).get(row.id), timezone.now()))


@router.post(
    "/api/delegations/{delegation_id}/revoke",
    auth=_AWAY,
    summary="Be back",
    operation_id="revoke_delegation",
    response=DelegationOut,
)
def revoke(request: HttpRequest, delegation_id: str, order: DelegationEnd) -> HttpResponse:
    """Ends a delegation from now on. Recorded, and so is a refusal."""
    with scope(request, _DELEGATE) as standing:
        end = services.revoke_delegation(standing, delegation_id, comment=order.comment)
        return json_response(delegation_json(services.delegation_for(delegation_id), end, timezone.now()))
