"""An entry's place and its reference, for the row that it tells of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from muniment.ledger.system import active_log
from muniment.server.recording import record
from muniment.server.tenants.scope import ledger_connection


def noted(
    action: str,
    *,
    by: str,
    alert: str,
    labels: Mapping[str, object],
    causes: Sequence[str],
    body: Mapping[str, object],
) -> tuple[int, str]:
    """Record something about an alert in the open transaction; its place in the log, and its reference."""
    receipt = record(action, by=by, resource=("alert", alert), labels=labels, causes=causes, body=body)
    with ledger_connection() as raw:
        return receipt.seq, f"{active_log(raw).source}/{receipt.id}"
