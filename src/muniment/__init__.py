"""Muniment: a tamper-evident evidence ledger for teams that run AI agents."""

from typing import TYPE_CHECKING

from muniment.version import __version__

if TYPE_CHECKING:
    from muniment.agent.recording import record


__all__ = ["__version__", "record"]


def __getattr__(name: str) -> object:
    # Imported when it is used: the verifier and the server have no business with spools.
    if name == "record":
        from muniment.agent.recording import record

        return record
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
