"""What every step of the desk does: write its entry, and find the entries of a request again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from django.db import connection as django_connection

from muniment.ledger.query import EntryFilter, find_entries
from muniment.ledger.system import active_log
from muniment.server.access.standing import Standing
from muniment.server.packets.models import PacketRequest
from muniment.server.recording import record
from muniment.server.tenants.scope import ledger_connection

COLLECTOR = "system:collector"
"""Who acts where somebody outside holds a link: the labels say which party it was given to."""
_MOST = 500


def noted(
    action: str,
    *,
    by: str,
    resource: tuple[str, str],
    labels: Mapping[str, object],
    causes: Sequence[str] = (),
    body: Mapping[str, object] | None = None,
    outcome: str = "success",
) -> tuple[int, str]:
    """Record a step in the open transaction; its place in the log, and its reference."""
    receipt = record(action, by=by, resource=resource, labels=labels, causes=causes, body=body or None, outcome=outcome)
    with ledger_connection() as raw:
        return receipt.seq, f"{active_log(raw).source}/{receipt.id}"


def one_at_a_time(name: str) -> None:
    """Let others who number rows of the same thing wait until this transaction ends."""
    with django_connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def history_of(standing: Standing, request: PacketRequest) -> list[dict[str, Any]]:
    """What the log says of a request, oldest first: the events as they were recorded, each with `seq` and `at`."""
    asked = EntryFilter(label=f"request={request.id}", newest_first=False)
    with standing.transaction() as reading:
        found = find_entries(reading, standing.log_id, asked, limit=_MOST).entries
    return [{**orjson.loads(one.text)["event"], "seq": one.seq, "at": one.recorded_at} for one in found]
