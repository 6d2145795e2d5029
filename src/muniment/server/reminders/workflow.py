"""Which reminder of an exception is due on a day. Pure.

A mark is named once and for all, so that the database can hold it to once: `expiring:30`, `attest:2026-07-01`,
`attest-overdue:2026-07-01`, `escalate:2:1` (second submission, first level). Of marks that were passed while nobody
looked only the nearest is due: somebody who was away for a week is not reminded three times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

OVERDUE_AFTER: Final = 14
"""Days after which an attestation that is due is overdue, which others are told too."""


@dataclass(frozen=True, slots=True)
class Times:
    """What an exception's reminders depend on.

    Attributes:
        zone: IANA name of the zone of its dates.
        expires_on: its last day there.
        since: when it became active, was attested or was decided on, whichever was last; aware.
    """

    zone: str
    expires_on: date
    since: datetime


@dataclass(frozen=True, slots=True)
class Due:
    """A reminder that is due: its mark, the event, and how many days are left or over."""

    mark: str
    event: str
    days: int


def expiring(times: Times, reminder_days: Sequence[int], now: datetime) -> Due | None:
    """The reminder of an active exception's end that is due; None if none is yet, or it has ended.

    Args:
        times: of the exception.
        reminder_days: days before its last day, in any order.
        now: aware.
    """
    left = (times.expires_on - _day(now, times.zone)).days
    passed = [days for days in reminder_days if left <= days]
    if left < 0 or not passed:
        return None
    return Due(f"expiring:{min(passed)}", "exception.expiring", left)


def attestation(times: Times, reattest_days: int, now: datetime) -> Due | None:
    """Whether the owner of an active exception is to attest it again; the days are those since it was due.

    Args:
        times: of the exception.
        reattest_days: after how many days.
        now: aware.
    """
    due = _day(times.since, times.zone) + timedelta(days=reattest_days)
    over = (_day(now, times.zone) - due).days
    if over < 0 or due > times.expires_on:
        return None
    kind = "attest-overdue" if over >= OVERDUE_AFTER else "attest"
    return Due(f"{kind}:{due.isoformat()}", "attestation.due", over)


def escalation(waits_since: datetime, round_: int, level: int, escalate_days: int, now: datetime) -> Due | None:
    """Whether a decision waits for too long; the days are those for which it waits.

    Args:
        waits_since: when it was submitted, or got the approval before; aware.
        round_: how often it was submitted.
        level: which approval it waits for, from 1.
        escalate_days: after how many days, of 24 hours each.
        now: aware.
    """
    waits = now - waits_since
    if waits < timedelta(days=escalate_days):
        return None
    return Due(f"escalate:{round_}:{level}", "approval.escalated", waits.days)


def _day(at: datetime, zone: str) -> date:
    return at.astimezone(ZoneInfo(zone)).date()
