"""Telling people of the acceptance of risks, in the transaction of its step."""

from __future__ import annotations

from typing import Final

from django.utils import timezone

from muniment.server.capabilities import Capability
from muniment.server.notifications.services import notify
from muniment.server.reminders.parties import present
from muniment.server.risks.acceptance import ACCEPTED, EXPIRED, PROPOSED, REFUSED, REVOKED, STALE
from muniment.server.risks.steps import Weighed

_EVENTS: Final = {
    PROPOSED: "risk.proposed",
    ACCEPTED: "risk.decided",
    REFUSED: "risk.decided",
    REVOKED: "risk.lapsed",
    STALE: "risk.lapsed",
    EXPIRED: "risk.lapsed",
}
"""What is told of each state; of what was withdrawn, or replaced by a later acceptance, nobody is."""


def tell_of_acceptance(weighed: Weighed) -> None:
    """Tell who may decide of a proposal, and owner and proposer of what came of it; whoever took the step knows."""
    risk, row = weighed.risk, weighed.acceptance
    event = _EVENTS.get(row.state)
    if event is None:
        return
    there = present(timezone.now())
    if row.state == PROPOSED:
        own = {row.proposed_by, row.owner, risk.owner}
        to = there.of(*(one for one in there.holding(Capability.RISK_ACCEPT) if one not in own), but=[weighed.by])
    else:
        to = there.of(risk.owner, row.proposed_by, but=[weighed.by])
    facts = {"acceptance": row.state, "level": risk.level or "not placed", "until": row.until.isoformat()}
    if to:
        notify(event, to, "risk", risk.id, risk.title, f"/risks/{risk.id}", facts)
