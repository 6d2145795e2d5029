"""Decisions become stale when something on which they rest says something else."""

from __future__ import annotations

from django.db.models import Max
from django.utils import timezone

from muniment.server.exceptions.models import Decision, PolicyException, Rest
from muniment.server.exceptions.services.reading import matter_of
from muniment.server.exceptions.services.stepping import Taken, take
from muniment.server.exceptions.workflow import STANDING, SYSTEM, Party, advance
from muniment.server.subjects import WITHDRAWN, Changed


def follow_change(change: Changed) -> None:
    """Mark every standing decision that rests on another version as stale, in the transaction of the change."""
    rests = Rest.objects.filter(kind=change.kind, subject=change.id).exclude(digest=change.digest)
    ids = set(rests.values_list("exception", flat=True))
    if not ids:
        return
    rows = PolicyException.objects.filter(id__in=ids, state__in=STANDING, stale_at=None)
    for row in rows.select_for_update().order_by("id"):
        if _rests_on_another(row, change):
            now = timezone.now()
            after = advance(matter_of(row), "stale", Party(SYSTEM), at=now)
            labels = {"kind": change.kind, "subject": change.id, "now": change.digest}
            what = "was withdrawn" if change.digest == WITHDRAWN else "has another version"
            said = f"{change.kind.capitalize()} {change.id} {what}."
            take(row, Taken("stale", after, Party(SYSTEM), now, said, labels=labels))


def _rests_on_another(row: PolicyException, change: Changed) -> bool:
    newest = Decision.objects.filter(exception=row.id).aggregate(number=Max("number"))["number"]
    rests = Rest.objects.filter(exception=row.id, number=newest, kind=change.kind, subject=change.id)
    return rests.exclude(digest=change.digest).exists()
