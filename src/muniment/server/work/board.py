"""The board: exceptions in columns by where they stand, each card with the one step that its reader can take."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Count, Q

from muniment.server.access.standing import Standing
from muniment.server.capabilities import Capability
from muniment.server.exceptions.models import PolicyException
from muniment.server.exceptions.workflow import (
    ACTIVE,
    APPROVED,
    CHANGEABLE,
    DRAFT,
    EXPIRED,
    RETURNED,
    STATES,
    UNDER_REVIEW,
    expiring_soon,
)
from muniment.server.work.approvals import decidable

COLUMNS: Final = (DRAFT, RETURNED, UNDER_REVIEW, APPROVED, ACTIVE, EXPIRED)
SHOWN: Final = 20
"""Cards of a column; the list shows the others."""


@dataclass(frozen=True, slots=True)
class Card:
    """An exception on the board; `step` is what its reader can do: submit, decide, renew, attest, or "" to look."""

    row: PolicyException
    step: str
    soon: bool


@dataclass(frozen=True, slots=True)
class Column:
    """A state: how many stand there, and the first of them."""

    state: str
    title: str
    total: int
    cards: tuple[Card, ...]


def board(standing: Standing, now: datetime, *, mine: bool = False, risk_level: str = "") -> list[Column]:
    """The columns of the board. What ends or waits longest stands on top.

    Args:
        standing: of the reader.
        now: aware.
        mine: only what the reader asked for or answers for.
        risk_level: only these; "" for all.
    """
    which = Q()
    if mine:
        which &= Q(requested_by=standing.subject) | Q(owner=standing.subject)
    if risk_level:
        which &= Q(risk_level=risk_level)
    rows = PolicyException.objects.filter(which)
    totals = dict(rows.filter(state__in=COLUMNS).values_list("state").annotate(Count("id")).order_by())
    columns = []
    for state in COLUMNS:
        order = {UNDER_REVIEW: "submitted_at", EXPIRED: "-ends_at"}.get(state, "expires_on")
        first = list(rows.filter(state=state).order_by(order, "id")[:SHOWN])
        to_decide = decidable(standing, now, first) if state == UNDER_REVIEW else set()
        cards = tuple(Card(row, _step(standing, row, now, to_decide), _soon(row, now)) for row in first)
        columns.append(Column(state, STATES[state], totals.get(state, 0), cards))
    return columns


def _soon(row: PolicyException, now: datetime) -> bool:
    return expiring_soon(row.state, row.soon_at, now)


def _step(standing: Standing, row: PolicyException, now: datetime, to_decide: set[str]) -> str:
    own = standing.subject in (row.requested_by, row.owner) and standing.may(Capability.EXCEPTION_REQUEST)
    if row.state in CHANGEABLE and own:
        return "submit"
    if row.id in to_decide:
        return "decide"
    if row.stale_at is not None and not own and standing.may(Capability.EXCEPTION_APPROVE):
        return "attest"
    return "renew" if own and (row.state == EXPIRED or _soon(row, now)) else ""
