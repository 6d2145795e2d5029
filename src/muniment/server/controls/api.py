"""The tenant's own controls for programs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from muniment.core.errors import Malformed, Refused
from muniment.ledger.proofs import NotSealed
from muniment.server.access.operations import Needs, standing_in
from muniment.server.access.standing import Standing
from muniment.server.api.answers import json_response
from muniment.server.capabilities import Capability
from muniment.server.causality.api import check_query
from muniment.server.controls import services
from muniment.server.controls.answers import control_json, controls_table, import_json
from muniment.server.controls.shapes import (
    ChangedControl,
    ControlList,
    ControlOut,
    ImportOut,
    NewControl,
    NewTable,
    Retirement,
    Status,
    VersionList,
)
from muniment.server.controls.workflow import Definition
from muniment.server.problems import refuse
from muniment.server.tenants.scope import tenant_scope

_LISTED: Final = frozenset({"status", "framework", "owner"})
_MANAGE: Final = Needs(Capability.CONTROL_MANAGE)

Name = Annotated[str, Query(max_length=64)]

router = Router(auth=Needs(Capability.LEDGER_READ), tags=["evidence"])


@contextmanager
def scope(request: HttpRequest, action: str = "", control: str = "") -> Iterator[Standing]:
    """Run the block in the scope of the caller's tenant; what is refused of `action` is recorded after it.

    Raises:
        ProblemError: not-found, or invalid-request with the field.
    """
    standing = standing_in(request)
    try:
        with tenant_scope(standing.tenant_id):
            yield standing
    except NotSealed:
        raise
    except services.NoSuch as error:
        raise refuse("not-found", error.reason) from None
    except (Malformed, Refused) as error:
        if action:
            with tenant_scope(standing.tenant_id):
                services.record_refused(standing, action, control, error)
        raise refuse("invalid-request", error.reason, field=error.where) from None


@router.get("/api/controls", summary="Own controls", operation_id="controls", response=ControlList)
def listed(
    request: HttpRequest, status: Status | None = None, framework: Name | None = None, owner: Name | None = None
) -> HttpResponse:
    """The tenant's controls as they stand, retired ones too, by id."""
    check_query(request, _LISTED)
    with scope(request) as standing:
        rows = services.controls(standing, status=status or "", framework=framework or "", owner=owner or "")
        return json_response({"controls": [control_json(row) for row in rows]})


@router.get("/api/controls.csv", summary="Own controls as a table", operation_id="controls_table")
def table(request: HttpRequest) -> HttpResponse:
    """The same as CSV that can be imported again; versions before the newest are not in it."""
    check_query(request, frozenset())
    with scope(request) as standing:
        return HttpResponse(
            "".join(controls_table(services.controls(standing))),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="controls.csv"', "X-Content-Type-Options": "nosniff"},
        )


@router.post(
    "/api/controls",
    auth=_MANAGE,
    summary="Define a control",
    operation_id="define_control",
    response={201: ControlOut},
)
def define(request: HttpRequest, control: NewControl) -> HttpResponse:
    """Defines a control of the tenant's own; recorded, and so is a refusal."""
    given = control.model_dump(exclude={"id"})
    with scope(request, "control.define", control.id) as standing:
        said = Definition(**{**given, "criteria": tuple(given["criteria"])})
        return json_response(control_json(services.define(standing, control.id, said)), status=201)


@router.post(
    "/api/controls/import",
    auth=_MANAGE,
    summary="Import controls",
    operation_id="import_controls",
    response=ImportOut,
)
def bring_in(request: HttpRequest, order: NewTable) -> HttpResponse:
    """Every row of a table, or none if one is wrong; or a draft for each criterion of a framework."""
    with scope(request, "" if order.dry_run else "control.define") as standing:
        if order.starter is not None:
            found = services.import_starter(standing, order.starter, owner=order.owner, dry_run=order.dry_run)
        else:
            found = services.import_table(standing, order.csv or "", dry_run=order.dry_run)
        return json_response(import_json(found))


@router.get("/api/controls/{control_id}", summary="One control", operation_id="control", response=ControlOut)
def control(request: HttpRequest, control_id: str) -> HttpResponse:
    """A control as it stands, by its id `own:…`."""
    with scope(request) as standing:
        return json_response(control_json(services.control_for(standing, control_id)))


@router.get(
    "/api/controls/{control_id}/versions",
    summary="Versions of a control",
    operation_id="control_versions",
    response=VersionList,
)
def versions(request: HttpRequest, control_id: str) -> HttpResponse:
    """Every version, oldest first; each has its entry in the ledger."""
    with scope(request) as standing:
        return json_response({"versions": [control_json(row) for row in services.history_of(standing, control_id)]})


@router.patch(
    "/api/controls/{control_id}",
    auth=_MANAGE,
    summary="Change a control",
    operation_id="change_control",
    response=ControlOut,
)
def change(request: HttpRequest, control_id: str, changes: ChangedControl) -> HttpResponse:
    """Adds a version; recorded, and so is a refusal."""
    with scope(request, "control.change", control_id) as standing:
        row = services.change(standing, control_id, changes.given, number=changes.number)
        return json_response(control_json(row))


@router.post(
    "/api/controls/{control_id}/retire",
    auth=_MANAGE,
    summary="Retire a control",
    operation_id="retire_control",
    response=ControlOut,
)
def retire(request: HttpRequest, control_id: str, order: Retirement) -> HttpResponse:
    """Ends a control; it stays readable, and its id is not used again."""
    with scope(request, "control.retire", control_id) as standing:
        row = services.retire(standing, control_id, order.reason, on=order.on, number=order.number)
        return json_response(control_json(row))
