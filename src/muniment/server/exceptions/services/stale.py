"""Decisions become stale when something on which they rest says something else."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db.models import Max
from django.utils import timezone

from muniment.server.exceptions.models import Decision, Pending, PolicyException, Rest
from muniment.server.exceptions.services.reading import exception_for, matter_of
from muniment.server.exceptions.services.stepping import Taken, take
from muniment.server.exceptions.workflow import STANDING, SYSTEM, Party, advance
from muniment.server.subjects import WITHDRAWN, Changed
from muniment.server.tenants.resolving import tenant_in_scope
from muniment.server.tenants.scope import tenant_scope

AT_ONCE: Final = 20
"""How many decisions are marked in the transaction of the change; of more, all are left to the background job."""


RISK: Final = "risk"


def follow_change(change: Changed) -> None:
    """Mark every standing decision that rests on another version as stale, in the transaction of the change.

    Many of them would keep the log's head for too long, and whoever takes a step with one of them waits for that head
    while this would wait for them: these are written down, and marked within a minute.
    """
    ids = _resting(change, AT_ONCE + 1)
    free = PolicyException.objects.select_for_update(skip_locked=True).filter(id__in=ids).values_list("id", flat=True)
    if len(ids) > AT_ONCE or len(free) < len(ids):
        Pending.objects.create(
            tenant_id=tenant_in_scope().tenant_id, kind=change.kind, subject=change.id, digest=change.digest
        )
        return
    for wanted in ids:
        _mark(wanted, change)


def mark_pending(tenant_id: UUID) -> int:
    """Mark what changes left to the background, each decision in a transaction of its own; how many were marked.

    Args:
        tenant_id: whose decisions.
    """
    marked = 0
    with tenant_scope(tenant_id):
        waiting = list(Pending.objects.order_by("id"))
    for one in waiting:
        change = Changed(one.kind, one.subject, one.digest)
        with tenant_scope(tenant_id):
            ids = _resting(change)
        for wanted in ids:
            with tenant_scope(tenant_id):
                marked += _mark(wanted, change)
        with tenant_scope(tenant_id):
            Pending.objects.filter(id=one.id).delete()
    return marked


def outdate(chain: str, change: Changed) -> None:
    """Mark what stands of a chain as stale, because the risk that it leaves is said to be another one.

    Args:
        chain: id of its first exception.
        change: of the risk, in whose transaction this runs, with `lock_chain` before the risk was locked.
    """
    for wanted in _standing(chain):
        _mark(wanted, change)


def _standing(chain: str) -> list[str]:
    rows = PolicyException.objects.filter(chain=chain, state__in=STANDING, stale_at=None)
    return list(rows.order_by("id").values_list("id", flat=True))


def _resting(change: Changed, most: int | None = None) -> list[str]:
    """Ids of standing exceptions of which some decision rests on another version, and that are not stale yet."""
    rests = Rest.objects.filter(kind=change.kind, subject=change.id).exclude(digest=change.digest)
    rows = PolicyException.objects.filter(id__in=rests.values("exception"), state__in=STANDING, stale_at=None)
    return list(rows.order_by("id").values_list("id", flat=True)[:most])


def _mark(wanted: str, change: Changed) -> bool:
    row = exception_for(wanted, lock=True)
    if row.state not in STANDING or row.stale_at is not None or not _rests_on_another(row, change):
        return False
    now = timezone.now()
    after = advance(matter_of(row), "stale", Party(SYSTEM), at=now)
    what = "was withdrawn" if change.digest == WITHDRAWN else "has another version"
    said = f"{change.kind.capitalize()} {change.id} {what}."
    labels = {"kind": change.kind, "subject": change.id, "now": change.digest}
    take(row, Taken("stale", after, Party(SYSTEM), now, said, labels=labels))
    return True


def _rests_on_another(row: PolicyException, change: Changed) -> bool:
    """Whether the newest decision does: an older one was given for what there was then."""
    if change.kind == RISK:
        # A risk is opened by the decision, which therefore names its level and its text and no version of it.
        return True
    newest = Decision.objects.filter(exception=row.id).aggregate(number=Max("number"))["number"]
    rests = Rest.objects.filter(exception=row.id, number=newest, kind=change.kind, subject=change.id)
    return rests.exclude(digest=change.digest).exists()
