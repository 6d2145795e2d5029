"""Which actions can be registered as changes that need a reason: rules without a database."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Final, Literal

from muniment.catalogs.actions import TENANT_PREFIX, find, registry
from muniment.core.errors import Malformed
from muniment.core.event import Event
from muniment.core.reason import MEMBER, reason_of

State = Literal["given", "none", "erased", "withheld"]
"""Of a change's reason: said; not said; in a body that was erased; in a body that the ledger has no copy of."""
STATES: Final[Mapping[State, str]] = {
    "given": "Reason given",
    "none": "No reason",
    "erased": "Body erased",
    "withheld": "Body not stored",
}
CHANGE: Final = "change_management"
"""The capability that actions evidence which change something."""
ACCESS: Final = frozenset(
    {"group.change", "member.change", "member.invite", "member.remove", "role.change", "service.change"}
)
"""Of the product's own: who may do what was changed, by a person."""
ALONE: Final = frozenset({"workspace.boot", "idp.claim"})
"""Nobody decides these at the moment at which they are recorded, so nobody could say why."""
OFFERED: Final = ("config.change", "nixos.switch", "x.*")
"""What is ticked when a tenant registers for the first time, beside everything of the product's own."""
MOST: Final = 200
"""Actions that a tenant can register."""
_PATTERN: Final = re.compile(r"x(\.[a-z][a-z0-9_]*)*\.(\*|[a-z][a-z0-9_]*)")


@cache
def own_changes() -> tuple[str, ...]:
    """Changes that people make in the product itself, sorted."""
    return tuple(
        sorted(
            code
            for code, action in registry().items()
            if action.emitter == "server" and (CHANGE in action.evidences or code in ACCESS) and code not in ALONE
        )
    )


@cache
def source_changes() -> tuple[str, ...]:
    """Registered actions of sources that change something, sorted; a tenant's own (`x.…`) come on top."""
    return tuple(
        sorted(
            code
            for code, action in registry().items()
            if CHANGE in action.evidences and action.emitter not in ("ledger", "sealer", "server") and code not in ALONE
        )
    )


def may_need(action: str) -> bool:
    """Whether an action of a source could have been registered."""
    return action.startswith(TENANT_PREFIX) or action in source_changes()


def checked_actions(actions: Iterable[str]) -> tuple[str, ...]:
    """What is to be registered, sorted.

    Raises:
        Malformed: naming the first that cannot be, and why.
    """
    given = sorted({action.strip() for action in actions if action.strip()})
    if len(given) > MOST:
        raise Malformed(f"at most {MOST} actions can be registered", "actions")
    allowed = {*own_changes(), *source_changes()}
    for action in given:
        if action in allowed or (len(action) <= 64 and _PATTERN.fullmatch(action)):
            continue
        shown = ascii(action)[:70]
        if action in registry():
            raise Malformed(
                f"{shown} ({find(action).emitter}) is no change that somebody could give a reason for",
                "actions",
            )
        raise Malformed(f"{shown} is no action: name one of the registry's changes, x.<name>, or x.*", "actions")
    return tuple(given)


def is_required(action: str, registered: Collection[str]) -> bool:
    """Whether an action is among what was registered.

    >>> is_required("x.deploy.start", ["x.deploy.*"]), is_required("x.deployed", ["x.deploy.*"])
    (True, False)
    """
    if action in registered:
        return True
    parts = action.split(".")
    return any(".".join([*parts[:end], "*"]) in registered for end in range(1, len(parts)))


def fault_of(event: Event, body: bytes | None) -> str | None:
    """What is wrong with an event that needs a reason; None if it says one.

    Args:
        event: as it was submitted.
        body: the payload that came with it, None without one.
    """
    if reason_of(event.labels, body) is not None:
        return None
    said = f"{event.action} is registered as a change that needs a reason: "
    if event.body is not None and body is None:
        return said + f"its body was not sent, so say it as the label {MEMBER}=…"
    return said + f'say it in the payload as {{"{MEMBER}": "…"}}, or as the label {MEMBER}=…'
