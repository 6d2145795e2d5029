"""The open runs of a framework, and how an exception that ends one is told."""

import contextlib
import threading
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Final

MAX_OPEN: Final = 10_000
"""Runs that are remembered at once; the oldest is forgotten first, because some frameworks never end theirs."""
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
        fresh: the tool results of an agent that no model was shown yet, where the framework does not say which it is.
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
    fresh: list[str] = field(default_factory=list)
    swept: bool = False
    entered: contextlib.AbstractContextManager[object] | None = None

    @property
    def root(self) -> "OpenRun":
        """The outermost run."""
        run = self
        while run.parent is not None:
            run = run.parent
        return run

    @property
    def agent_run(self) -> "OpenRun | None":
        """The nearest run around it that is an agent's."""
        run = self.parent
        while run is not None and run.action != "agent.start":
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


class OpenRuns:
    """The open runs by the framework's ids; threads may share it."""

    def __init__(self) -> None:
        self._runs: dict[Hashable, OpenRun] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable | None) -> OpenRun | None:
        """An open run; None if it is not known, or for the key None."""
        return None if key is None else self._runs.get(key)

    def add(self, key: Hashable, run: OpenRun) -> None:
        """Remember a run as open."""
        with self._lock:
            while len(self._runs) >= MAX_OPEN:
                self._forget(next(iter(self._runs)))
            self._runs[key] = run
            if run.parent is not None:
                run.parent.below[key] = run

    def take(self, key: Hashable) -> OpenRun | None:
        """Forget an open run, and return it."""
        with self._lock:
            return self._forget(key)

    def reference(self, key: Hashable) -> str | None:
        """The event that an open run stands for."""
        run = self.get(key)
        return run.reference if run else None

    def agent_of(self, key: Hashable) -> str | None:
        """The name of the agent that an open run belongs to."""
        run = self.get(key)
        return run.agent if run else None

    def label_of(self, key: Hashable, label: str) -> object:
        """A label of the event that began an open run; None if it has none."""
        run = self.get(key)
        return run.labels.get(label) if run else None

    def action_of(self, key: Hashable) -> str | None:
        """The action that began an open run; empty for one that is passed through."""
        run = self.get(key)
        return run.action if run else None

    def _forget(self, key: Hashable) -> OpenRun | None:
        run = self._runs.pop(key, None)
        if run is not None and run.parent is not None:
            run.parent.below.pop(key, None)
        return run


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
