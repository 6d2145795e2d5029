"""Reminding people of what is due in a tenant, each exception once at each mark."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from muniment.server.approvals.services import rules_of
from muniment.server.approvals.workflow import Rules
from muniment.server.exceptions.models import PolicyException, Step
from muniment.server.exceptions.workflow import ACTIVE, UNDER_REVIEW
from muniment.server.notifications.services import Notice, notify_many
from muniment.server.reminders.models import Mark
from muniment.server.reminders.parties import Present, present
from muniment.server.reminders.workflow import Due, Times, attestation, escalation, expiring
from muniment.server.tenants.scope import tenant_scope

IN_ONE_GO: Final = 500
"""Reminders of one transaction: what has gone out stays when the process ends in the middle."""
_COLUMNS: Final = (
    "id", "title", "state", "owner", "requested_by", "zone", "expires_on", "starts_at", "approved_at", "attested_at",
    "submitted_at", "round", "level", "rules",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reminder:
    """A reminder of an exception that is due, and who gets it."""

    row: PolicyException
    due: Due


def remind(tenant_id: UUID, now: datetime) -> int:
    """Send every reminder of a tenant that is due and has not gone out; gives how many.

    Args:
        tenant_id: whose exceptions.
        now: aware.
    """
    with tenant_scope(tenant_id):
        waiting = list(_not_yet(_due(now)))
    sent = 0
    for start in range(0, len(waiting), IN_ONE_GO):
        with tenant_scope(tenant_id):
            sent += _send(tenant_id, waiting[start : start + IN_ONE_GO], now)
    return sent


def reminded(exception: str) -> list[Mark]:
    """The reminders of an exception of the open tenant that went out, oldest first."""
    return list(Mark.objects.filter(exception=exception).order_by("id"))


def _due(now: datetime) -> Iterator[Reminder]:
    """Every reminder that is due in the open tenant, those that went out too."""
    rules = _rules()
    rows = PolicyException.objects.filter(state__in=[ACTIVE, UNDER_REVIEW]).only(*_COLUMNS).order_by("id")
    approved = _approved_at()
    for row in rows.iterator(chunk_size=2_000):
        kept = rules(row.rules)
        if row.state == UNDER_REVIEW:
            since = approved.get((row.id, row.round, row.level), row.submitted_at)
            found = [since and escalation(since, row.round, row.level + 1, kept.escalate_days, now)]
        else:
            held = [at for at in (row.starts_at, row.approved_at, row.attested_at) if at is not None]
            times = Times(row.zone, row.expires_on, max(held, default=now))
            found = [expiring(times, kept.reminder_days, now), attestation(times, kept.reattest_days, now)]
        yield from (Reminder(row, due) for due in found if due is not None)


def _not_yet(found: Iterator[Reminder]) -> Iterator[Reminder]:
    gone = set(Mark.objects.values_list("exception", "mark"))
    return (one for one in found if (one.row.id, one.due.mark) not in gone)


def _send(tenant_id: UUID, reminders: Sequence[Reminder], now: datetime) -> int:
    """Send some, in one transaction with their marks."""
    with connection.cursor() as cursor:
        # Two processes at once would each send what the other is about to: the second one finds the marks.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"reminders/{tenant_id}"])
    ids = {one.row.id for one in reminders}
    gone = set(Mark.objects.filter(exception__in=ids).values_list("exception", "mark"))
    states = dict(PolicyException.objects.filter(id__in=ids).values_list("id", "state"))
    left = [
        one for one in reminders if (one.row.id, one.due.mark) not in gone and states.get(one.row.id) == one.row.state
    ]
    there = present(now)
    told = [(one, _recipients(one, there)) for one in left]
    Mark.objects.bulk_create(
        Mark(tenant_id=tenant_id, exception=one.row.id, mark=one.due.mark, people=len(to), at=now) for one, to in told
    )
    notify_many([_notice(one, to) for one, to in told if to], now=now)
    return len(left)


def _recipients(one: Reminder, there: Present) -> tuple[str, ...]:
    if one.due.event == "approval.escalated":
        return there.keepers
    if one.due.mark.startswith("attest:"):
        return there.of(one.row.owner)
    if one.due.mark.startswith("attest-overdue:"):
        return tuple(dict.fromkeys((*there.of(one.row.owner), *there.keepers)))
    return there.of(one.row.owner, one.row.requested_by)


def _notice(one: Reminder, to: tuple[str, ...]) -> Notice:
    names = {"exception.expiring": "days left", "attestation.due": "days overdue", "approval.escalated": "days waiting"}
    facts: dict[str, str | int] = {names[one.due.event]: one.due.days, "ends on": one.row.expires_on.isoformat()}
    return Notice(one.due.event, to, "exception", one.row.id, one.row.title, f"/exceptions/{one.row.id}", facts)


def _rules() -> Callable[[str], Rules]:
    """The rules of a version, each read once. Running cases keep their version, its reminders too."""
    known: dict[str, Rules] = {}

    def of(version: str) -> Rules:
        if version not in known:
            known[version] = rules_of(version)
        return known[version]

    return of


def _approved_at() -> dict[tuple[str, int, int], Any]:
    """When each case that waits for its second approval got the first, by (exception, round, level)."""
    half = PolicyException.objects.filter(state=UNDER_REVIEW, level__gt=0).values("id")
    steps = Step.objects.filter(kind="approve", exception__in=half)
    return {(one.exception, one.round, one.level): one.at for one in steps.only("exception", "round", "level", "at")}
