"""Who is told of each step that an exception takes, in the transaction of the step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from muniment.server.exceptions.models import Decision, PolicyException, Step


@dataclass(frozen=True, slots=True)
class Stepped:
    """An exception took a step.

    Attributes:
        exception: as it stands after the step.
        step: the step, with the entry that recorded it.
        decision: what was frozen with the step; None for a step that decides nothing.
    """

    exception: PolicyException
    step: Step
    decision: Decision | None


_handlers: Final[list[Callable[[Stepped], None]]] = []


def on_step(handler: Callable[[Stepped], None]) -> None:
    """Have a function called at each step, in its transaction; at start-up, once a handler.

    What it raises rolls the step back. Renewals and drafts are steps too: their `source` is "".
    """
    if handler not in _handlers:
        _handlers.append(handler)


def tell(stepped: Stepped) -> None:
    """Call everybody who wants to know."""
    for handler in _handlers:
        handler(stepped)
