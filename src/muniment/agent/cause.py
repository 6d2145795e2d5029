"""Which step the running code belongs to: the cause and the trace of what is recorded next.

Within a process a context variable holds it, so that it follows asyncio tasks, `asyncio.to_thread`, and threads that
run in a copy of their starter's context. From process to process it travels in two environment variables:
`MUNIMENT_CAUSE` (an event's reference) and `TRACEPARENT` (W3C Trace Context); with a request of MCP in its `_meta`.
"""

import contextlib
import logging
import os
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from muniment.agent.draft import Trace, trace_pair, traceparent
from muniment.core.identifiers import EVENT_REFERENCES

_LOG = logging.getLogger("muniment.agent")

CAUSE: Final = "MUNIMENT_CAUSE"
TRACEPARENT: Final = "TRACEPARENT"
META_CAUSE: Final = "muniment/cause"
META_TRACEPARENT: Final = "traceparent"


@dataclass(frozen=True, slots=True)
class Enclosing:
    """What the running code stands inside of.

    Attributes:
        reference: the event to name among `causes`, `<source>/<event id>`; None where only a trace is known.
        trace: trace id (32 hex) and span id (16 hex, or None); None where there is none.
    """

    reference: str | None
    trace: tuple[str, str | None] | None


_enclosing: ContextVar[Enclosing | None] = ContextVar("muniment_enclosing", default=None)


def enclosing() -> Enclosing | None:
    """What the running code stands inside of; outside of all steps, what the environment says."""
    return _enclosing.get() or _inherited()


def current() -> str | None:
    """The reference of the enclosing step, to be named among `causes` elsewhere.

    Outside of all steps it is that of `MUNIMENT_CAUSE`, and None without it.
    """
    here = enclosing()
    return None if here is None else here.reference


def current_trace() -> tuple[str, str | None] | None:
    """Trace id and span id of the enclosing step, or of the environment's `TRACEPARENT`."""
    here = enclosing()
    return None if here is None else here.trace


def handover() -> dict[str, str]:
    """The environment variables by which a child process goes on from here; empty where there is nothing to tell.

    >>> with caused_by("src_01KAY9M2Z7Q4WXYH3J8V5T6R0C/evt_01KAY9M2Z7Q4WXYH3J8V5T6R0D"):
    ...     handover()
    {'MUNIMENT_CAUSE': 'src_01KAY9M2Z7Q4WXYH3J8V5T6R0C/evt_01KAY9M2Z7Q4WXYH3J8V5T6R0D'}
    """
    here = enclosing()
    variables: dict[str, str] = {}
    if here is not None and here.reference is not None:
        variables[CAUSE] = here.reference
    if here is not None and here.trace is not None and here.trace[1] is not None:
        variables[TRACEPARENT] = f"00-{here.trace[0]}-{here.trace[1]}-01"
    return variables


def handover_meta() -> dict[str, str]:
    """The same as the `_meta` of an MCP request, for a client that lets its caller say what stands there.

    >>> with caused_by("src_01KAY9M2Z7Q4WXYH3J8V5T6R0C/evt_01KAY9M2Z7Q4WXYH3J8V5T6R0D"):
    ...     handover_meta()
    {'muniment/cause': 'src_01KAY9M2Z7Q4WXYH3J8V5T6R0C/evt_01KAY9M2Z7Q4WXYH3J8V5T6R0D'}
    """
    names = {CAUSE: META_CAUSE, TRACEPARENT: META_TRACEPARENT}
    return {names[variable]: value for variable, value in handover().items()}


@contextlib.contextmanager
def caused_by(reference: str | None, trace: Trace | None = None) -> Iterator[None]:
    """Take a cause that came by other means (a header, a message, a framework's own run) as the enclosing step.

    Args:
        reference: `<source>/<event id>`; None keeps the cause that holds already.
        trace: a `traceparent`, or (trace id, span id or None); None keeps the trace that holds already.

    Raises:
        Malformed: if one of them cannot be.
    """
    here = enclosing()
    if reference is None:
        reference = here.reference if here else None
    else:
        EVENT_REFERENCES.check(reference, "reference")
    pair = (here.trace if here else None) if trace is None else trace_pair(trace)
    with inside(Enclosing(reference, pair)):
        yield


@contextlib.contextmanager
def inside(here: Enclosing) -> Iterator[None]:
    """Be inside of something for as long as the block lasts."""
    token = _enclosing.set(here)
    try:
        yield
    finally:
        # A block that is left in another context than it was entered in has nothing to put back there.
        with contextlib.suppress(ValueError):
            _enclosing.reset(token)


@lru_cache(maxsize=1)
def _inherited() -> Enclosing | None:
    """What the process that started this one handed over. What cannot be read there must not stop anybody."""
    reference: str | None = os.environ.get(CAUSE) or None
    if reference is not None and EVENT_REFERENCES.fullmatch(reference) is None:
        _LOG.warning("%s is not an event's reference and is left out: %.80r", CAUSE, reference)
        reference = None
    trace = traceparent(os.environ.get(TRACEPARENT))
    return None if reference is None and trace is None else Enclosing(reference, trace)
