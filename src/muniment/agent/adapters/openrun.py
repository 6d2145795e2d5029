"""One open run of a framework, and how an exception that ends it is told."""

import contextlib
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Final

_MAX_ASKED: Final = 4_096


@dataclass(slots=True, eq=False)
class OpenRun:
    """One open run.

    Attributes:
        parent: the enclosing run, if it is known.
        reference: the event that began it; of a run that is passed through, its parent's.
        own: whether that event is its own.
        trace: trace id and its own span id.
        call: the model's id of the tool call.
        last: the last event that ended below an agent, so that its finish names it.
        asked: by kind and name, the event that a later one is caused by; kept at the outermost run.
        below: the runs that began below it and are open.
        swept: whether it was given up when the run around it failed.
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
    asked: dict[tuple[str, str], str] = field(default_factory=dict)
    below: dict[Hashable, "OpenRun"] = field(default_factory=dict)
    swept: bool = False
    entered: contextlib.AbstractContextManager[object] | None = None

    @property
    def root(self) -> "OpenRun":
        """The outermost run."""
        run = self
        while run.parent is not None:
            run = run.parent
        return run

    def remember(self, kind: str, name: str, reference: str) -> None:
        """Remember what later events are caused by.

        Args:
            kind: `call`: the event asked for that tool call; `result`: it told what came of it; `agent`: it handed the
                task to that agent.
        """
        asked = self.root.asked
        if len(asked) >= _MAX_ASKED:
            del asked[next(iter(asked))]
        asked[kind, name] = reference

    def leave(self) -> None:
        """Cease to be what the running code stands inside of."""
        if self.entered is not None:
            # A framework may end a run in another context than it began in: then there is nothing to put back here.
            with contextlib.suppress(ValueError):
                self.entered.__exit__(None, None, None)
            self.entered = None


def failure(error: BaseException) -> tuple[str, dict[str, object]]:
    """The outcome that an exception means, and the labels that say so: `error.type`, and `cancelled` where it was.

    >>> failure(ValueError("no"))
    ('failure', {'error.type': 'builtins.ValueError'})
    """
    kind = type(error)
    told: dict[str, object] = {"error.type": f"{kind.__module__}.{kind.__qualname__}"}
    if kind.__name__ == "CancelledError" or not isinstance(error, Exception):
        return "unknown", {**told, "cancelled": "yes"}
    return "failure", told


def described(error: BaseException) -> dict[str, object]:
    """An exception as the body of an event."""
    try:
        text = str(error)
    except Exception:
        text = ""
    return {"error": {"type": type(error).__qualname__, "text": text}}
