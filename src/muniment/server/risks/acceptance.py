"""How the acceptance of a risk goes: a proposal, a decision by somebody else, and an end. Rules without a database."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from muniment.core.errors import Malformed, Refused
from muniment.server.capabilities import Capability
from muniment.server.registers.texts import checked_text
from muniment.server.risks.workflow import CLOSED

PROPOSED: Final = "proposed"
ACCEPTED: Final = "accepted"
REFUSED: Final = "refused"
WITHDRAWN: Final = "withdrawn"
REVOKED: Final = "revoked"
REPLACED: Final = "replaced"
STALE: Final = "stale"
EXPIRED: Final = "expired"
STATES: Final = {
    PROPOSED: "Waiting for a decision",
    ACCEPTED: "Accepted",
    REFUSED: "Not accepted",
    WITHDRAWN: "Withdrawn",
    REVOKED: "Revoked",
    REPLACED: "Replaced by a later acceptance",
    STALE: "Stale: the risk changed since",
    EXPIRED: "Expired",
}
MAX_DAYS: Final = 366
"""How long an acceptance may hold, where the tenant's rules of approval say nothing shorter."""

Step = Literal["accept", "refuse", "withdraw", "revoke", "replace", "outdate", "expire"]


@dataclass(frozen=True, slots=True)
class Transition:
    """One step of an acceptance.

    Attributes:
        step: what is done.
        source, target: states.
        by: the capability that a person needs for it; None for what happens by itself.
        needs: `comment` where one must be given.
        not_by: who may not do it: the owner of the risk and who proposed it.
    """

    step: Step
    source: str
    target: str
    by: Capability | None
    needs: tuple[str, ...] = ()
    not_by: tuple[str, ...] = ()


_OTHERS: Final = ("owner", "proposer")
TRANSITIONS: Final = (
    Transition("accept", PROPOSED, ACCEPTED, Capability.RISK_ACCEPT, ("comment",), _OTHERS),
    Transition("refuse", PROPOSED, REFUSED, Capability.RISK_ACCEPT, ("comment",), _OTHERS),
    Transition("withdraw", PROPOSED, WITHDRAWN, Capability.RISK_MANAGE),
    Transition("outdate", PROPOSED, STALE, None),
    Transition("expire", PROPOSED, EXPIRED, None),
    Transition("revoke", ACCEPTED, REVOKED, Capability.RISK_ACCEPT, ("comment",)),
    Transition("replace", ACCEPTED, REPLACED, None),
    Transition("outdate", ACCEPTED, STALE, None),
    Transition("expire", ACCEPTED, EXPIRED, None),
)


@dataclass(frozen=True, slots=True)
class Matter:
    """What of an acceptance its next step depends on.

    Attributes:
        state: one of `STATES`.
        owner: of the risk, as it was proposed and as it is now.
        proposed_by: who proposed it.
        until: the last day on which it holds.
        version: of the risk that it is about.
        risk_version: of the risk as it stands.
    """

    state: str
    owner: frozenset[str]
    proposed_by: str
    until: date
    version: int
    risk_version: int


def advance(
    matter: Matter,
    step: Step,
    *,
    today: date,
    by: str = "",
    capabilities: Set[Capability] = frozenset(),
    comment: str = "",
) -> str:
    """The state after a step.

    Args:
        matter: the acceptance as it stands.
        step: what is to be done.
        today: in the zone of the acceptance.
        by: who does it, as the ledger names them; "" for what happens by itself.
        capabilities: what they may do.
        comment: why.

    Raises:
        Refused: naming what stands against it.
        Malformed: without a comment where one is needed.
    """
    found = next((one for one in TRANSITIONS if one.step == step and one.source == matter.state), None)
    if found is None:
        raise Refused(f"is {STATES.get(matter.state, matter.state).lower()}; that cannot be done now", "state")
    if found.by is not None:
        _check_who(found, matter, by, capabilities)
    if "comment" in found.needs:
        checked_text(comment, "comment", least=1)
    if step == "accept":
        if matter.version != matter.risk_version:
            raise Refused("the risk changed since it was proposed: look at it, and propose it anew", "version")
        if matter.until < today:
            raise Refused("the day until which it was to hold is over: propose it anew", "until")
    return found.target


def ended(state: str, step: Step) -> str:
    """The state after a step, without asking who may take it.

    Raises:
        Refused: if the step is none from there.
    """
    found = next((one for one in TRANSITIONS if one.step == step and one.source == state), None)
    if found is None:
        raise Refused(f"is {STATES.get(state, state).lower()}; that cannot be done now", "state")
    return found.target


def checked_until(until: date, today: date, most: int = MAX_DAYS) -> date:
    """The last day on which an acceptance holds.

    Raises:
        Malformed: if it is no day from today to `most` days from now.
    """
    days = (until - today).days
    if days < 0:
        raise Malformed("is over: an acceptance ends on a day to come, or today", "until")
    if days > most:
        raise Malformed(f"is {days} days from today; an acceptance holds for at most {most}", "until")
    return until


def check_acceptable(state: str, treatment: str) -> None:
    """Whether a risk can be proposed for acceptance.

    Raises:
        Refused: naming what stands against it.
    """
    if state == CLOSED:
        raise Refused("is closed: there is nothing to accept", "state")
    if treatment == "avoid":
        raise Refused("its treatment is to avoid it; what is avoided is not accepted", "treatment")


def _check_who(found: Transition, matter: Matter, by: str, capabilities: Set[Capability]) -> None:
    if found.by is Capability.RISK_ACCEPT and not by.startswith("user:"):
        raise Refused("a person decides on this, by their own session; a key cannot", "person")
    # Who proposed it may take it back even if they may not manage risks any more.
    if found.by not in capabilities and not (found.step == "withdraw" and by == matter.proposed_by):
        raise Refused(f"needs the capability {found.by}", "capability")
    if "proposer" in found.not_by and by == matter.proposed_by:
        raise Refused("who proposes that a risk be accepted does not decide on it: ask somebody else", "approver")
    if "owner" in found.not_by and by in matter.owner:
        raise Refused("who owns a risk does not decide that it is accepted: ask somebody else", "approver")
