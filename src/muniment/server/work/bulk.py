"""One step taken by somebody with many exceptions: each of them its own decision with its own entry.

What is refused is named with its reason, and the others stand: each exception has its own people, rules and moment, and
nobody gains by an approval that waits because another one was withdrawn meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from django.db import transaction

from muniment.core.errors import Malformed, Refused
from muniment.server.access.standing import Standing
from muniment.server.capabilities import Capability
from muniment.server.exceptions import services
from muniment.server.exceptions.models import PolicyException
from muniment.server.exceptions.services.deciding import Outcome
from muniment.server.registers.keeping import record_refused

MOST: Final = 100


@dataclass(frozen=True, slots=True)
class Act:
    """A step that can be taken with many: its word, the capability that it needs, and whether a comment is needed."""

    code: str
    label: str
    done: str
    needs: Capability
    comment: bool


ACTS: Final = {
    one.code: one
    for one in (
        Act("approve", "Approve", "approved", Capability.EXCEPTION_APPROVE, True),
        Act("return", "Return", "returned", Capability.EXCEPTION_APPROVE, True),
        Act("reject", "Reject", "rejected", Capability.EXCEPTION_APPROVE, True),
        Act("submit", "Submit", "submitted", Capability.EXCEPTION_REQUEST, False),
        Act("withdraw", "Withdraw", "withdrawn", Capability.EXCEPTION_REQUEST, True),
    )
}


@dataclass(frozen=True, slots=True)
class Item:
    """One exception that is to be acted on: what it rests on and how many steps it had taken, as was shown."""

    id: str
    basis: str = ""
    steps: int | None = None


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What came of it: the ids that were acted on, and of each refused one the field and the reason."""

    done: tuple[str, ...]
    refused: tuple[tuple[str, str, str], ...]


def read_act(code: str, standing: Standing) -> Act:
    """A step by its code, which somebody may take.

    Raises:
        Malformed: `do`, for one that there is not.
        Refused: naming the capability.
    """
    act = ACTS.get(code)
    if act is None:
        raise Malformed(f"is one of {', '.join(ACTS)}", "do")
    if not standing.may(act.needs):
        raise Refused(f"needs the capability {act.needs}", "capability")
    return act


def act_on(standing: Standing, act: Act, items: Sequence[Item], comment: str) -> Outcomes:
    """Take a step with each of some exceptions, in the open `tenant_scope`.

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
        raise Malformed(f"are 1 to {MOST} exceptions, each once", "items")
    if act.comment and not comment.strip():
        raise Malformed("is needed: it is recorded with each of them", "comment")
    done: list[str] = []
    refused: list[tuple[str, str, str]] = []
    for item in items:
        try:
            with transaction.atomic():
                _take(standing, act, item, comment)
        except (Malformed, Refused) as error:
            action = f"exception.{act.code}"
            resource = ("exception", item.id) if _is_there(item.id) else None
            record_refused(standing, action, resource, error)
            refused.append((item.id, error.where or "", error.reason))
        else:
            done.append(item.id)
    return Outcomes(tuple(done), tuple(refused))


def _take(standing: Standing, act: Act, item: Item, comment: str) -> None:
    steps: Mapping[str, Callable[[], PolicyException]] = {
        "submit": lambda: services.submit(standing, item.id),
        "withdraw": lambda: services.withdraw(standing, item.id, comment=comment),
    }
    if act.code in steps:
        steps[act.code]()
    else:
        outcome = cast("Outcome", act.code)
        services.decide(standing, item.id, outcome, comment=comment, seen=item.basis, steps=item.steps)


def _is_there(wanted: str) -> bool:
    return "\0" not in wanted and PolicyException.objects.filter(id=wanted).exists()
