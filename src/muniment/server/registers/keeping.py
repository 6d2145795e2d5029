"""Keeping a row with its entry: one writer of a register at a time, and the entry's place beside the row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from django.db import connection
from django.db.models import Model, QuerySet

from muniment.core.errors import MunimentError, Refused
from muniment.ledger.system import active_log
from muniment.server.access.standing import Standing
from muniment.server.recording import record
from muniment.server.tenants.scope import ledger_connection

_Row = TypeVar("_Row", bound=Model)


class NoSuch(Refused):
    """There is no such thing in this tenant."""


class Unchanged(Refused):
    """What is to be kept says what stands already."""


def lock(standing: Standing, register: str) -> None:
    """Let others who write a register of this tenant wait until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{register}/{standing.tenant_id}"])


def keep_entry(
    by: str,
    action: str,
    resource: tuple[str, str],
    *,
    labels: Mapping[str, object],
    body: Mapping[str, object],
    causes: Sequence[str] = (),
) -> tuple[int, str]:
    """Record what was done, in the open transaction; call it last.

    Args:
        by: `user:usr_…`, `key:ak_…` or `system:…`.
        action: from the registry.
        resource: (type, id) of what it was done to.
        labels: short facts, no personal data.
        body: what it says now.
        causes: references of the entries before; "" is left out.

    Returns:
        The entry's place in the log, and its reference `<source>/<event id>`.
    """
    with ledger_connection() as raw:
        source = active_log(raw).source
    receipt = record(
        action,
        by=by,
        resource=resource,
        labels=labels,
        causes=[one for one in causes if one],
        body=body,
    )
    return receipt.seq, f"{source}/{receipt.id}"


def record_refused(standing: Standing, action: str, resource: tuple[str, str] | None, error: MunimentError) -> None:
    """Record that something was refused; after its transaction was rolled back."""
    field = (error.where or "")[:60].encode("ascii", "replace").decode()
    record(
        action,
        by=standing.subject,
        resource=resource,
        outcome="denied",
        labels={"field": field},
        body={"said": str(error)[:4_000]},
    )


def newest(model: type[_Row], key: str) -> QuerySet[_Row]:
    """The newest version of everything in a table of versions.

    Args:
        model: with `number`, which counts the versions of what `key` names.
        key: the column that names it.
    """
    manager = model._default_manager
    return manager.filter(pk__in=manager.order_by(key, "-number").distinct(key).values("pk"))


def check_number(stands: int, seen: int | None) -> None:
    """Refuse a change of a version that is no longer the newest.

    Raises:
        Refused: naming `number`.
    """
    if seen is not None and seen != stands:
        raise Refused(f"it was changed meanwhile: version {stands} stands, not {seen}; look at it first", "number")
