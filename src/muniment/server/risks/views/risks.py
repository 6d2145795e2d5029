"""Pages of risks: the list, one with its versions and acceptances, opening, changing, closing."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from muniment.core.errors import Malformed, Refused
from muniment.server.access.pages import page, page_standing
from muniment.server.capabilities import Capability
from muniment.server.controls.owners import possible_owners
from muniment.server.members.names import names_of
from muniment.server.registers.keeping import record_refused
from muniment.server.risks import services
from muniment.server.risks.forms import ReasonForm, RiskForm
from muniment.server.risks.matrix import BANDS
from muniment.server.risks.models import Risk
from muniment.server.risks.question import Question, read_question
from muniment.server.risks.services import Held
from muniment.server.risks.tables import RISKS, table_rows
from muniment.server.risks.views.detail import risk_page
from muniment.server.risks.views.shown import chips_of, shown_risks
from muniment.server.risks.workflow import CLOSED, STATES, TREATMENTS, Definition
from muniment.server.tables.registry import address, table_of
from muniment.tables import write_csv

MOST_WRITTEN: Final = 100_000


@page(needs=Capability.EXCEPTION_READ)
def index(request: HttpRequest) -> HttpResponse:
    """The list; what it shows and in which order stands in its address."""
    standing = page_standing(request)
    try:
        question, fault = read_question(request.GET.dict()), None
        found = services.risks(question)
    except Malformed as error:
        question, fault = Question(), error
        found = services.risks(question)
    held = services.matrix_in_force()
    query = urlencode(question.given())
    context = {
        "rows": shown_risks(standing, found.rows, held),
        "total": found.total,
        "question": question,
        "chips": chips_of(question, held, names_of(standing.tenant_id, {question.owner} - {""})),
        "query": query,
        "next": urlencode({**question.given(), "cursor": found.cursor}) if found.cursor else "",
        "first": query if question.cursor else "",
        "paged": bool(question.cursor),
        "fault": fault,
        "states": {"live": "Not closed", **STATES, "any": "Any"},
        "treatments": TREATMENTS,
        "levels": [*((band, band.title()) for band in BANDS), ("none", "Not placed")],
        "accepted_words": [("yes", "Yes"), ("no", "No"), ("waiting", "Waiting for a decision")],
        "owners": possible_owners(standing.tenant_id),
        "may_manage": standing.may(Capability.RISK_MANAGE),
        "may_accept": standing.may(Capability.RISK_ACCEPT),
        "may_export": standing.may(Capability.EXPORT_CREATE),
        "bulk": [one for one in table_of("risks").bulk if standing.may(one.needs)],
        "bulk_url": address(table_of("risks").bulk_route),
    }
    return render(request, "risks/list.html", context, status=422 if fault else 200)


@page(needs=Capability.EXCEPTION_READ)
def table(request: HttpRequest) -> HttpResponse:
    """The risks of the list as CSV, all of them."""
    question = read_question(request.GET.dict())
    rows = services.selected(question).order_by("id")[:MOST_WRITTEN]
    return HttpResponse(
        b"".join(write_csv(RISKS, table_rows(rows, services.matrix_in_force()))),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="risks.csv"', "X-Content-Type-Options": "nosniff"},
    )


@page(needs=Capability.RISK_MANAGE, methods=("GET", "POST"))
def new(request: HttpRequest) -> HttpResponse:
    """Open a risk; an address may bring what it links."""
    standing, held = page_standing(request), services.matrix_in_force()
    given = {
        f"{name}s": request.GET[name] for name in ("control", "asset", "exception", "finding") if name in request.GET
    }
    form = RiskForm(
        request.POST if request.method == "POST" else None,
        matrix=held.matrix,
        owners=possible_owners(standing.tenant_id),
        given={"owner": standing.subject, **given},
    )
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                row = services.open_risk(standing, Definition(**form.given))
        except (Malformed, Refused) as error:
            record_refused(standing, "risk.open", None, error)
            form.accuse(error)
        else:
            return HttpResponseRedirect(reverse("risks:risk", args=[row.id]))
    return _form(request, form, held, None)


@page(needs=Capability.EXCEPTION_READ)
def risk(request: HttpRequest, risk_id: str) -> HttpResponse:
    """One risk."""
    return risk_page(request, page_standing(request), found(risk_id))


@page(needs=Capability.RISK_MANAGE, methods=("GET", "POST"))
def change(request: HttpRequest, risk_id: str) -> HttpResponse:
    """Make another version of a risk."""
    standing, row, held = page_standing(request), found(risk_id), services.matrix_in_force()
    if row.state == CLOSED:
        raise Refused("is closed: open it again first", "state")
    form = RiskForm(
        request.POST if request.method == "POST" else None,
        matrix=held.matrix,
        owners=possible_owners(standing.tenant_id),
        before=services.definition_now(row),
        number=row.version,
    )
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                said = form.cleaned_data
                services.change_risk(standing, row.id, form.given, reason=said["reason"], number=said["number"])
        except (Malformed, Refused) as error:
            record_refused(standing, "risk.change", ("risk", row.id), error)
            form.accuse(error)
        else:
            return HttpResponseRedirect(reverse("risks:risk", args=[row.id]))
    return _form(request, form, held, row)


@page(needs=Capability.RISK_MANAGE, methods=("POST",))
def close(request: HttpRequest, risk_id: str) -> HttpResponse:
    """Close a risk."""
    return _step(request, risk_id, "risk.close", services.close_risk, "Closed.")


@page(needs=Capability.RISK_MANAGE, methods=("POST",))
def reopen(request: HttpRequest, risk_id: str) -> HttpResponse:
    """Open a closed risk again."""
    return _step(request, risk_id, "risk.change", services.reopen_risk, "Opened again.")


def found(risk_id: str) -> Risk:
    """The risk of an address.

    Raises:
        Http404: if there is none.
    """
    try:
        return services.risk_for(risk_id)
    except services.NoSuch:
        raise Http404 from None


def _step(request: HttpRequest, risk_id: str, action: str, do: Any, done: str) -> HttpResponse:
    standing, row = page_standing(request), found(risk_id)
    form = ReasonForm(request.POST)
    if form.is_valid():
        try:
            with transaction.atomic():
                do(standing, row.id, reason=form.cleaned_data["reason"], number=form.cleaned_data["number"])
        except (Malformed, Refused) as error:
            record_refused(standing, action, ("risk", row.id), error)
            return risk_page(request, standing, found(risk_id), fault=str(error))
        messages.success(request, done)
        return HttpResponseRedirect(reverse("risks:risk", args=[row.id]))
    return risk_page(request, standing, row, reason=form)


def _form(request: HttpRequest, form: RiskForm, held: Held, row: Risk | None) -> HttpResponse:
    context = {"form": form, "risk": row, "held": held, "moved": row is not None and row.size != held.matrix.size}
    return render(request, "risks/form.html", context, status=422 if form.is_bound else 200)
