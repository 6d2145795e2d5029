"""The policy library for programs."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from ninja import Router

from muniment.server.access.operations import Needs
from muniment.server.api.answers import json_response
from muniment.server.capabilities import Capability
from muniment.server.causality.api import check_query
from muniment.server.policies import services
from muniment.server.policies.answers import policy_json
from muniment.server.policies.shapes import (
    ChangedPolicy,
    NewPolicy,
    PolicyList,
    PolicyRetirement,
    PolicyStatus,
    PolicyVersionList,
    PolicyVersionOut,
)
from muniment.server.policies.workflow import Definition
from muniment.server.registers.operations import PAGE, Cursor, Doing, Limit, Word, Words, scope
from muniment.server.registers.pages import one_page

_LISTED: Final = frozenset({"status", "owner", "text", "after", "limit"})
_MANAGE: Final = Needs(Capability.REGISTER_MANAGE)
_CHANGE: Final = Doing(services.ACTION)

router = Router(auth=Needs(Capability.EXCEPTION_READ), tags=["registers"])


@router.get("/api/policies", summary="Policies", operation_id="policies", response=PolicyList)
def listed(
    request: HttpRequest,
    status: PolicyStatus | None = None,
    owner: Word = "",
    text: Words = "",
    after: Cursor = "",
    limit: Limit = PAGE,
) -> HttpResponse:
    """The policies as they stand, retired ones too, by code."""
    check_query(request, _LISTED)
    with scope(request):
        rows = services.policies(status=status or "", owner=owner, text=text).defer("text")
        found, following = one_page(rows, ("code",), after, limit)
        return json_response({"policies": [policy_json(row, text=False) for row in found], "next": following})


@router.post(
    "/api/policies",
    auth=_MANAGE,
    summary="Bring in a policy",
    operation_id="create_policy",
    response={201: PolicyVersionOut},
)
def create(request: HttpRequest, policy: NewPolicy) -> HttpResponse:
    """Its first version; recorded, and so is a refusal."""
    said = policy.model_dump(exclude={"code"})
    with scope(request, _CHANGE) as standing:
        return json_response(policy_json(services.create(standing, Definition(**said), code=policy.code)), status=201)


@router.get("/api/policies/{policy_id}", summary="One policy", operation_id="policy", response=PolicyVersionOut)
def policy(request: HttpRequest, policy_id: str) -> HttpResponse:
    """A policy as it stands, by its id or code."""
    with scope(request):
        return json_response(policy_json(services.policy_for(policy_id)))


@router.get(
    "/api/policies/{policy_id}/versions",
    summary="Versions of a policy",
    operation_id="policy_versions",
    response=PolicyVersionList,
)
def versions(request: HttpRequest, policy_id: str) -> HttpResponse:
    """Every version without its text, oldest first; each has its entry in the ledger."""
    with scope(request):
        rows = services.history_of(policy_id)
        return json_response({"versions": [policy_json(row, text=False) for row in rows]})


@router.get(
    "/api/policies/{policy_id}/versions/{int:number}",
    summary="A version of a policy",
    operation_id="policy_version",
    response=PolicyVersionOut,
)
def version(request: HttpRequest, policy_id: str, number: int) -> HttpResponse:
    """One version with its text."""
    with scope(request):
        return json_response(policy_json(services.version_of(policy_id, number)))


@router.patch(
    "/api/policies/{policy_id}",
    auth=_MANAGE,
    summary="Change a policy",
    operation_id="change_policy",
    response=PolicyVersionOut,
)
def change(request: HttpRequest, policy_id: str, changes: ChangedPolicy) -> HttpResponse:
    """Adds a version; recorded, and so is a refusal."""
    with scope(request, _CHANGE) as standing:
        row = services.change(standing, policy_id, changes.given, number=changes.number)
        return json_response(policy_json(row))


@router.post(
    "/api/policies/{policy_id}/retire",
    auth=_MANAGE,
    summary="Retire a policy",
    operation_id="retire_policy",
    response=PolicyVersionOut,
)
def retire(request: HttpRequest, policy_id: str, order: PolicyRetirement) -> HttpResponse:
    """Ends a policy; it stays readable, and its code is not used again."""
    with scope(request, _CHANGE) as standing:
        return json_response(policy_json(services.retire(standing, policy_id, order.reason, number=order.number)))
