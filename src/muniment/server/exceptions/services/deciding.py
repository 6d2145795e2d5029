"""Deciding on exceptions: approving, returning, rejecting, revoking, and attesting that a decision still holds."""

from __future__ import annotations

from typing import Final, Literal

from django.utils import timezone

from muniment.core.errors import Malformed, Refused
from muniment.server.access.standing import Standing
from muniment.server.approvals.services import Mandate, roster, rules_of, stood_for
from muniment.server.approvals.workflow import levels_for
from muniment.server.capabilities import Capability
from muniment.server.exceptions import workflow
from muniment.server.exceptions.models import Decision, PolicyException
from muniment.server.exceptions.services.freezing import Frozen, freeze, look_up
from muniment.server.exceptions.services.reading import approvals_of, content_of, exception_for, matter_of
from muniment.server.exceptions.services.stepping import Taken, take
from muniment.server.exceptions.workflow import SYSTEM, Kind, Matter, Party, advance, checked_words, deciders

Outcome = Literal["approve", "return", "reject"]
OUTCOMES: Final[tuple[Outcome, ...]] = ("approve", "return", "reject")


def decide(
    standing: Standing, wanted: str, outcome: Outcome, *, comment: str, seen: str = "", steps: int | None = None
) -> PolicyException:
    """Approve, return or reject an exception that somebody else asked for.

    Args:
        standing: of a person who has `exception.approve`.
        wanted: id of the exception.
        outcome: `return` hands it back to be changed and submitted again; `reject` ends it.
        comment: what is said to it; needed.
        seen: `basis` of what they were shown; "" if that does not matter.
        steps: how many steps it had taken when they were shown it; None if that does not matter.

    Raises:
        Malformed: without a comment.
        Refused: naming what stands against it: a state, a part in it, an earlier approval, the rules.
        NoSuch: if there is none of that id.
    """
    if outcome not in OUTCOMES:
        raise Malformed(f"is one of {', '.join(OUTCOMES)}", "outcome")
    now, row = timezone.now(), exception_for(wanted, lock=True)
    _check_seen(row, steps)
    matter, frozen = matter_of(row), freeze(row)
    party, mandate = _mandate(standing, row, frozen, matter, again=outcome != "approve")
    after = advance(matter, outcome, party, at=now, comment=comment, mandated=mandate is not None)
    if seen and seen != frozen.basis:
        raise Refused("what it rests on has changed since you were shown it: look at it again", "basis")
    if outcome == "approve":
        _check_same(row, frozen)
    level = len(matter.approvals) + 1 if outcome == "approve" else 0
    said = checked_words(comment, "comment")
    labels = {"delegation": "" if mandate is None else mandate.delegation}
    row = take(row, Taken(outcome, after, party, now, said, level=level, frozen=frozen, labels=labels)).exception
    if row.state == workflow.APPROVED and row.starts_at is not None and row.starts_at <= now:
        activated = advance(matter_of(row), "activate", Party(SYSTEM), at=now)
        row = take(row, Taken("activate", activated, Party(SYSTEM), now)).exception
    return row


def revoke(standing: Standing, wanted: str, *, comment: str) -> PolicyException:
    """End an exception that stands, before its day.

    Args:
        standing: of a person who has `exception.approve` and neither asked for it nor owns it.
        wanted: its id.
        comment: why.

    Raises:
        Malformed, Refused: naming what stands against it.
        NoSuch: if there is none of that id.
    """
    now, row = timezone.now(), exception_for(wanted, lock=True)
    party = Party(standing.subject, stands_in_for=stood_for(standing.subject, now))
    after = advance(matter_of(row), "revoke", party, at=now, comment=comment)
    standing.require(Capability.EXCEPTION_APPROVE)
    return take(
        row, Taken("revoke", after, party, now, checked_words(comment, "comment"), frozen=freeze(row))
    ).exception


def attest(standing: Standing, wanted: str, *, comment: str) -> PolicyException:
    """Say that an exception is still as it was decided on, and still needed.

    Its owner does so again and again. Once something on which the decision rests has changed, the decision is stale,
    and an approver of its last level says whether it holds for what there is now; who asks for an exception does not.

    Args:
        standing: of the owner or the requester; of an approver if it is stale.
        wanted: its id.
        comment: what was looked at.

    Raises:
        Malformed, Refused: naming what stands against it.
        NoSuch: if there is none of that id.
    """
    if not (standing.may(Capability.EXCEPTION_REQUEST) or standing.may(Capability.EXCEPTION_APPROVE)):
        raise Refused(f"needs the capability {Capability.EXCEPTION_REQUEST}", "capability")
    now, row = timezone.now(), exception_for(wanted, lock=True)
    matter, frozen = matter_of(row), freeze(row)
    party, mandate = Party(standing.subject), None
    if matter.stale:
        party, mandate = _mandate(standing, row, frozen, matter)
    after = advance(matter, "attest", party, at=now, comment=comment, mandated=not matter.stale or mandate is not None)
    labels = {"stale": "yes" if matter.stale else "no"}
    said = checked_words(comment, "comment")
    return take(row, Taken("attest", after, party, now, said, frozen=frozen, labels=labels)).exception


def stands_against(standing: Standing, row: PolicyException, kind: Kind) -> Refused | None:
    """What stands against a step of somebody's; None if they could take it now, with a comment.

    Args:
        standing: of who would take it.
        row: the exception.
        kind: of the step; not `create`.
    """
    approves = kind in ("approve", "return", "reject", "revoke") or (kind == "attest" and row.stale_at is not None)
    needed = Capability.EXCEPTION_APPROVE if approves else Capability.EXCEPTION_REQUEST
    matter, party, mandated = matter_of(row), Party(standing.subject), True
    if kind == "attest" and standing.may(Capability.EXCEPTION_APPROVE):
        needed = Capability.EXCEPTION_APPROVE
    if not standing.may(needed):
        return Refused(f"needs the capability {needed}", "capability")
    if kind != "revoke" and approves:
        party, mandate = _mandate(standing, row, freeze(row), matter, again=kind != "approve")
        mandated = mandate is not None
    elif approves:
        party = Party(standing.subject, stands_in_for=stood_for(standing.subject, timezone.now()))
    try:
        advance(matter, kind, party, at=timezone.now(), comment=".", mandated=mandated)
    except Refused as error:
        return error
    return None


def basis_of(row: PolicyException) -> Frozen:
    """What a decision on an exception would apply to now.

    Raises:
        Malformed: if something that it names is not there.
    """
    return freeze(row)


def _mandate(
    standing: Standing, row: PolicyException, frozen: Frozen, matter: Matter, *, again: bool = True
) -> tuple[Party, Mandate | None]:
    """Who decides, for whom, and why the rules of the case give them a say; None if they do not.

    Args:
        standing: of who decides.
        row: the exception.
        frozen: what the decision would apply to.
        matter: the exception as it stands.
        again: whoever approved already may have a say once more: to return what they approved.
    """
    subject = standing.subject
    if not subject.startswith("user:") or not row.rules or not standing.may(Capability.EXCEPTION_APPROVE):
        return Party(subject), None
    levels = levels_for(rules_of(row.rules), frozen.case)
    # Whoever attests after the last approval does what its level does.
    given = len(matter.approvals) if row.state == workflow.UNDER_REVIEW else len(levels)
    barred = matter.barred if again else matter.barred | deciders(matter.approvals)
    people = roster(timezone.now())
    mandate = people.mandate(levels[min(given, len(levels) - 1)], subject, barred)
    return Party(subject, "" if mandate is None else mandate.on_behalf_of, people.stood_for(subject)), mandate


def _check_seen(row: PolicyException, steps: int | None) -> None:
    if steps is not None and steps != row.steps:
        raise Refused("somebody took a step meanwhile: look at it again", "steps")


def _check_same(row: PolicyException, frozen: Frozen) -> None:
    look_up(content_of(row))
    if len(levels_for(rules_of(row.rules), frozen.case)) != row.levels:
        raise Refused("what it rests on has changed, so that the rules ask for other approvals: return it", "levels")
    first = Decision.objects.filter(exception=row.id, kind="approve", step__in=[one.id for one in approvals_of(row)])
    for earlier in first:
        if earlier.basis != frozen.basis:
            raise Refused(
                "what the first approval applied to has changed: return it, for both to be given anew", "basis"
            )
