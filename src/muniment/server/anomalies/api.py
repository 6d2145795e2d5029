"""Alerts of the anomaly detection for programs. Acknowledging and changing what is watched are a person's to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from muniment.anomalies.watched import DETECTORS, Detector, Sensitivity, Watched
from muniment.core.errors import Malformed, Refused
from muniment.server.access.operations import Needs, standing_in
from muniment.server.access.standing import Standing
from muniment.server.access.stepup import is_fresh
from muniment.server.anomalies import services
from muniment.server.anomalies.answers import alert_json, settings_json
from muniment.server.anomalies.shapes import (
    AlertList,
    AlertOut,
    AlertSettings,
    AlertState,
    DetectorName,
    NewAcknowledgement,
    NewAlertSettings,
)
from muniment.server.api.answers import json_response
from muniment.server.capabilities import Capability
from muniment.server.causality.api import check_query
from muniment.server.problems import refuse
from muniment.server.tenants.middleware import tenant_of
from muniment.server.tenants.scope import tenant_scope

_LISTED: Final = frozenset({"state", "detector", "about", "limit", "cursor"})
_MANAGE: Final = Needs(Capability.ALERT_MANAGE)

Text = Annotated[str, Query(max_length=128)]
Limit = Annotated[int, Query(ge=1, le=200)]

router = Router(auth=Needs(Capability.EXCEPTION_READ), tags=["alerts"])


@contextmanager
def scope(request: HttpRequest) -> Iterator[Standing]:
    """Run the block in the scope of the caller's tenant.

    Raises:
        ProblemError: not-found, or invalid-request with the field.
    """
    standing = standing_in(request)
    try:
        with tenant_scope(standing.tenant_id):
            yield standing
    except services.NoSuch as error:
        raise refuse("not-found", error.reason) from None
    except (Malformed, Refused) as error:
        raise refuse("invalid-request", error.reason, field=error.where) from None


@router.get("/api/alerts", summary="Alerts", operation_id="alerts", response=AlertList)
def listed(
    request: HttpRequest,
    state: AlertState = "all",
    detector: DetectorName | None = None,
    about: Text = "",
    limit: Limit = services.PAGE,
    cursor: Text | None = None,
) -> HttpResponse:
    """Alerts, newest first, and how many nobody acknowledged yet."""
    check_query(request, _LISTED)
    with scope(request):
        found = services.alerts(state=state, detector=detector or "", about=about, limit=limit, cursor=cursor)
        answer = {"alerts": [alert_json(seen) for seen in found.rows], "open": services.open_alerts()}
        return json_response({**answer, "next": found.cursor})


@router.get("/api/alerts/{alert_id}", summary="One alert", operation_id="alert", response=AlertOut)
def one(request: HttpRequest, alert_id: str) -> HttpResponse:
    """Why it was raised, on which entries it rests, and who looked at it."""
    with scope(request):
        return json_response(alert_json(services.alert_for(alert_id)))


@router.post(
    "/api/alerts/{alert_id}/acknowledge",
    auth=_MANAGE,
    summary="Acknowledge an alert",
    operation_id="acknowledge_alert",
    response=AlertOut,
)
def acknowledge(request: HttpRequest, alert_id: str, said: NewAcknowledgement) -> HttpResponse:
    """Once, by a person whom the alert is not about; an API key is refused. Recorded."""
    with scope(request) as standing:
        seen = services.acknowledge(standing, alert_id, verdict=said.verdict, comment=said.comment)
        return json_response(alert_json(seen))


@router.get("/api/alert-settings", summary="What is watched", operation_id="alert_settings", response=AlertSettings)
def settings(request: HttpRequest) -> HttpResponse:
    """The time zone, the sensitivity of each detector, and how far the log was read."""
    with scope(request):
        return json_response(settings_json(services.watched(), services.read_to()))


@router.put(
    "/api/alert-settings",
    auth=_MANAGE,
    summary="Change what is watched",
    operation_id="change_alert_settings",
    response=AlertSettings,
)
def change(request: HttpRequest, wanted: NewAlertSettings) -> HttpResponse:
    """By a person with a fresh second factor; recorded."""
    with scope(request) as standing:
        tenant = tenant_of(request)
        if not standing.subject.startswith("user:"):
            raise Refused("what is watched is changed by a person; a key cannot", "by")
        if tenant is None or not is_fresh(request, tenant.step_up_seconds):
            raise refuse("step-up-needed", "give a second factor at /account/step-up, then ask again")
        known = services.watched()
        keen: dict[Detector, Sensitivity] = {name: wanted.sensitivity.get(name, known.of(name)) for name in DETECTORS}
        services.change_settings(standing, Watched(wanted.zone, keen))
        return json_response(settings_json(services.watched(), services.read_to()))
