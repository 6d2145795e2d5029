"""How acceptances end by themselves: because the risk changed, or because their last day is over."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from muniment.core.errors import Refused
from muniment.server.risks.acceptance import ACCEPTED, PROPOSED, Matter, Step, ended
from muniment.server.risks.models import Acceptance, AcceptanceDecision, Risk
from muniment.server.risks.services.recording import SYSTEM, noted
from muniment.server.risks.steps import Weighed, tell
from muniment.server.subjects import Changed


def outdate(row: Risk, changed: Collection[str]) -> None:
    """End what was proposed or accepted of a risk that says something else from now on.

    Args:
        row: the risk as it stands.
        changed: the fields in which it differs.
    """
    for one in Acceptance.objects.select_for_update().filter(risk=row.id, state__in=(PROPOSED, ACCEPTED)):
        if one.version < row.version:
            lapse(one, "outdate", why=f"the risk changed: {', '.join(changed)}", causes=(row.event,))


def outdate_links(kind: str, wanted: str) -> int:
    """End what is accepted of risks that rest on something that changed; gives how many.

    Args:
        kind: a field of `LINKS`.
        wanted: id of what changed.

    Raises:
        Refused: if somebody takes a step with one of them at this moment.
    """
    risks = Risk.objects.filter(**{f"{kind}__contains": [wanted]}).values_list("id", flat=True)
    rows = Acceptance.objects.filter(risk__in=list(risks), state=ACCEPTED)
    # The change is recorded already: whoever holds one of these waits for the log's head, and is not waited for.
    found = list(rows.select_for_update(skip_locked=True))
    if len(found) < rows.count():
        raise Refused("an acceptance that rests on it is being decided on at this moment: try again", kind)
    for one in found:
        lapse(one, "outdate", why=f"{wanted}, on which it rests, changed")
    return len(found)


def follow_change(change: Changed) -> None:
    """End what was accepted of risks that rest on an asset or a control that says something else now."""
    if change.kind in ("asset", "control"):
        outdate_links(f"{change.kind}s", change.id)


def expire_due(now: datetime) -> int:
    """End what was to hold until a day that is over where it was proposed; gives how many. Never ends one twice.

    Args:
        now: aware.
    """
    # A day ends up to twelve hours after that of UTC; what is not over yet is left for a later round.
    late = now.date() + timedelta(days=1)
    rows = Acceptance.objects.select_for_update(skip_locked=True).filter(state__in=(PROPOSED, ACCEPTED), until__lt=late)
    due = [one for one in rows if one.until < today(one.zone, now)]
    for one in due:
        lapse(one, "expire", now=now, why=f"its last day, {one.until}, is over")
    return len(due)


def matter_of(row: Acceptance, risk: Risk) -> Matter:
    """What of an acceptance its next step depends on."""
    owners = frozenset({row.owner, risk.owner} - {""})
    return Matter(row.state, owners, row.proposed_by, row.until, row.version, risk.version)


def today(zone: str, now: datetime) -> date:
    """Which day it is in a zone."""
    return now.astimezone(ZoneInfo(zone)).date()


def lapse(
    row: Acceptance, step: Step, *, why: str, by: str = SYSTEM, now: datetime | None = None, causes: Sequence[str] = ()
) -> None:
    """End an acceptance, with its entry.

    Args:
        row: locked.
        step: by which it ends; a person's was checked by the caller.
        why: kept with it.
        by: who ends it.
        now: aware; None for the present.
        causes: entries that led to it, beside the one that put it in force or proposed it.
    """
    now = now or timezone.now()
    decision = AcceptanceDecision.objects.filter(acceptance=row.id).first()
    row.state = ended(row.state, step)
    row.ended_by, row.ended_at, row.ended_why = by, now, why
    row.save()
    noted(
        "risk.lapse",
        by=by,
        resource=("risk", row.risk),
        labels={"risk": row.risk, "acceptance": row.id, "why": row.state},
        causes=[row.event if decision is None else decision.event, *causes],
        body={"reason": why},
    )
    tell(Weighed(Risk.objects.get(id=row.risk), row, by))
