"""Exports for programs: made once, taken as often as needed, from where a download was cut off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Router

from muniment.core.errors import Malformed, Refused
from muniment.ledger.proofs import NotSealed
from muniment.server.access.operations import Needs, standing_in
from muniment.server.access.standing import Standing
from muniment.server.api.answers import json_response
from muniment.server.capabilities import Capability
from muniment.server.exports import services
from muniment.server.exports.answers import export_json
from muniment.server.exports.shapes import ExportList, ExportOut, NewExport, Taken
from muniment.server.exports.streaming import opened
from muniment.server.problems import refuse
from muniment.server.record.addresses import api_address
from muniment.server.tenants.scope import tenant_scope

router = Router(auth=Needs(Capability.EXPORT_CREATE), tags=["evidence"])


@router.get("/api/exports", summary="Exports", operation_id="exports", response=ExportList)
def made(request: HttpRequest) -> HttpResponse:
    """The newest 200, newest first."""
    with _scope(request) as standing:
        return json_response({"exports": [export_json(row, standing) for row in services.exports(standing)]})


@router.post("/api/exports", summary="Make an export", operation_id="create_export", response={201: ExportOut})
def create(request: HttpRequest, order: NewExport) -> HttpResponse:
    """Freezes question, checkpoint, mapping and format, and counts what matches; recorded. The bytes come later."""
    with _scope(request) as standing:
        row = services.create_export(
            standing,
            format=order.format,
            question=order.question.model_dump(by_alias=True),
            size=order.size,
            names=order.names,
            api=api_address(request),
        )
        return json_response(export_json(row, standing), status=201)


@router.get("/api/exports/{export_id}", summary="One export", operation_id="export", response=ExportOut)
def one(request: HttpRequest, export_id: str) -> HttpResponse:
    """An export, and how far the caller's newest download of it has come."""
    with _scope(request) as standing:
        return json_response(export_json(services.export_for(standing, export_id), standing))


@router.post("/api/exports/{export_id}/file", summary="An export's bytes", operation_id="export_file")
def file(request: HttpRequest, export_id: str, order: Taken) -> HttpResponseBase:
    """The same bytes every time; from `offset` on, if what is there begins the export. Recorded.

    The last line has the SHA-256 of all before it. What is cut off has none; ask again with what there is.
    """
    if bool(order.offset) != bool(order.sha256):
        raise refuse("invalid-request", "give the offset with the SHA-256 of the bytes before it", field="sha256")
    with _scope(request) as standing:
        return opened(standing, services.export_for(standing, export_id), offset=order.offset, prefix=order.sha256)


@contextmanager
def _scope(request: HttpRequest) -> Iterator[Standing]:
    """The caller's tenant; refusals of the block become problems.

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
        raise refuse("invalid-request", error.reason, field=error.where) from None
