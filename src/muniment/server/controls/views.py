"""Pages of the tenant's own controls: the list, one with its history, defining, changing, retiring, importing."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from muniment.core.errors import Malformed, MunimentError, Refused
from muniment.server.access.pages import page, page_standing
from muniment.server.access.standing import Standing
from muniment.server.capabilities import Capability
from muniment.server.controls import services
from muniment.server.controls.answers import controls_table
from muniment.server.controls.forms import DefinitionForm, RetireForm, StarterForm, TableForm
from muniment.server.controls.history import told
from muniment.server.controls.models import OwnControl
from muniment.server.controls.owners import possible_owners
from muniment.server.controls.tables import COLUMNS
from muniment.server.controls.workflow import FREQUENCIES, STATUSES, Definition
from muniment.server.explorer.names import names_of
from muniment.server.frameworks.services import catalogs, evidence_of, find_catalog


@page(needs=Capability.LEDGER_READ)
def index(request: HttpRequest) -> HttpResponse:
    """The tenant's controls as they stand."""
    standing = page_standing(request)
    every = services.controls(standing)
    status = request.GET.get("status", "")
    rows = [row for row in every if status in ("", row.status)]
    names = names_of(standing.tenant_id, {row.owner for row in rows})
    context = {
        "rows": [
            (row, FREQUENCIES[row.frequency].title, STATUSES[row.status], names.get(row.owner, "")) for row in rows
        ],
        "statuses": [(code, title, sum(row.status == code for row in every)) for code, title in STATUSES.items()],
        "status": status,
        "total": len(every),
        "may_manage": standing.may(Capability.CONTROL_MANAGE),
    }
    return render(request, "controls/list.html", context)


@page(needs=Capability.LEDGER_READ)
def export(request: HttpRequest) -> HttpResponse:
    """The list as CSV that can be imported again."""
    return HttpResponse(
        "".join(controls_table(services.controls(page_standing(request)))),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="controls.csv"', "X-Content-Type-Options": "nosniff"},
    )


@page(needs=Capability.CONTROL_MANAGE, methods=("GET", "POST"))
def define(request: HttpRequest) -> HttpResponse:
    """Define a control."""
    standing = page_standing(request)
    owners = possible_owners(standing.tenant_id)
    form = DefinitionForm(request.POST if request.method == "POST" else None, owners=owners)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                row = services.define(standing, form.cleaned_data["id"], Definition(**form.given))
        except (Malformed, Refused) as error:
            services.record_refused(standing, "control.define", form.cleaned_data["id"], error)
            form.accuse(error)
        else:
            return HttpResponseRedirect(reverse("controls:control", args=[row.control]))
    return render(request, "controls/form.html", {"form": form}, status=422 if form.errors else 200)


@page(needs=Capability.LEDGER_READ)
def control(request: HttpRequest, control_id: str) -> HttpResponse:
    """One control: what it says, what evidences it, and its history drawn from the ledger."""
    standing = page_standing(request)
    return _control(request, standing, _history(standing, control_id), RetireForm())


@page(needs=Capability.CONTROL_MANAGE, methods=("GET", "POST"))
def change(request: HttpRequest, control_id: str) -> HttpResponse:
    """Give a control another version."""
    standing = page_standing(request)
    row = _history(standing, control_id)[-1]
    if row.status == "retired":
        raise Refused("it is retired; a control that takes its place has an id of its own", "status")
    before = services.definition_of(row)
    form = DefinitionForm(
        request.POST if request.method == "POST" else None,
        owners=possible_owners(standing.tenant_id),
        before=before,
        number=row.number,
    )
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                services.change(standing, control_id, form.given, number=form.cleaned_data["number"])
        except (Malformed, Refused) as error:
            services.record_refused(standing, "control.change", control_id, error)
            form.accuse(error)
        else:
            return HttpResponseRedirect(reverse("controls:control", args=[control_id]))
    return render(request, "controls/form.html", {"form": form, "control": row}, status=422 if form.errors else 200)


@page(needs=Capability.CONTROL_MANAGE, methods=("POST",))
def retire(request: HttpRequest, control_id: str) -> HttpResponse:
    """End a control."""
    standing = page_standing(request)
    rows = _history(standing, control_id)
    form = RetireForm(request.POST)
    if form.is_valid():
        said = form.cleaned_data
        try:
            with transaction.atomic():
                services.retire(standing, control_id, said["reason"], on=said["on"], number=said["number"])
        except (Malformed, Refused) as error:
            services.record_refused(standing, "control.retire", control_id, error)
            form.add_error(error.where if error.where in form.fields else None, error.reason)
        else:
            return HttpResponseRedirect(reverse("controls:control", args=[control_id]))
    return _control(request, standing, rows, form, status=422)


@page(needs=Capability.CONTROL_MANAGE, methods=("GET", "POST"))
def bring_in(request: HttpRequest) -> HttpResponse:
    """Import a table: tried first, then kept."""
    standing = page_standing(request)
    form = TableForm(request.POST or None, request.FILES or None) if request.method == "POST" else TableForm()
    context: dict[str, Any] = {"columns": COLUMNS}
    if request.method == "POST" and form.is_valid():
        text = form.cleaned_data["csv"]
        try:
            with transaction.atomic():
                found = services.import_table(standing, text, dry_run="keep" not in request.POST)
        except MunimentError as error:
            services.record_refused(standing, "control.define", "", error)
            form.add_error("csv", str(error))
        else:
            if found.kept:
                messages.success(request, f"{len(found.defined):,} defined, {len(found.changed):,} changed.")
                return HttpResponseRedirect(reverse("controls:list"))
            form = TableForm({"csv": text})
            context["found"] = found
    context |= {"form": form, "starter": StarterForm(catalogs=catalogs())}
    return render(request, "controls/import.html", context, status=422 if form.is_bound and form.errors else 200)


@page(needs=Capability.CONTROL_MANAGE, methods=("POST",))
def starter(request: HttpRequest) -> HttpResponse:
    """Make a draft of each criterion of a framework."""
    standing = page_standing(request)
    form = StarterForm(request.POST, catalogs=catalogs())
    if not form.is_valid():
        raise Malformed("is no framework here", "framework")
    found = services.import_starter(standing, form.cleaned_data["framework"])
    messages.success(request, f"{len(found.defined):,} drafts made; {found.unchanged:,} were there already.")
    return HttpResponseRedirect(reverse("controls:list"))


def _control(
    request: HttpRequest, standing: Standing, rows: list[OwnControl], form: RetireForm, *, status: int = 200
) -> HttpResponse:
    row = rows[-1]
    history = told(standing, rows)
    names = names_of(standing.tenant_id, {row.owner, *(one.created_by for one in rows), *(one.owner for one in rows)})
    evidence = evidence_of((row.control, *row.criteria))
    context = {
        "control": row,
        "often": FREQUENCIES[row.frequency].title,
        "state": STATUSES[row.status],
        "owner": names.get(row.owner, ""),
        "criteria": [(one, _label(one)) for one in row.criteria],
        "history": [(one, names.get(one.row.created_by, "")) for one in reversed(history)],
        "broken": [one for one in history if one.fault],
        "seal": history[-1].seal,
        "actions": evidence.actions,
        "form": form,
        "may_manage": standing.may(Capability.CONTROL_MANAGE) and row.status != "retired",
    }
    return render(request, "controls/control.html", context, status=status)


def _label(criterion: str) -> str:
    """What a criterion is called; "" where no catalog has it any more."""
    prefix, _, requirement = criterion.partition(":")
    try:
        catalog = find_catalog(prefix)
        return f"{catalog.name_of(catalog.find(requirement))} · {catalog.title}"
    except Malformed:
        return ""


def _history(standing: Standing, control_id: str) -> list[OwnControl]:
    try:
        return services.history_of(standing, control_id)
    except services.NoSuch:
        raise Http404 from None
