"""One open run of a framework, and how an exception that ends it is told."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_MAX_ASKED: Final = 4_096


@dataclass(slots=True)
class OpenRun:
    """One open run.

    Attributes:
        parent: the enclosing run, if it is known.
        reference: the event that began it; of a run that is passed through, its parent's.
        own: whether that event is its own.
        last: the last event that ended below an agent, so that its finish names it.
        asked: by call id, the answer that asked for a tool call or that a tool gave; kept at the outermost run.
    """

    parent: "OpenRun | None"
    reference: str | None = None
    own: bool = False
    action: str = ""
    tool: str | None = None
    agent: str | None = None
    trace: tuple[str, str] | None = None
    call: str | None = None
    last: str | None = None
    labels: Mapping[str, object] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    entered: contextlib.AbstractContextManager[object] | None = None

    @property
    def root(self) -> "OpenRun":
        """The outermost run."""
        run = self
        while run.parent is not None:
            run = run.parent
        return run

    def remember_answer(self, kind: str, call: str, reference: str) -> None:
        """Remember which event asked for a tool call (`call`), or told what came of it (`result`)."""
        asked = self.root.asked
        if len(asked) >= _MAX_ASKED:
            del asked[next(iter(asked))]
        asked[f"{kind} {call}"] = reference


def failure(error: BaseException) -> tuple[str, dict[str, object]]:
    """The outcome that an exception means, and the labels that say so: `error.type`, and `cancelled` where it was.

    >>> failure(ValueError("no"))
    ('failure', {'error.type': 'ValueError'})
    """
    name = type(error).__name__
    if name == "CancelledError" or not isinstance(error, Exception):
        return "unknown", {"error.type": name, "cancelled": "yes"}
    return "failure", {"error.type": name}
