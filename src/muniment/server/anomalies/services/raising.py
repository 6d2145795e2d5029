"""Findings become alerts: a row, an entry, and word to whoever looks at alerts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from django.urls import reverse

from muniment.anomalies.finding import Finding
from muniment.anomalies.watched import Watched, title_of
from muniment.server.access.standing import resolver
from muniment.server.anomalies.models import Alert, alert_id
from muniment.server.anomalies.services.recording import noted
from muniment.server.capabilities import Capability
from muniment.server.members.models import Membership
from muniment.server.moments import moment
from muniment.server.notifications.services import Notice, notify_many

WATCHER: Final = "system:anomalies"
MAX_KEY: Final = 255


def raise_alerts(tenant_id: UUID, found: Sequence[Finding], settings: Watched, now: datetime) -> int:
    """Raise what was found and is not raised yet; gives how many. Call it last.

    Args:
        tenant_id: whose scope is open.
        found: in the order of the log.
        settings: with which it was found.
        now: aware.
    """
    by_key = {one.key[:MAX_KEY]: one for one in found}
    known = set(Alert.objects.filter(key__in=by_key).values_list("key", flat=True))
    rows = [_row(tenant_id, key, one, settings, now) for key, one in by_key.items() if key not in known]
    if not rows:
        return 0
    notices = _notices(tenant_id, rows)
    for row in rows:
        row.seq, row.event = _recorded(row)
    Alert.objects.bulk_create(rows)
    notify_many(notices, now=now)
    return len(rows)


def _row(tenant_id: UUID, key: str, one: Finding, settings: Watched, now: datetime) -> Alert:
    return Alert(
        id=alert_id(),
        tenant_id=tenant_id,
        detector=one.detector,
        pattern=one.pattern,
        key=key,
        about=list(one.about),
        since=one.since,
        until=one.until,
        raised_at=now,
        sentence=one.sentence,
        numbers=dict(one.numbers),
        entries=[list(entry) for entry in one.entries],
        learned=one.learned,
        sensitivity=settings.of(one.detector),
        zone=settings.zone,
    )


def _recorded(row: Alert) -> tuple[int, str]:
    return noted(
        "alert.raise",
        by=WATCHER,
        alert=row.id,
        labels={
            "detector": row.detector,
            "pattern": row.pattern,
            "about": ",".join(row.about),
            "since": moment(row.since),
            "until": moment(row.until),
            "sensitivity": row.sensitivity,
            "bound": "learned" if row.learned else "fixed",
        },
        causes=[reference for _, reference in row.entries],
        body={"sentence": row.sentence, "numbers": row.numbers, "zone": row.zone, "key": row.key},
    )


def _notices(tenant_id: UUID, rows: Sequence[Alert]) -> list[Notice]:
    """Whoever may acknowledge alerts is told; whoever an alert is about is not."""
    watchers = []
    for user_id in Membership.objects.order_by("user_id").values_list("user_id", flat=True):
        standing = resolver().of_user(user_id, tenant_id)
        if standing is not None and standing.may(Capability.ALERT_MANAGE):
            watchers.append(standing.subject)
    return [
        Notice(
            "alert.raised",
            [one for one in watchers if one not in row.about],
            "alert",
            row.id,
            f"{title_of(row.detector)}: {row.sentence}",
            reverse("anomalies:alert", args=[row.id]),
            {"detector": row.detector},
        )
        for row in rows
    ]
