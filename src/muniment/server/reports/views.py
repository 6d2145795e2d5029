"""Pages of reports: the list, a new one, and one with its numbers and the questions behind them."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from muniment.core.errors import Malformed, MunimentError, Refused, VerificationFailed
from muniment.ledger.proofs import NotSealed
from muniment.reports.asks import Ask
from muniment.reports.document import Document
from muniment.reports.view import KINDS, grouped
from muniment.server.access.pages import page, page_standing
from muniment.server.access.standing import Standing
from muniment.server.capabilities import Capability
from muniment.server.explorer.names import names_of
from muniment.server.frameworks.services import catalogs
from muniment.server.populations.services import NoSuch, populations
from muniment.server.reports import services
from muniment.server.reports.api import pdf_response
from muniment.server.reports.forms import EXAMPLE, ReportForm
from muniment.server.reports.models import Report
from muniment.server.reports.scope import layout_of


@page(needs=Capability.LEDGER_READ)
def index(request: HttpRequest) -> HttpResponse:
    """Reports, newest first."""
    standing = page_standing(request)
    rows = services.reports(standing)
    names = names_of(standing.tenant_id, {row.created_by for row in rows})
    shown = [(row, KINDS.get(row.kind, row.kind), names.get(row.created_by, "")) for row in rows]
    may_make = standing.may(Capability.EXPORT_CREATE)
    context = {"rows": shown, "may_make": may_make, "may_take": may_make and standing.may(Capability.EXCEPTION_READ)}
    return render(request, "reports/list.html", context)


@page(needs=Capability.EXPORT_CREATE, step_up="writes", methods=("GET", "POST"))
def new(request: HttpRequest) -> HttpResponse:
    """Say what to report, and make it."""
    standing = page_standing(request)
    if request.method != "POST":
        return render(request, "reports/new.html", {"form": _form(standing, initial=_initial(request, standing))})
    form = _form(standing, data=request.POST)
    context: dict[str, Any] = {"form": form}
    if form.is_valid():
        try:
            wanted = form.scope()
        except Malformed as error:
            form.accuse(error)
            return render(request, "reports/new.html", context, status=422)
        try:
            row = services.make_report(standing, wanted)
        except NotSealed:
            context["unsealed"] = True
        except (Malformed, Refused, VerificationFailed) as error:
            services.record_refused(standing, wanted.kind, error)
            form.accuse(error)
        else:
            return HttpResponseRedirect(reverse("reports:report", args=[row.id]))
    return render(request, "reports/new.html", context, status=422)


@page(needs=Capability.LEDGER_READ)
def report(request: HttpRequest, report_id: str) -> HttpResponse:
    """One report: under which checkpoint, its hash, and each number with its question."""
    standing = page_standing(request)
    row = _found(standing, report_id)
    context: dict[str, Any] = {
        "report": row,
        "kind": KINDS.get(row.kind, row.kind),
        "person": names_of(standing.tenant_id, {row.created_by}).get(row.created_by, ""),
        "custom": row.kind == "custom",
        "may_make": standing.may(Capability.EXPORT_CREATE),
    }
    try:
        document = services.document_of(row)
        context |= {"document": document, "numbers": _numbers(document)}
    except MunimentError as error:
        context["fault"] = str(error)
    return render(request, "reports/report.html", context)


@page(needs=Capability.LEDGER_READ)
def pdf(request: HttpRequest, report_id: str) -> HttpResponse:
    """The bytes of a report."""
    standing = page_standing(request)
    return pdf_response(standing, _found(standing, report_id))


def _numbers(document: Document) -> list[tuple[int, str, str, str, str]]:
    """Reference, what, question, answer, and where to look it up, for each number."""
    return [
        (at, one.what, one.ask.words, grouped(one.value), _address(one.ask))
        for at, one in enumerate(document.numbers, 1)
    ]


def _address(ask: Ask) -> str:
    """The page that shows what a question is about; "" where none does exactly that."""
    if ask.kind == "population":
        return reverse("populations:population", args=[ask.id])
    if ask.kind == "sample":
        return reverse("populations:sample", args=[ask.id])
    if ask.kind == "recorded":
        return reverse("explorer:entry", args=[ask.seq])
    plain = ask.kind == "count" and ask.stratum is None and not ask.besides
    if not plain or len(ask.controls) + len(ask.actions) > 1 or (ask.actions and "action" in (ask.filters or {})):
        return ""
    asked = dict(ask.filters or {})
    asked |= {"action": ask.actions[0]} if ask.actions else {}
    # A control is counted there by the mapping of today; one that is annotated nowhere gives the same.
    return "" if ask.controls else f"{reverse('populations:new')}?{urlencode({**asked, 'ask': '1'})}"


def _form(standing: Standing, data: Any = None, initial: Any = None) -> ReportForm:
    frameworks = [(one.id, f"{one.title}, {one.version} ({len(one.counted):,})") for one in catalogs()]
    saved = [(row.id, row.name) for row in populations(standing)]
    return ReportForm(frameworks, saved, data, initial)


def _initial(request: HttpRequest, standing: Standing) -> dict[str, str]:
    """What the form begins with: the layout of another report, if it is asked for."""
    initial = {"kind": request.GET.get("kind", "control"), "layout": EXAMPLE}
    like = request.GET.get("like", "")
    if like:
        row = _found(standing, like)
        layout = layout_of(row.scope)
        initial["kind"] = row.kind
        initial["layout"] = json.dumps(json.loads(layout), indent=2, ensure_ascii=False) if layout else EXAMPLE
    return initial


def _found(standing: Standing, report_id: str) -> Report:
    try:
        return services.report_for(standing, report_id)
    except NoSuch:
        raise Http404 from None
