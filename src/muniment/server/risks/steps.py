"""Who is told of each step that the acceptance of a risk takes, in the transaction of the step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from muniment.server.risks.models import Acceptance, Risk


@dataclass(frozen=True, slots=True)
class Weighed:
    """An acceptance took a step.

    Attributes:
        risk: that it is about.
        acceptance: as it stands after the step; its state says which one that was.
        by: who took it, as the ledger names them.
    """

    risk: Risk
    acceptance: Acceptance
    by: str


_handlers: Final[list[Callable[[Weighed], None]]] = []


def on_acceptance(handler: Callable[[Weighed], None]) -> None:
    """Have a function called at each step, in its transaction; at start-up, once a handler."""
    if handler not in _handlers:
        _handlers.append(handler)


def tell(weighed: Weighed) -> None:
    """Call everybody who wants to know."""
    for handler in _handlers:
        handler(weighed)
