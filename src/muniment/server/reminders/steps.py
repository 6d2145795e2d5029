"""Telling people of the steps that exceptions take, in the transaction of the step."""

from __future__ import annotations

from typing import Final

from muniment.server.approvals.services import roster, rules_of
from muniment.server.approvals.workflow import levels_for
from muniment.server.exceptions.models import PolicyException
from muniment.server.exceptions.services import basis_of, matter_of
from muniment.server.exceptions.steps import Stepped
from muniment.server.exceptions.workflow import RISK_LEVELS, UNDER_REVIEW
from muniment.server.exceptions.workflow import deciders as approvers
from muniment.server.notifications.services import notify
from muniment.server.reminders.parties import present

_OUTCOMES: Final = {"approve": "approved", "return": "returned", "reject": "rejected", "revoke": "revoked"}


def tell_of_step(stepped: Stepped) -> None:
    """Tell whoever is concerned by a step; whoever took it knows."""
    row, step = stepped.exception, stepped.step
    facts = {"ends on": row.expires_on.isoformat(), "risk": RISK_LEVELS.get(row.risk_level, row.risk_level)}
    there = present(step.at)
    if row.state == UNDER_REVIEW and step.kind in ("submit", "approve"):
        wanted = deciders(row, step.level + 1, stepped)
        # Where nobody may decide, whoever keeps the rules has to know.
        tell("exception.submitted", there.of(*wanted, but=[step.by]), row, facts)
    elif step.kind in _OUTCOMES:
        facts["decided"] = _OUTCOMES[step.kind]
        tell("exception.decided", there.of(row.owner, row.requested_by, but=[step.by]), row, facts)
    elif step.kind == "expire":
        tell("exception.expired", there.of(row.owner, row.requested_by), row, facts)
    elif step.kind == "stale":
        wanted = (row.owner, row.requested_by, *deciders(row, max(1, row.levels), stepped))
        tell("exception.stale", there.of(*wanted), row, facts)


def deciders(row: PolicyException, level: int, stepped: Stepped) -> tuple[str, ...]:
    """Who could decide on an exception at a level, those who are away left out where somebody else is there."""
    levels = levels_for(rules_of(row.rules), basis_of(row).case)
    matter = matter_of(row)
    barred = matter.barred | approvers(matter.approvals)
    found = roster(stepped.step.at).deciders(levels[min(level, len(levels)) - 1], barred)
    here = tuple(one.subject for one in found if not one.away)
    return here or tuple(one.subject for one in found)


def tell(event: str, to: tuple[str, ...], row: PolicyException, facts: dict[str, str]) -> None:
    """Tell people of an exception: its title goes into their e-mail, the facts stay here."""
    if to:
        notify(event, to, "exception", row.id, row.title, f"/exceptions/{row.id}", facts)
