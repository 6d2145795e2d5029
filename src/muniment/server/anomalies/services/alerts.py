"""Alerts of the open tenant, as they are read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from muniment.anomalies.watched import DETECTORS
from muniment.core.errors import Malformed, Refused
from muniment.server.anomalies.models import Acknowledgement, Alert

PAGE: Final = 50
MAX_PAGE: Final = 200
STATES: Final = ("open", "acknowledged", "all")


class NoSuch(Refused):
    """There is no such alert in this tenant."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An alert, and its acknowledgement if somebody looked at it."""

    alert: Alert
    acknowledged: Acknowledgement | None


@dataclass(frozen=True, slots=True)
class AlertPage:
    """Some alerts, newest first, and the cursor of the page after it (None at the end)."""

    rows: tuple[Seen, ...]
    cursor: str | None


def alerts(
    *, state: str = "all", detector: str = "", about: str = "", limit: int = PAGE, cursor: str | None = None
) -> AlertPage:
    """One page of alerts.

    Args:
        state: one of `STATES`.
        detector: only what this one found; "" for all.
        about: only those about this person, `user:usr_…`; "" for all.
        limit: alerts on the page, 1 to 200.
        cursor: of the page before, given with the same question.

    Raises:
        Malformed: naming the field.
    """
    if state not in STATES:
        raise Malformed(f"is one of {', '.join(STATES)}", "state")
    if detector and detector not in DETECTORS:
        raise Malformed(f"is one of {', '.join(DETECTORS)}", "detector")
    if not 1 <= limit <= MAX_PAGE:
        raise Malformed(f"must lie between 1 and {MAX_PAGE}", "limit")
    if "\0" in about:
        raise Malformed("holds a zero byte", "about")
    found = _of_state(state)
    if detector:
        found = found.filter(detector=detector)
    if about:
        found = found.filter(about__contains=[about])
    if cursor:
        at, alert = _read_cursor(cursor)
        found = found.filter(Q(until__lt=at) | Q(until=at, id__lt=alert))
    rows = list(found.order_by("-until", "-id")[: limit + 1])
    known = Acknowledgement.objects.in_bulk([row.id for row in rows[:limit]])
    more = f"{rows[limit - 1].until.isoformat()}~{rows[limit - 1].id}" if len(rows) > limit else None
    return AlertPage(tuple(Seen(row, known.get(row.id)) for row in rows[:limit]), more)


def alert_for(wanted: str) -> Seen:
    """One alert.

    Raises:
        NoSuch: if there is none of that id.
    """
    row = None if "\0" in wanted else Alert.objects.filter(id=wanted).first()
    if row is None:
        raise NoSuch("there is no such alert", "alert")
    return Seen(row, Acknowledgement.objects.filter(alert=row.id).first())


def open_alerts() -> int:
    """How many alerts nobody acknowledged yet."""
    return _of_state("open").count()


def _of_state(state: str) -> QuerySet[Alert]:
    if state == "all":
        return Alert.objects.all()
    known = Exists(Acknowledgement.objects.filter(alert=OuterRef("id")))
    return Alert.objects.filter(known if state == "acknowledged" else ~known)


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    time, tilde, alert = cursor.partition("~")
    try:
        at = datetime.fromisoformat(time)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not tilde or not alert.isascii() or "\0" in alert or len(alert) > 30:
        raise Malformed("is no cursor that this service gave", "cursor")
    return at, alert
