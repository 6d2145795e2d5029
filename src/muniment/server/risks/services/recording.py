"""What every step of the register does: write its entry, and wait for others who write the same thing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from django.db import connection as django_connection

from muniment.ledger.system import active_log
from muniment.server.recording import SERVER, record
from muniment.server.tenants.scope import ledger_connection

SYSTEM: Final = SERVER
"""Who acts where an exception's step, a changed risk or a day that is over does."""


def noted(
    action: str,
    *,
    by: str,
    resource: tuple[str, str],
    labels: Mapping[str, object],
    causes: Sequence[str] = (),
    body: Mapping[str, object] | None = None,
) -> tuple[int, str]:
    """Record a step in the open transaction; its place in the log, and its reference."""
    receipt = record(action, by=by, resource=resource, labels=labels, causes=causes, body=body)
    with ledger_connection() as raw:
        return receipt.seq, f"{active_log(raw).source}/{receipt.id}"


def one_at_a_time(name: str) -> None:
    """Let others who write the same thing wait until this transaction ends."""
    with django_connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
