"""What the server itself recorded, read on from a place: small, for whoever follows a log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from muniment.ledger.queries import query

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg import Connection


@dataclass(frozen=True, slots=True)
class OwnEntry:
    """An entry of the server's own source, without its text.

    Attributes:
        seq: its place in the log.
        recorded_at: UTC, to the microsecond.
        action: what was done, by `actor`, with which `outcome`.
        actor: see `action`.
        outcome: see `action`.
        resource_type: what it was done to, or "".
        resource_id: see `resource_type`.
        labels: as recorded.
        reference: `<source>/<event id>`.
    """

    seq: int
    recorded_at: datetime
    action: str
    actor: str
    outcome: str
    resource_type: str
    resource_id: str
    labels: tuple[str, ...]
    reference: str


def own_entries(
    connection: Connection[Any], log_id: int, first: int, *, since: datetime | None, limit: int
) -> list[OwnEntry]:
    """Entries of the server's own source from a place on, in the log's order.

    Nothing comes later between what was read: places are given under a lock, and are seen in their order.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        first: the first place.
        since: recorded at or after; when the entry before `first` was, which saves reading the log up to there.
        limit: entries at most.
    """
    parameters = {"log": log_id, "first": first, "since": since, "limit": limit}
    rows = connection.cursor(binary=True).execute(query("own_entries"), parameters).fetchall()
    return [
        OwnEntry(seq, at, action, actor, outcome, kind or "", subject or "", tuple(labels or ()), reference)
        for seq, at, action, actor, outcome, kind, subject, labels, reference in rows
    ]
