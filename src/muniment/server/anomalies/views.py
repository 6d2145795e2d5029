"""Pages of alerts: the list, one alert, what is watched."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from muniment.anomalies.watched import BOUNDS, DETECTORS, MEANINGS, OF_DAY, WATCH_DAYS, title_of
from muniment.core.errors import Malformed, Refused
from muniment.server.access.pages import page, page_standing
from muniment.server.access.standing import Standing
from muniment.server.anomalies import services
from muniment.server.anomalies.answers import places_of
from muniment.server.anomalies.forms import AcknowledgeForm, SettingsForm
from muniment.server.anomalies.workflow import VERDICTS, may_acknowledge
from muniment.server.capabilities import Capability
from muniment.server.members.names import names_of


@page(needs=Capability.EXCEPTION_READ)
def index(request: HttpRequest) -> HttpResponse:
    """Alerts, newest first."""
    standing = page_standing(request)
    asked = {name: request.GET.get(name, "") for name in ("detector", "about", "cursor")}
    state = request.GET.get("state", "open")
    found = services.alerts(
        state=state, detector=asked["detector"], about=asked["about"], cursor=asked["cursor"] or None
    )
    names = names_of(standing.tenant_id, {who for seen in found.rows for who in seen.alert.about} | {asked["about"]})
    context = {
        "rows": [(seen, title_of(seen.alert.detector), _people(seen.alert.about, names)) for seen in found.rows],
        "cursor": found.cursor,
        "paged": bool(asked["cursor"]),
        "state": state,
        "detector": asked["detector"],
        "about": asked["about"],
        "about_name": names.get(asked["about"]) or asked["about"],
        "detectors": DETECTORS.items(),
        "read": services.read_to(),
        "may_manage": standing.may(Capability.ALERT_MANAGE),
    }
    return render(request, "anomalies/list.html", context)


@page(needs=Capability.EXCEPTION_READ)
def alert(request: HttpRequest, alert_id: str) -> HttpResponse:
    """One alert: why it was raised, on what it rests, who looked at it."""
    return _alert(request, page_standing(request), alert_id, AcknowledgeForm(initial={"verdict": "handled"}))


@page(needs=Capability.ALERT_MANAGE, methods=("POST",))
def acknowledge(request: HttpRequest, alert_id: str) -> HttpResponse:
    """Say what an alert was."""
    standing = page_standing(request)
    form = AcknowledgeForm(request.POST)
    if form.is_valid():
        said = form.cleaned_data
        try:
            with transaction.atomic():
                services.acknowledge(standing, alert_id, verdict=said["verdict"], comment=said["comment"])
        except services.NoSuch:
            raise Http404 from None
        except (Malformed, Refused) as error:
            form.accuse(error)
        else:
            messages.success(request, "Acknowledged.")
            return HttpResponseRedirect(reverse("anomalies:alert", args=[alert_id]))
    return _alert(request, standing, alert_id, form, status=422)


@page(needs=Capability.ALERT_MANAGE, step_up="writes", methods=("GET", "POST"))
def settings(request: HttpRequest) -> HttpResponse:
    """What is watched, and how keenly."""
    standing = page_standing(request)
    known = services.watched()
    form = SettingsForm(request.POST if request.method == "POST" else None, watched=known)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                changed = services.change_settings(standing, form.watched())
        except (Malformed, Refused) as error:
            form.accuse(error)
        else:
            messages.success(request, "Saved." if changed else "Nothing was changed.")
            return HttpResponseRedirect(reverse("anomalies:settings"))
    row = services.settings_row()
    context = {
        "form": form,
        "row": row,
        "changed_by": names_of(standing.tenant_id, {row.changed_by}).get(row.changed_by, "") if row else "",
        "read": services.read_to(),
        "bounds": BOUNDS.items(),
        "meanings": [(title, MEANINGS[name], known.of(name)) for name, title in DETECTORS.items()],
        "watch_days": WATCH_DAYS,
        "of_day": OF_DAY,
    }
    return render(request, "anomalies/settings.html", context, status=422 if form.errors else 200)


def _alert(
    request: HttpRequest, standing: Standing, alert_id: str, form: AcknowledgeForm, *, status: int = 200
) -> HttpResponse:
    try:
        seen = services.alert_for(alert_id)
    except services.NoSuch:
        raise Http404 from None
    row, known = seen.alert, seen.acknowledged
    places = places_of(standing, row)
    names = names_of(
        standing.tenant_id, {*row.about, *(place.actor for place in places), known.by if known is not None else ""}
    )
    why_not = ""
    try:
        may_acknowledge(standing.subject, standing.capabilities, row.about)
    except Refused as error:
        why_not = error.reason
    context: dict[str, Any] = {
        "seen": seen,
        "alert": row,
        "title": title_of(row.detector),
        "people": _people(row.about, names),
        "places": [(place, names.get(place.actor, "")) for place in places],
        "form": form,
        "why_not": why_not,
        "verdict": VERDICTS.get(known.verdict, known.verdict) if known is not None else "",
        "acknowledged_by": names.get(known.by, "") if known is not None else "",
        "may_read_ledger": standing.may(Capability.LEDGER_READ),
    }
    return render(request, "anomalies/alert.html", context, status=status)


def _people(about: list[str], names: dict[str, str]) -> list[tuple[str, str]]:
    return [(who, names.get(who, "")) for who in about]
