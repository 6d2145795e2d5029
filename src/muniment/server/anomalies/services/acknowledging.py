"""Saying what an alert was."""

from __future__ import annotations

from django.utils import timezone

from muniment.core.errors import Refused
from muniment.server.access.standing import Standing
from muniment.server.anomalies.models import Acknowledgement
from muniment.server.anomalies.services.alerts import Seen, alert_for
from muniment.server.anomalies.services.locking import one_at_a_time
from muniment.server.anomalies.services.recording import noted
from muniment.server.anomalies.workflow import checked_comment, checked_verdict, may_acknowledge


def acknowledge(standing: Standing, wanted: str, *, verdict: str, comment: str) -> Seen:
    """Acknowledge an alert: once, by a person whom it is not about.

    Args:
        standing: of the person; needs `alert.manage`.
        wanted: the alert's id.
        verdict: one of `workflow.VERDICTS`; what was expected is learned from, by the entry.
        comment: what they found.

    Raises:
        Malformed: naming the field.
        Refused: naming what stands against it.
        NoSuch: if there is no such alert.
    """
    verdict, comment = checked_verdict(verdict), checked_comment(comment)
    one_at_a_time(f"anomalies/alert/{standing.tenant_id}/{wanted}")
    seen = alert_for(wanted)
    alert = seen.alert
    may_acknowledge(standing.subject, standing.capabilities, alert.about)
    if seen.acknowledged is not None:
        raise Refused("it is acknowledged already", "alert")
    numbers = alert.numbers
    row = Acknowledgement(
        alert=alert.id,
        tenant_id=standing.tenant_id,
        by=standing.subject,
        verdict=verdict,
        comment=comment,
        at=timezone.now(),
    )
    row.seq, row.event = noted(
        "alert.acknowledge",
        by=standing.subject,
        alert=alert.id,
        labels={
            "verdict": verdict,
            "detector": alert.detector,
            "deed": numbers.get("deed"),
            "who": numbers.get("who"),
            "day": numbers.get("day"),
        },
        causes=[alert.event],
        body={"comment": comment},
    )
    row.save(force_insert=True)
    return Seen(alert, row)
