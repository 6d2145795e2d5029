"""The bell of the shell: how many notifications somebody has not read, as the application that keeps them says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.db import connection

from muniment.server.web.navigation import address

ROUTE: Final = "notifications:list"
MOST: Final = 99
_counter: Callable[[str], int] | None = None


@dataclass(frozen=True, slots=True)
class Bell:
    """What the shell shows.

    Attributes:
        url: of the list.
        count: how many are not read.
    """

    url: str
    count: int

    @property
    def shown(self) -> str:
        """The count as it is drawn: `99+` for more than that."""
        return f"{MOST}+" if self.count > MOST else str(self.count)


def install_counter(counter: Callable[[str], int]) -> None:
    """Say who counts, in an open `tenant_scope`, what a person (`usr_…`) has not read."""
    global _counter
    _counter = counter


def bell_of(standing: object) -> Bell | None:
    """The bell for somebody with a standing in a tenant; None for a key, and where there is no such page.

    A page about an error is drawn outside of every transaction: there it is a bell without a count.
    """
    subject = str(getattr(standing, "subject", ""))
    url = address(ROUTE)
    if _counter is None or url is None or not subject.startswith("user:"):
        return None
    asks = connection.in_atomic_block and not connection.needs_rollback
    return Bell(url, _counter(subject.removeprefix("user:")) if asks else 0)
