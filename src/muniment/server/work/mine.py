"""Somebody's own exceptions, by what they want of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Q, QuerySet

from muniment.server.access.standing import Standing
from muniment.server.exceptions.models import PolicyException
from muniment.server.exceptions.services import soon
from muniment.server.exceptions.workflow import ACTIVE, APPROVED, CHANGEABLE, NOT_RENEWING, STANDING, UNDER_REVIEW

SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Group:
    """Some of somebody's exceptions: why they stand together, how many there are, and the first of them."""

    code: str
    title: str
    hint: str
    total: int
    rows: tuple[PolicyException, ...]
    query: str
    """Of the list that shows them all; "" where no filter says it."""


def own(standing: Standing) -> QuerySet[PolicyException]:
    """The exceptions that somebody asked for or answers for."""
    return PolicyException.objects.filter(Q(requested_by=standing.subject) | Q(owner=standing.subject))


def my_exceptions(standing: Standing, now: datetime) -> list[Group]:
    """Somebody's exceptions: first what needs them, then what waits for others, then what runs, then what is over."""
    rows = own(standing)
    stale = Q(state__in=STANDING, stale_at__isnull=False)
    renewed = PolicyException.objects.exclude(renews="").exclude(state__in=NOT_RENEWING).values("renews")
    over = ~Q(state__in=(*CHANGEABLE, UNDER_REVIEW, *STANDING))
    asked = (
        ("changeable", "To be finished", "Change and submit.", Q(state__in=CHANGEABLE), "state=draft,returned"),
        ("stale", "No longer what was decided", "An approver attests to it, or revokes it.", stale, ""),
        ("soon", "Ending soon", "Renew what is still needed.", soon(now) & ~Q(id__in=renewed), ""),
        ("waiting", "Waiting for a decision", "Somebody else decides.", Q(state=UNDER_REVIEW), "state=under_review"),
        ("standing", "Standing", "Approved, or active.", Q(state__in=(APPROVED, ACTIVE)), "state=approved,active"),
        ("over", "Over", "They stay readable.", over, "state=expired,rejected,withdrawn,revoked"),
    )
    groups = []
    for code, title, hint, which, query in asked:
        found = rows.filter(which)
        first = tuple(found.order_by("expires_on" if code != "over" else "-expires_on", "id")[: SHOWN + 1])
        total = len(first) if len(first) <= SHOWN else found.count()
        groups.append(Group(code, title, hint, total, first[:SHOWN], f"mine=me&{query}" if query else ""))
    return groups
