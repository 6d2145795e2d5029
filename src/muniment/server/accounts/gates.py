"""Who else has a say before somebody is signed in: single sign-on, where a tenant demands it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse

from muniment.server.accounts.models import User

# Is given the request, the person, and how they proved who they are so far; answers a page to refuse, None to let pass.
Gate = Callable[[HttpRequest, User, tuple[str, ...]], HttpResponse | None]

_gates: Final[list[Gate]] = []


def add_gate(gate: Gate) -> None:
    """Ask `gate` at every sign-in from now on; called from an application's `ready`."""
    if gate not in _gates:
        _gates.append(gate)


def first_refusal(request: HttpRequest, user: User, methods: tuple[str, ...]) -> HttpResponse | None:
    """What the first gate that refuses answers."""
    for gate in _gates:
        refused = gate(request, user, methods)
        if refused is not None:
            return refused
    return None
