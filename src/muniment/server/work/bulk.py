"""One step taken by somebody with many things of a register: each of them a step of its own with its own entry.

What is refused is named with its reason, and the others stand: each exception has its own people, rules and moment, and
nobody gains by an approval that waits because another one was withdrawn meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import transaction

from muniment.core.errors import Malformed, Refused
from muniment.server.access.standing import Standing
from muniment.server.capabilities import Capability
from muniment.server.exceptions import services as exceptions
from muniment.server.exceptions.services import lock_all
from muniment.server.exceptions.services.deciding import Outcome
from muniment.server.registers.keeping import record_refused
from muniment.server.remediation.services import findings, tasks
from muniment.server.risks import services as risks
from muniment.server.tables.registry import find, table_of

MOST: Final = 100
EXCEPTIONS: Final = "exceptions"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is to be acted on, as it was shown.

    Attributes:
        id: of it.
        basis: of an exception, what a decision on it rests on; "" if that does not matter.
        steps: how many steps it had taken, or which version of it there was; None if that does not matter.
    """

    id: str
    basis: str = ""
    steps: int | None = None


Take = Callable[[Standing, Item, str], object]


@dataclass(frozen=True, slots=True)
class Act:
    """A step that can be taken with many.

    Attributes:
        of: noun of the register.
        code: its word there.
        label: on the button.
        done: what it made of them, in a sentence.
        needs: the capability that it needs.
        comment: whether a comment is needed.
        action: under which a refusal is recorded.
        take: takes it with one, in the open transaction.
    """

    of: str
    code: str
    label: str
    done: str
    needs: Capability
    comment: bool
    action: str
    take: Take


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What came of it: the ids that were acted on, and of each refused one the field and the reason."""

    done: tuple[str, ...]
    refused: tuple[tuple[str, str, str], ...]


def _decides(outcome: Outcome) -> Take:
    def take(standing: Standing, item: Item, comment: str) -> object:
        return exceptions.decide(standing, item.id, outcome, comment=comment, seen=item.basis, steps=item.steps)

    return take


_APPROVE, _REQUEST = Capability.EXCEPTION_APPROVE, Capability.EXCEPTION_REQUEST
_MANAGE, _RISK = Capability.REGISTER_MANAGE, Capability.RISK_MANAGE
_ACTS: Final = (
    Act(EXCEPTIONS, "approve", "Approve", "approved", _APPROVE, True, "exception.approve", _decides("approve")),
    Act(EXCEPTIONS, "return", "Return", "returned", _APPROVE, True, "exception.return", _decides("return")),
    Act(EXCEPTIONS, "reject", "Reject", "rejected", _APPROVE, True, "exception.reject", _decides("reject")),
    Act(
        EXCEPTIONS, "submit", "Submit", "submitted", _REQUEST, False, "exception.submit",
        lambda standing, item, _: exceptions.submit(standing, item.id),
    ),
    Act(
        EXCEPTIONS, "withdraw", "Withdraw", "withdrawn", _REQUEST, True, "exception.withdraw",
        lambda standing, item, comment: exceptions.withdraw(standing, item.id, comment=comment),
    ),
    Act(
        "tasks", "finish", "Done", "done", _MANAGE, True, "task.change",
        lambda standing, item, comment: tasks.finish(standing, item.id, comment, number=item.steps),
    ),
    Act(
        "tasks", "drop", "Drop", "dropped", _MANAGE, True, "task.change",
        lambda standing, item, comment: tasks.drop(standing, item.id, comment, number=item.steps),
    ),
    Act(
        "findings", "start", "Start remediating", "being remediated", _MANAGE, False, "finding.change",
        lambda standing, item, comment: findings.start(standing, item.id, comment=comment, number=item.steps),
    ),
    Act(
        "findings", "resolve", "Resolve", "resolved", _MANAGE, True, "finding.change",
        lambda standing, item, comment: findings.resolve(standing, item.id, comment, number=item.steps),
    ),
    Act(
        "findings", "verify", "Verify", "verified", _MANAGE, True, "finding.change",
        lambda standing, item, comment: findings.verify(standing, item.id, comment, number=item.steps),
    ),
    Act(
        "risks", "close", "Close", "closed", _RISK, True, "risk.close",
        lambda standing, item, comment: risks.close_risk(standing, item.id, reason=comment, number=item.steps),
    ),
)  # fmt: skip


def acts_of(noun: str) -> tuple[Act, ...]:
    """The steps that can be taken with many of a register; none where there are none."""
    return tuple(one for one in _ACTS if one.of == noun)


def read_act(code: str, standing: Standing, noun: str = EXCEPTIONS) -> Act:
    """A step by its code, which somebody may take.

    Raises:
        Malformed: `of` or `do`, for one that there is not.
        Refused: naming the capability.
    """
    known = acts_of(noun)
    if not known:
        raise Malformed(f"is one of {', '.join(dict.fromkeys(one.of for one in _ACTS))}", "of")
    act = next((one for one in known if one.code == code), None)
    if act is None:
        raise Malformed(f"is one of {', '.join(one.code for one in known)}", "do")
    if not standing.may(act.needs):
        raise Refused(f"needs the capability {act.needs}", "capability")
    return act


def act_on(standing: Standing, act: Act, items: Sequence[Item], comment: str) -> Outcomes:
    """Take a step with each of some things, in the open `tenant_scope`.

    Args:
        standing: of who does it.
        act: what.
        items: 1 to 100, each once.
        comment: recorded with each.

    Raises:
        Malformed: `items`, for none, too many or one that comes twice; `comment`, without one that is needed.
    """
    ids = [item.id for item in items]
    if not 1 <= len(ids) <= MOST or len(set(ids)) != len(ids):
        raise Malformed(f"are 1 to {MOST} {act.of}, each once", "items")
    if act.comment and not comment.strip():
        raise Malformed("is needed: it is recorded with each of them", "comment")
    table = table_of(act.of)
    # All of them before the first entry: whoever takes a step with one of them waits here, and not for the log's head.
    lock_all(ids)
    done: list[str] = []
    refused: list[tuple[str, str, str]] = []
    for item in items:
        try:
            with transaction.atomic():
                act.take(standing, item, comment)
        except (Malformed, Refused) as error:
            resource = (table.kind, item.id) if find(standing, table, item.id) is not None else None
            record_refused(standing, act.action, resource, error)
            refused.append((item.id, error.where or "", error.reason))
        else:
            done.append(item.id)
    return Outcomes(tuple(done), tuple(refused))
