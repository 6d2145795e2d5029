"""Which findings there are: said by the application that keeps them, which stands beside this one and not below it."""

from __future__ import annotations

from collections.abc import Callable, Collection

from muniment.core.errors import Malformed

_check: Callable[[Collection[str]], Collection[str]] | None = None


def install_findings(known: Callable[[Collection[str]], Collection[str]]) -> None:
    """Say who knows; called once, by the application that keeps findings.

    Args:
        known: gives those of some ids that are findings of the open tenant.
    """
    global _check
    _check = known


def check_findings(ids: Collection[str], field: str) -> None:
    """Refuse ids that are no findings.

    Raises:
        Malformed: naming the field.
    """
    if not ids:
        return
    missing = sorted(set(ids) - set(() if _check is None else _check(ids)))
    if missing:
        raise Malformed(f"{missing[0]} is no finding here", field)
