"""The policy of data protection, and what was refused, for programs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.http import HttpRequest, HttpResponse
from ninja import Router

from muniment.core.errors import Malformed, Refused
from muniment.server.access.operations import Needs, standing_in
from muniment.server.access.standing import Standing
from muniment.server.api.answers import json_response
from muniment.server.capabilities import Capability
from muniment.server.dlp import services
from muniment.server.dlp.answers import policy_json, verdict_json, version_json
from muniment.server.dlp.services.policies import policy_from
from muniment.server.dlp.shapes import (
    DlpPolicyOut,
    DlpPolicyVersionOut,
    DlpPolicyVersions,
    DlpVerdictList,
    NewDlpPolicy,
)
from muniment.server.problems import refuse
from muniment.server.tenants.scope import tenant_scope

router = Router(auth=Needs(Capability.EXCEPTION_READ), tags=["data protection"])


@contextmanager
def scope(request: HttpRequest) -> Iterator[Standing]:
    """Run the block in the scope of the caller's tenant, refusals answered as problems.

    Raises:
        ProblemError: invalid-request with the field.
    """
    standing = standing_in(request)
    try:
        with tenant_scope(standing.tenant_id):
            yield standing
    except (Malformed, Refused) as error:
        raise refuse("invalid-request", error.reason, field=error.where) from None


@router.get("/api/dlp/policy", summary="What files are searched for", operation_id="dlp_policy", response=DlpPolicyOut)
def policy(request: HttpRequest) -> HttpResponse:
    """The policy in force; number 0 while the tenant has written none."""
    with scope(request):
        return json_response(policy_json(*services.policy_in_force()))


@router.put(
    "/api/dlp/policy",
    auth=Needs(Capability.DLP_MANAGE),
    summary="Change what files are searched for",
    operation_id="change_dlp_policy",
    response=DlpPolicyVersionOut,
)
def change(request: HttpRequest, order: NewDlpPolicy) -> HttpResponse:
    """Puts another policy in force; recorded. Files that were judged stay as they are until they are scanned again."""
    with scope(request) as standing:
        rules = {name: rule.model_dump() for name, rule in order.rules.items()}
        wanted = policy_from(rules, [one.model_dump() for one in order.patterns])
        return json_response(version_json(services.change_policy(standing, wanted, number=order.number)))


@router.get(
    "/api/dlp/policy/versions",
    summary="Versions of the policy",
    operation_id="dlp_policy_versions",
    response=DlpPolicyVersions,
)
def versions(request: HttpRequest) -> HttpResponse:
    """The newest 100, newest first; each has its entry in the ledger."""
    with scope(request):
        return json_response({"versions": [version_json(row) for row in services.policy_versions()]})


@router.get(
    "/api/dlp/refusals", summary="Files that were refused", operation_id="dlp_refusals", response=DlpVerdictList
)
def refusals(request: HttpRequest) -> HttpResponse:
    """The newest 200, with their hashes and what was found by kind and count; their bytes were not kept."""
    with scope(request):
        return json_response({"verdicts": [verdict_json(row, None) for row in services.refusals()]})
