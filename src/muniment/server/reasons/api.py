"""Reasons for changes, for programs."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema
from pydantic import ConfigDict

from muniment.core.errors import Malformed
from muniment.server.access.operations import Needs, standing_in
from muniment.server.api.answers import json_response
from muniment.server.capabilities import Capability
from muniment.server.causality.api import check_query
from muniment.server.moments import moment
from muniment.server.populations.question import read_question
from muniment.server.problems import refuse
from muniment.server.reasons import services
from muniment.server.reasons.workflow import own_changes, source_changes
from muniment.server.tenants.scope import tenant_scope

router = Router(auth=Needs(Capability.BODY_READ), tags=["evidence"])
_MANAGE = Needs(Capability.TENANT_MANAGE)


class Required(Schema):
    """Which actions need a reason, in place of those from before."""

    model_config = ConfigDict(extra="forbid", strict=True)

    actions: Annotated[list[str], Field(max_length=200, description="exact, `x.deploy.*` or `x.*`")]


class RequiredOut(Schema):
    """Which actions need a reason, and which could."""

    actions: list[str]
    sources: list[str]
    own: list[str]


class ChangeOut(Schema):
    """A change; `state`: given, none, erased (its body was), or withheld (the ledger has no copy of its body)."""

    seq: int
    recorded_at: str
    action: str
    actor: str
    outcome: str
    entry_hash: str
    state: str
    reason: str | None


class ChangeList(Schema):
    """Changes, newest first; `examined` were looked at for them."""

    changes: list[ChangeOut]
    examined: int
    below: int | None


@router.get("/api/changes", summary="Changes and their reasons", operation_id="changes", response=ChangeList)
def changes(
    request: HttpRequest,
    action: Annotated[
        str | None, Query(max_length=64, description="of the changes; all registered ones by default")
    ] = None,
    state: Annotated[str | None, Query(max_length=16, description="given, none, erased or withheld")] = None,
    text: Annotated[
        str | None, Query(max_length=200, description="that the reason contains, whatever its case")
    ] = None,
    since: Annotated[str | None, Query(alias="from", max_length=40, description="recorded at or after")] = None,
    until: Annotated[str | None, Query(alias="to", max_length=40, description="recorded before")] = None,
    below: Annotated[int | None, Query(ge=0, le=2**53, description="of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> HttpResponse:
    """Looks at up to 2,000 changes, says at how many, and gives the place from which to go on."""
    check_query(request, frozenset({"action", "state", "text", "from", "to", "below", "limit"}))
    standing = standing_in(request)
    period = read_question({"from": since, "to": until}).asked
    with tenant_scope(standing.tenant_id):
        page = services.changes(
            standing,
            actions=[action] if action else [],
            state=state or "",
            text=text or "",
            since=period.since,
            until=period.until,
            below=below,
            limit=limit,
        )
    return json_response(
        {"changes": [change_json(one) for one in page.changes], "examined": page.examined, "below": page.cursor}
    )


@router.get(
    "/api/changes/required",
    summary="Which changes need a reason",
    operation_id="required_reasons",
    response=RequiredOut,
)
def required(request: HttpRequest) -> HttpResponse:
    """What is registered, and what could be."""
    with tenant_scope(standing_in(request).tenant_id):
        return json_response(_required())


@router.put(
    "/api/changes/required",
    auth=_MANAGE,
    summary="Say which changes need a reason",
    operation_id="require_reasons",
    response=RequiredOut,
)
def require(request: HttpRequest, order: Required) -> HttpResponse:
    """Holds for what is submitted from now on; recorded."""
    standing = standing_in(request)
    try:
        with tenant_scope(standing.tenant_id):
            services.require_reasons(standing, order.actions)
            return json_response(_required())
    except Malformed as error:
        raise refuse("invalid-request", error.reason, field=error.where) from None


def change_json(one: services.Change) -> dict[str, Any]:
    """A change as JSON."""
    return {
        "seq": one.seq,
        "recorded_at": moment(one.recorded_at),
        "action": one.action,
        "actor": one.actor,
        "outcome": one.outcome,
        "entry_hash": one.entry_hash.hex(),
        "state": one.state,
        "reason": one.reason or None,
    }


def _required() -> dict[str, list[str]]:
    return {
        "actions": list(services.registered_actions()),
        "sources": list(source_changes()),
        "own": list(own_changes()),
    }
