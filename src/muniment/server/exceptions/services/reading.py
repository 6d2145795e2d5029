"""Exceptions as they stand, their steps and decisions, and the chains of their renewals."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q, QuerySet
from django.utils import timezone

from muniment.server.exceptions.content import Content
from muniment.server.exceptions.models import Decision, PolicyException, Step
from muniment.server.exceptions.workflow import ACTIVE, EXPIRING_SOON, NOT_RENEWING, UNDER_REVIEW, Matter, Party
from muniment.server.registers import keeping

MOST_LISTED: Final = 500


class NoSuch(keeping.NoSuch):
    """There is no such exception in this tenant."""


def exception_for(wanted: str, *, lock: bool = False) -> PolicyException:
    """An exception of the open tenant by its id.

    Args:
        wanted: `exc_…`.
        lock: let others who would take a step wait until this transaction ends.

    Raises:
        NoSuch: if there is none.
    """
    rows = PolicyException.objects.select_for_update() if lock else PolicyException.objects.all()
    row = None if "\0" in wanted else rows.filter(id=wanted).first()
    if row is None:
        raise NoSuch("there is no such exception", "exception")
    return row


def lock_chain(chain: str) -> None:
    """Let others who would take a step with an exception of a chain wait until this transaction ends."""
    _lock(Q(chain=chain))


def lock_all(ids: Collection[str]) -> None:
    """Let others who would take a step with one of some exceptions wait until this transaction ends."""
    _lock(Q(id__in=[one for one in ids if "\0" not in one]))


def _lock(which: Q) -> None:
    # In one order, so that of two who lock several none waits for the other's.
    list(PolicyException.objects.select_for_update().filter(which).order_by("id").values_list("id", flat=True))


def soon(now: datetime) -> Q:
    """The condition that `workflow.expiring_soon` is, of rows."""
    return Q(state=ACTIVE, soon_at__lte=now)


def exceptions(*, state: str = "", asked_by: str = "", policy: str = "", asset: str = "") -> list[PolicyException]:
    """Exceptions of the open tenant, newest first; at most 500.

    Args:
        state: one of `STATES`, or `EXPIRING_SOON`; "" for all.
        asked_by: `user:usr_…` who asked for or owns it; "" for all.
        policy: `pol_…`; "" for all.
        asset: `ast_…`; "" for all.
    """
    rows = PolicyException.objects.all()
    if state:
        rows = rows.filter(soon(timezone.now()) if state == EXPIRING_SOON else Q(state=state))
    if asked_by:
        rows = rows.filter(Q(requested_by=asked_by) | Q(owner=asked_by))
    if policy:
        rows = rows.filter(policy_id=policy)
    if asset:
        rows = rows.filter(assets__contains=[asset])
    return list(rows.order_by("-created_at", "-id")[:MOST_LISTED])


def waiting() -> list[PolicyException]:
    """Exceptions under review, the longest waiting first; at most 500."""
    return list(PolicyException.objects.filter(state=UNDER_REVIEW).order_by("submitted_at", "id")[:MOST_LISTED])


def due(now: datetime, *, within: timedelta) -> QuerySet[PolicyException]:
    """Active exceptions of the open tenant that end within a time from now, the nearest first."""
    return PolicyException.objects.filter(state=ACTIVE, ends_at__gt=now, ends_at__lte=now + within).order_by(
        "ends_at", "id"
    )


def steps_of(row: PolicyException) -> list[Step]:
    """Every step that an exception took, oldest first."""
    return list(Step.objects.filter(exception=row.id).order_by("number"))


def decisions_of(row: PolicyException) -> list[Decision]:
    """Every decision on an exception, oldest first."""
    return list(Decision.objects.filter(exception=row.id).order_by("number"))


def approvals_of(row: PolicyException) -> list[Step]:
    """The approvals of the submission that an exception is in, in their order."""
    return list(Step.objects.filter(exception=row.id, kind="approve", round=row.round).order_by("number"))


def chain(wanted: str) -> list[PolicyException]:
    """An exception with all that it renews and all that renew it, oldest first.

    Raises:
        NoSuch: if there is none of that id.
    """
    row = exception_for(wanted)
    return list(PolicyException.objects.filter(chain=row.chain).order_by("created_at", "id"))


def renewals_of(rows: Collection[PolicyException]) -> dict[str, str]:
    """What renews each of these exceptions, by their ids; what was refused or withdrawn renews nothing."""
    found = PolicyException.objects.filter(renews__in=[row.id for row in rows])
    return dict(found.exclude(state__in=NOT_RENEWING).values_list("renews", "id"))


def content_of(row: PolicyException) -> Content:
    """What an exception says."""
    return Content(
        title=row.title,
        policy=row.policy_id,
        scope=row.scope,
        reason=row.reason,
        risk_level=row.risk_level,
        residual_risk=row.residual_risk,
        expires_on=row.expires_on,
        compensating=row.compensating,
        controls=tuple(row.controls),
        compensating_controls=tuple(row.compensating_controls),
        assets=tuple(row.assets),
        evidence=tuple(row.evidence),
        starts_on=row.starts_on,
        zone=row.zone,
        owner=row.owner,
    )


def matter_of(row: PolicyException) -> Matter:
    """What of an exception its next step depends on."""
    steps = list(Step.objects.filter(exception=row.id, kind__in=("submit", "approve")).order_by("number"))
    given = [one for one in steps if one.kind == "approve" and one.round == row.round and row.state == UNDER_REVIEW]
    involved = {one.by for one in steps if one.kind == "submit"}
    if row.renews:
        before = PolicyException.objects.only("requested_by", "owner").get(id=row.renews)
        involved |= {before.requested_by, before.owner}
    return Matter(
        state=row.state,
        requested_by=row.requested_by,
        owner=row.owner,
        levels=row.levels,
        approvals=tuple(Party(one.by, one.on_behalf_of) for one in given),
        stale=row.stale_at is not None,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        involved=frozenset(involved),
    )
