"""How an exception goes on: a table of steps, who may not take them, and nothing of the database.

The engine judges steps; it makes none up. How many approvals an exception needs, and whose, is said by the version of
the tenant's approval rules under which it was submitted; the allowed steps are these, and triggers hold the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from muniment.core.errors import Malformed, Refused
from muniment.server.capabilities import Capability

DRAFT: Final = "draft"
UNDER_REVIEW: Final = "under_review"
APPROVED: Final = "approved"
REJECTED: Final = "rejected"
RETURNED: Final = "returned"
ACTIVE: Final = "active"
EXPIRED: Final = "expired"
WITHDRAWN: Final = "withdrawn"
REVOKED: Final = "revoked"
STATES: Final = {
    DRAFT: "Draft",
    UNDER_REVIEW: "Under review",
    RETURNED: "Returned",
    APPROVED: "Approved, not active yet",
    ACTIVE: "Active",
    EXPIRED: "Expired",
    REJECTED: "Rejected",
    WITHDRAWN: "Withdrawn",
    REVOKED: "Revoked",
}
EXPIRING_SOON: Final = "expiring_soon"
"""Derived, never stored: active, and the first day on which people are reminded of its end has come."""
CHANGEABLE: Final = frozenset({DRAFT, RETURNED})
OPEN: Final = frozenset({DRAFT, RETURNED, UNDER_REVIEW, APPROVED, ACTIVE})
STANDING: Final = frozenset({APPROVED, ACTIVE})
"""In which a decision stands, and can be made stale or revoked."""
RENEWABLE: Final = frozenset({APPROVED, ACTIVE, EXPIRED})
NOT_RENEWING: Final = frozenset({REJECTED, WITHDRAWN, REVOKED})
"""A renewal that ended so renews nothing; another one may."""
RISK_LEVELS: Final = {"low": "Low", "medium": "Medium", "high": "High", "critical": "Critical"}
SYSTEM: Final = "system:server"
MAX_COMMENT: Final = 4_000

Kind = Literal[
    "create", "submit", "approve", "return", "reject", "withdraw", "revoke", "activate", "expire", "stale", "attest"
]
Who = Literal["requester", "approver", "owner", "system"]


@dataclass(frozen=True, slots=True)
class Transition:
    """One step of an exception.

    Attributes:
        kind: what is done.
        source, target: states; "" before there is one.
        who: whose step it is: of the requester (or the owner that they named), of an approver who is neither, of the
            owner while the decision stands as it was made and of an approver once it is stale, or of the server.
        by: capabilities of which one is needed.
        needs: what must be given: `comment`.
    """

    kind: Kind
    source: str
    target: str
    who: Who
    by: tuple[Capability, ...] = ()
    needs: tuple[str, ...] = ()


_REQUEST: Final = (Capability.EXCEPTION_REQUEST,)
_APPROVE: Final = (Capability.EXCEPTION_APPROVE,)
_EITHER: Final = (Capability.EXCEPTION_REQUEST, Capability.EXCEPTION_APPROVE)
_WHY: Final = ("comment",)
TRANSITIONS: Final = (
    Transition("create", "", DRAFT, "requester", _REQUEST),
    *(Transition("submit", source, UNDER_REVIEW, "requester", _REQUEST) for source in (DRAFT, RETURNED)),
    # The first of two approvals leaves it under review; which of the two is the target, `advance` says by counting.
    Transition("approve", UNDER_REVIEW, UNDER_REVIEW, "approver", _APPROVE, _WHY),
    Transition("approve", UNDER_REVIEW, APPROVED, "approver", _APPROVE, _WHY),
    Transition("return", UNDER_REVIEW, RETURNED, "approver", _APPROVE, _WHY),
    Transition("reject", UNDER_REVIEW, REJECTED, "approver", _APPROVE, _WHY),
    *(
        Transition("withdraw", source, WITHDRAWN, "requester", _REQUEST, _WHY)
        for source in (DRAFT, RETURNED, UNDER_REVIEW, APPROVED, ACTIVE)
    ),
    *(Transition("revoke", source, REVOKED, "approver", _APPROVE, _WHY) for source in (APPROVED, ACTIVE)),
    Transition("activate", APPROVED, ACTIVE, "system"),
    Transition("expire", ACTIVE, EXPIRED, "system"),
    *(Transition("stale", source, source, "system") for source in (APPROVED, ACTIVE)),
    *(Transition("attest", source, source, "owner", _EITHER, _WHY) for source in (APPROVED, ACTIVE)),
)
PAIRS: Final = frozenset((one.kind, one.source, one.target) for one in TRANSITIONS)


@dataclass(frozen=True, slots=True)
class Party:
    """Who takes a step.

    Attributes:
        by: a person, `user:usr_…`.
        on_behalf_of: for whom they act; "" for themselves.
        stands_in_for: for whom they stand in at that moment, also where they act for themselves.
    """

    by: str
    on_behalf_of: str = ""
    stands_in_for: frozenset[str] = frozenset()

    @property
    def people(self) -> frozenset[str]:
        """Everybody whose word the step is."""
        return frozenset(one for one in (self.by, self.on_behalf_of) if one)


@dataclass(frozen=True, slots=True)
class Matter:
    """What of an exception its next step depends on.

    Attributes:
        state: one of `STATES`, "" before there is one.
        requested_by: who drafted it, `user:usr_…` or `key:ak_…`.
        owner: who answers for it, `user:usr_…`.
        levels: approvals that it needs; 0 before it was submitted.
        approvals: those of this submission, in their order.
        stale: something on which the decision rests has changed since.
        starts_at, ends_at: when it begins to hold and when it no longer does; None before it was submitted.
        involved: everybody who handed it in, whichever time that was, and whose the exception is that it renews.
    """

    state: str = ""
    requested_by: str = ""
    owner: str = ""
    levels: int = 0
    approvals: tuple[Party, ...] = ()
    stale: bool = False
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    involved: frozenset[str] = frozenset()

    @property
    def askers(self) -> frozenset[str]:
        """Whose exception it is."""
        return frozenset(one for one in (self.requested_by, self.owner) if one)

    @property
    def barred(self) -> frozenset[str]:
        """Who never decides on it, nor whoever stands in for them: whose it is, or was, or whose the one before was."""
        return self.askers | self.involved


def advance(
    matter: Matter, kind: Kind, party: Party, *, at: datetime, comment: str = "", mandated: bool = True
) -> Matter:
    """The matter after a step.

    Args:
        matter: as it stands.
        kind: what is to be done.
        party: who does it.
        at: when, aware.
        comment: what they say; every decision needs one.
        mandated: the rules of approval give them a say at this level. Capabilities are asked for elsewhere.

    Raises:
        Refused: naming what stands against it.
        Malformed: without a comment where one is needed.
    """
    target = _target(matter, kind)
    taken = (kind, matter.state, target)
    found = next((one for one in TRANSITIONS if (one.kind, one.source, one.target) == taken), None)
    if found is None:
        said = STATES.get(matter.state, "not there").lower()
        raise Refused(f"is {said}; that cannot be done now", "state")
    _check_party(matter, found, party, mandated=mandated)
    if "comment" in found.needs:
        checked_words(comment, "comment", least=1)
    _check_time(matter, kind, target, at)
    if kind == "submit":
        return replace(matter, state=target, approvals=(), involved=matter.involved | {party.by})
    if kind == "approve":
        return replace(matter, state=target, approvals=(*matter.approvals, party))
    if kind in ("stale", "attest"):
        return replace(matter, state=target, stale=kind == "stale")
    return replace(matter, state=target)


def deciders(approvals: Iterable[Party]) -> frozenset[str]:
    """Everybody whose word an approval was, in person or through somebody else."""
    return frozenset(one for approval in approvals for one in approval.people)


def expiring_soon(state: str, soon_at: datetime | None, now: datetime) -> bool:
    """Whether an active exception is so near to its end that people are reminded of it.

    Args:
        state: of the exception.
        soon_at: when the first reminder of its end is due; None before it was submitted.
        now: aware.
    """
    return state == ACTIVE and soon_at is not None and soon_at <= now


def checked_words(text: str, field: str, *, least: int = 0, most: int = MAX_COMMENT) -> str:
    """What somebody writes in several lines, without blanks around it.

    Raises:
        Malformed: naming the field.
    """
    text = text.replace("\r\n", "\n").strip()
    if not least <= len(text) <= most:
        wanted = f"has {least:,} to {most:,} characters" if least else f"has at most {most:,} characters"
        raise Malformed(wanted, field)
    if any((ord(letter) < 32 and letter not in "\n\t") or 0xD800 <= ord(letter) < 0xE000 for letter in text):
        raise Malformed("holds a control character", field)
    return text


def _target(matter: Matter, kind: Kind) -> str:
    if kind == "approve":
        return APPROVED if len(matter.approvals) + 1 >= max(1, matter.levels) else UNDER_REVIEW
    if kind in ("stale", "attest"):
        return matter.state
    return next((one.target for one in TRANSITIONS if one.kind == kind), "")


def _check_party(matter: Matter, step: Transition, party: Party, *, mandated: bool) -> None:
    if step.who == "system":
        if party.by != SYSTEM or party.on_behalf_of:
            raise Refused("the server does this by itself", "by")
        return
    if not party.by.startswith(("user:", "key:")):
        raise Refused("a person does this", "by")
    if step.who == "requester":
        if party.on_behalf_of:
            raise Refused("nobody asks on behalf of somebody else", "on_behalf_of")
        if matter.state and party.by not in matter.askers:
            raise Refused("was asked for by somebody else", "requester")
        return
    if not party.by.startswith("user:"):
        raise Refused("a key decides nothing: a person does", "by")
    if step.who == "owner" and not matter.stale:
        if party.by not in matter.askers or party.on_behalf_of:
            raise Refused("its owner attests to it, in person", "owner")
        return
    if party.people & matter.barred:
        raise Refused("who asks for an exception, or owns it, does not decide on it: ask somebody else", "approver")
    if party.stands_in_for & matter.barred:
        raise Refused("stands in for who asks for it, or owns it, and does not decide on it meanwhile", "approver")
    if step.kind == "approve" and party.people & deciders(matter.approvals):
        raise Refused("approved it already: the second approval is somebody else's", "approver")
    if step.kind == "approve" and party.stands_in_for & deciders(matter.approvals):
        raise Refused("stands in for who approved it already: the second approval is somebody else's", "approver")
    if party.on_behalf_of == party.by:
        raise Refused("nobody acts on behalf of themselves", "on_behalf_of")
    if not mandated:
        raise Refused("the approval rules give no say at this level", "level")


def _check_time(matter: Matter, kind: Kind, target: str, at: datetime) -> None:
    starts, ends = matter.starts_at, matter.ends_at
    if kind == "approve" and ends is not None and at >= ends:
        raise Refused("its last day has passed: return it, for it to be asked for anew", "expires_on")
    if kind == "activate" and (starts is None or at < starts):
        raise Refused("its first day has not begun", "starts_on")
    if target == EXPIRED and (ends is None or at < ends):
        raise Refused("its last day has not passed", "expires_on")
