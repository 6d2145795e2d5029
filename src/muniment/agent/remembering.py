"""Texts that are written once and wanted again: kept as plain strings, and not without end."""

from typing import Final, TypeVar

MAX_KNOWN: Final = 1_024
_K = TypeVar("_K")
_V = TypeVar("_V")


def remember(known: dict[_K, _V], key: _K, value: _V) -> None:
    """Put something into a dictionary that forgets everything when it is full: 1,024 keys."""
    if len(known) >= MAX_KNOWN:
        known.clear()
    known[key] = value


def exact(text: str) -> str:
    """The string itself, where a subclass (an enumeration's member, say) would show itself as something else."""
    return str.__str__(text)
