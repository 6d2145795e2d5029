"""Reports for programs."""

from __future__ import annotations

import json
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import Router

from muniment.core.canonical import parse_json
from muniment.core.errors import Malformed, MunimentError, Refused, VerificationFailed
from muniment.ledger.proofs import NotSealed
from muniment.reports.asks import read_ask
from muniment.reports.document import MAX_BYTES
from muniment.server.access.operations import Needs
from muniment.server.access.standing import Standing
from muniment.server.api.answers import json_response
from muniment.server.capabilities import Capability
from muniment.server.populations.api.scope import scope
from muniment.server.problems import refuse
from muniment.server.reports import services
from muniment.server.reports.answers import answer_json, report_json
from muniment.server.reports.models import Report
from muniment.server.reports.scope import (
    Scope,
    board_scope,
    control_scope,
    custom_scope,
    executive_scope,
    integrity_scope,
)
from muniment.server.reports.shapes import AnswerList, NewReport, Questions, ReportList, ReportOut

PDF: Final = "application/pdf"

router = Router(auth=Needs(Capability.LEDGER_READ), tags=["evidence"])


@router.get("/api/reports", summary="Reports", operation_id="reports", response=ReportList)
def reports(request: HttpRequest) -> HttpResponse:
    """The newest 200, newest first."""
    with scope(request) as standing:
        return json_response({"reports": [report_json(row) for row in services.reports(standing)]})


@router.post(
    "/api/reports",
    auth=Needs(Capability.EXPORT_CREATE),
    summary="Make a report",
    operation_id="make_report",
    response={201: ReportOut},
)
def make(request: HttpRequest, order: NewReport) -> HttpResponse:
    """Draws it as PDF/A-3a and records its SHA-256; a report that is refused is recorded too."""
    refused: MunimentError
    with scope(request) as standing:
        try:
            row = services.make_report(standing, _scope(order))
            return json_response(report_json(row, services.document_of(row)), status=201)
        except NotSealed:
            raise
        except (Malformed, Refused, VerificationFailed) as error:
            services.record_refused(standing, order.kind, error)
            refused = error
    if isinstance(refused, VerificationFailed):
        raise refused
    raise refuse("invalid-request", refused.reason, field=refused.where)


@router.post(
    "/api/reports/ask", summary="Ask a report's questions again", operation_id="ask_report", response=AnswerList
)
def ask(request: HttpRequest, questions: Questions) -> HttpResponse:
    """The answers under the checkpoint of that size, which must have that root."""
    with scope(request) as standing:
        given = parse_json(_strictly(questions.asks), max_bytes=MAX_BYTES, max_depth=8)
        asks = [read_ask(one, f"asks[{at}]") for at, one in enumerate(given if isinstance(given, list) else [])]
        found = services.answers(standing, size=questions.size, root=questions.root, asks=asks)
        return json_response({"answers": [answer_json(one) for one in found]})


@router.get("/api/reports/{report_id}", summary="One report", operation_id="report", response=ReportOut)
def report(request: HttpRequest, report_id: str) -> HttpResponse:
    """A report with its numbers and how each was asked for."""
    with scope(request) as standing:
        row = services.report_for(standing, report_id)
        return json_response(report_json(row, services.document_of(row)))


@router.get("/api/reports/{report_id}/pdf", summary="A report's bytes", operation_id="report_pdf")
def pdf(request: HttpRequest, report_id: str) -> HttpResponse:
    """The PDF, as its hash was recorded."""
    with scope(request) as standing:
        return pdf_response(standing, services.report_for(standing, report_id))


def pdf_response(standing: Standing, row: Report) -> HttpResponse:
    """A report's bytes as a file to keep.

    Raises:
        VerificationFailed: if they are not those that were recorded.
    """
    del standing
    return HttpResponse(
        services.pdf_of(row),
        content_type=PDF,
        headers={
            "Content-Disposition": f'attachment; filename="{services.file_name(row)}"',
            "X-Content-Type-Options": "nosniff",
        },
    )


def _strictly(value: Any) -> bytes:
    """A part of a request as JSON, with everything in it that the strict reader will refuse."""
    return json.dumps(value).encode()


def _scope(order: NewReport) -> Scope:
    given = {
        "framework": order.framework,
        "controls": order.controls,
        "from": order.since,
        "to": order.until,
        "population": order.population,
        "layout": order.layout,
    }
    taken = {
        "control": ("framework", "controls", "from", "to"),
        "integrity": (),
        "custom": ("population", "layout"),
        "board": ("from", "to"),
        "executive": (),
    }
    for name, value in given.items():
        if value and name not in taken[order.kind]:
            raise Malformed(f"does not belong to a report of the kind {order.kind}", name)
    if order.kind == "control":
        return control_scope(
            framework=order.framework,
            controls=tuple(order.controls),
            since=order.since,
            until=order.until,
            title=order.title,
            size=order.size,
        )
    if order.kind == "integrity":
        return integrity_scope(title=order.title, size=order.size)
    if order.kind == "board":
        return board_scope(since=order.since, until=order.until, title=order.title, size=order.size)
    if order.kind == "executive":
        return executive_scope(title=order.title, size=order.size)
    if order.title:
        raise Malformed("stands in the layout", "title")
    if order.layout is None:
        raise Malformed("is missing", "layout")
    return custom_scope(population=order.population, layout=_strictly(order.layout), size=order.size)
