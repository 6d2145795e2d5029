"""Muniment: a tamper-evident evidence ledger for teams that run AI agents."""

import importlib
from typing import TYPE_CHECKING, Final

from muniment.version import __version__

if TYPE_CHECKING:
    from muniment.agent.cause import caused_by, current, handover, handover_meta
    from muniment.agent.gate import NotAccepted
    from muniment.agent.recorded import recorded
    from muniment.agent.recording import configure, record
    from muniment.agent.redaction.rules import Redaction
    from muniment.agent.spools.written import SpoolFull
    from muniment.agent.steps import intent


__all__ = [
    "NotAccepted",
    "Redaction",
    "SpoolFull",
    "__version__",
    "caused_by",
    "configure",
    "current",
    "handover",
    "handover_meta",
    "intent",
    "record",
    "recorded",
]

_HOMES: Final = {
    "NotAccepted": "gate",
    "Redaction": "redaction.rules",
    "SpoolFull": "spools.written",
    "caused_by": "cause",
    "configure": "recording",
    "current": "cause",
    "handover": "cause",
    "handover_meta": "cause",
    "intent": "steps",
    "record": "recording",
    "recorded": "recorded",
}


def __getattr__(name: str) -> object:
    # Imported when it is used: the verifier and the server have no business with spools.
    if name in _HOMES:
        found = getattr(importlib.import_module(f"muniment.agent.{_HOMES[name]}"), name)
        # The next one who asks finds it here: looking it up again would cost 2 microseconds an event.
        globals()[name] = found
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
