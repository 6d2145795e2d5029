"""Which entries are counted as what."""

from __future__ import annotations

from typing import Final, Literal

from muniment.anomalies.happening import Happening

Deed = Literal["approval", "removal", "login", "failed-login"]
DEEDS: Final[tuple[Deed, ...]] = ("approval", "removal", "login", "failed-login")

APPROVALS: Final = frozenset({"exception.approve", "packet.approve", "risk.accept"})
SUBMISSIONS: Final = frozenset({"exception.submit", "packet.request"})
REMOVING: Final = frozenset({"remove", "revoke", "erase", "withdraw", "retire", "discard", "delete"})
"""Last words of actions that take something away."""
_REMOVED: Final = frozenset(
    {"delete", "remove", "close", "withdraw", "retire", "drop", "unlink", "removed", "withdrawn"}
)
"""Values of the labels `what`, `change` and `step` that say the same of an action with a wider name."""
_OF_REMOVAL: Final = frozenset({"role", "group", "service", "sso", "member", "policy", "asset", "task"})
"""First words of actions of which one of these labels may say that something was taken away."""
_SAYING: Final = ("what", "change", "step")
RULES: Final = frozenset({"workflow.change"})


def deed_of(one: Happening) -> Deed | None:
    """As what an entry is counted; None for most.

    Expiry, clean-up and other work of the server itself (`system:…`) is no removal: it follows from earlier entries.

    >>> from datetime import UTC, datetime
    >>> deed_of(Happening(1, datetime(2026, 1, 1, tzinfo=UTC), "key.revoke", "user:usr_1", "success"))
    'removal'
    >>> deed_of(Happening(2, datetime(2026, 1, 1, tzinfo=UTC), "asset.change", "user:usr_1", "success",
    ...                   facts={"step": "retire"}))
    'removal'
    """
    if one.action == "user.login":
        return "login" if one.succeeded else "failed-login"
    if one.action == "mfa.verify":
        return None if one.succeeded else "failed-login"
    if not one.succeeded:
        return None
    if one.action in APPROVALS:
        return "approval"
    return "removal" if _removes(one) else None


def _removes(one: Happening) -> bool:
    if one.actor.startswith("system:"):
        return False
    family, _, last = one.action.rpartition(".")
    if last in REMOVING:
        return True
    return family in _OF_REMOVAL and not _REMOVED.isdisjoint(one.facts.get(label, "") for label in _SAYING)
