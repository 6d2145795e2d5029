"""Pages of incidents."""

from __future__ import annotations

from datetime import UTC
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from muniment.ledger.disclosed import at_places
from muniment.ledger.surroundings import frontier
from muniment.server.access.pages import page, page_standing
from muniment.server.access.standing import Standing
from muniment.server.capabilities import Capability
from muniment.server.causality.incident import MAX_WITHIN
from muniment.server.controls.owners import possible_owners
from muniment.server.explorer.rows import parsed, seal_state
from muniment.server.remediation import services
from muniment.server.remediation.contents import SEVERITIES, IncidentContent
from muniment.server.remediation.forms import IncidentForm, StepForm
from muniment.server.remediation.models import Incident
from muniment.server.remediation.services import incidents
from muniment.server.remediation.services.reading import findings
from muniment.server.remediation.views.shown import item_context, kept_form, take
from muniment.server.tables.lists import list_page

_MOST_FINDINGS = 50


@page(needs=Capability.EXCEPTION_READ)
def index(request: HttpRequest) -> HttpResponse:
    """The incidents, the newest first."""
    return list_page(request, "incidents")


@page(needs=Capability.REGISTER_MANAGE, methods=("GET", "POST"))
def new(request: HttpRequest) -> HttpResponse:
    """Open an incident."""
    standing = page_standing(request)
    form = IncidentForm(request.POST if request.method == "POST" else None, owners=possible_owners(standing.tenant_id))
    return kept_form(
        request,
        standing,
        "incident",
        form,
        lambda: incidents.create(standing, IncidentContent(**form.given)),
        context={},
    )


@page(needs=Capability.EXCEPTION_READ)
def incident(request: HttpRequest, incident_id: str) -> HttpResponse:
    """One incident: what happened, the entries that tell of it, its findings, steps, and history from the ledger."""
    return _incident(request, page_standing(request), _found(incident_id))


@page(needs=Capability.REGISTER_MANAGE, methods=("GET", "POST"))
def change(request: HttpRequest, incident_id: str) -> HttpResponse:
    """Change what an incident says."""
    standing, row = page_standing(request), _found(incident_id)
    form = IncidentForm(
        request.POST if request.method == "POST" else None,
        owners=possible_owners(standing.tenant_id),
        before=incidents.content_of(row),
        number=row.number,
    )
    return kept_form(
        request,
        standing,
        "incident",
        form,
        lambda: incidents.change(
            standing,
            row.id,
            form.given,
            comment=form.cleaned_data["comment"],
            number=form.cleaned_data["number"],
        ),
        context={},
        about=row,
    )


@page(needs=Capability.REGISTER_MANAGE, methods=("POST",))
def step(request: HttpRequest, incident_id: str) -> HttpResponse:
    """Contain, resolve, close or reopen an incident, or add entries to it."""
    standing, row = page_standing(request), _found(incident_id)

    def do(form: StepForm) -> str:
        said, wanted = form.cleaned_data, row.id
        comment, number = said["comment"], said["number"]
        match said["step"]:
            case "evidence":
                incidents.add_entries(standing, wanted, said["entries"], comment=comment, number=number)
                return "The entries were added."
            case "contain":
                incidents.contain(standing, wanted, comment, number=number)
                return "Contained."
            case "resolve":
                incidents.resolve(standing, wanted, comment, at=said["at"], number=number)
                return "Resolved."
            case "close":
                incidents.close(standing, wanted, comment, lessons=said["lessons"], number=number)
                return "Closed."
            case "reopen":
                incidents.reopen(standing, wanted, comment, number=number)
                return "Open again."
        raise Http404

    return take(request, standing, row, do, lambda form: _incident(request, standing, _found(incident_id), form))


def _incident(request: HttpRequest, standing: Standing, row: Incident, tried: StepForm | None = None) -> HttpResponse:
    context = {
        **item_context(standing, row, tried),
        "severity": SEVERITIES[row.severity],
        "entries": _entries(standing, row) if standing.may(Capability.LEDGER_READ) else None,
        "timeline": _timeline(row) if standing.may(Capability.LEDGER_READ) else None,
        "findings": list(findings(incident=row.id).order_by("-id")[:_MOST_FINDINGS]),
    }
    return render(request, "remediation/incident.html", context, status=422 if tried else 200)


def _entries(standing: Standing, row: Incident) -> list[dict[str, object]]:
    with standing.transaction() as reading:
        here = frontier(reading, standing.log_id)
        there = at_places(reading, standing.log_id, row.entries)
    shown = []
    for one in there:
        event = parsed(one.entry)["event"]
        seal = "broken" if here is None else seal_state(one.entry.seq, here)
        shown.append({"seq": one.entry.seq, "at": one.entry.recorded_at, "event": event, "seal": seal})
    return shown


def _timeline(row: Incident) -> dict[str, object]:
    """Where the causal timeline of the time of the incident stands, and how it is asked for."""
    until = row.resolved_at or timezone.now()
    half = (until - row.started_at) / 2
    within = min(max(int(half.total_seconds()) + 60, 60), MAX_WITHIN)
    around = (row.started_at + half).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    asked = urlencode({"around": around, "within": within})
    return {
        "url": f"{reverse('api:incident')}?{asked}",
        "command": f"muniment trace --incident {around} --within {within}s",
        "whole": within > half.total_seconds(),
    }


def _found(wanted: str) -> Incident:
    try:
        return services.incident_for(wanted)
    except services.NoSuch:
        raise Http404 from None
