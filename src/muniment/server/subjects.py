"""What decisions rest on, and who is told when it changes.

Policies, assets, controls and attachments say here that a newer version of them stands. Exceptions listen, and mark the
decisions that rest on an older one as stale; so none of those applications knows about exceptions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

WITHDRAWN: Final = "withdrawn"


@dataclass(frozen=True, slots=True)
class Changed:
    """Something on which decisions may rest says something else from now on.

    Attributes:
        kind: `policy`, `asset`, `control` or `attachment`, and `risk` where risks themselves tell exceptions.
        id: of it, over all its versions: `pol_…`, `ast_…`, a control id, the id of an attachment's first version.
        digest: SHA-256 of what it says now, 64 hex digits; of a thing that is not relied upon any more, `WITHDRAWN`.
    """

    kind: str
    id: str
    digest: str


_handlers: Final[list[Callable[[Changed], None]]] = []


def on_change(handler: Callable[[Changed], None]) -> None:
    """Have a function called at each change, in the transaction of the change; at start-up, once a handler."""
    if handler not in _handlers:
        _handlers.append(handler)


def changed(kind: str, id: str, digest: str) -> None:
    """Say that something changed, in the open `tenant_scope`, once its new version is there.

    Args:
        kind: see `Changed`, and so the rest.
        id: of it.
        digest: of what it says now.
    """
    for handler in _handlers:
        handler(Changed(kind, id, digest))
