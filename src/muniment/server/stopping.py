"""What must end before the HTTP server can: answers that go on for as long as somebody listens."""

from __future__ import annotations

from collections.abc import Callable

_ends: list[Callable[[], None]] = []


def at_stop(end: Callable[[], None]) -> None:
    """Have something called, on the server's event loop, when the server is told to stop. It must not wait."""
    _ends.append(end)


def stop() -> None:
    """Call everything that was registered; the server does it before it waits for open answers."""
    for end in _ends:
        end()
