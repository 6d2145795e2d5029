"""Facts about a log that its readers need before they read entries: who it is, where it ends, whose a source is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from muniment.ledger.read import time_bounds

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    from psycopg import Connection


@dataclass(frozen=True, slots=True)
class LogFacts:
    """A log and its head row.

    Args:
        origin: its name.
        region: where it is kept.
        mapping: version of the action mapping in force.
        seal_within: seconds from recording to sealing that are promised.
        genesis_hash: of entry 0, 32 bytes.
        state: active or closed.
        size: entries.
        head: hash of the newest entry, 32 bytes.
        last_at: when that was recorded.
    """

    origin: str
    region: str
    mapping: str
    seal_within: int
    genesis_hash: bytes
    state: str
    size: int
    head: bytes
    last_at: datetime


@dataclass(frozen=True, slots=True)
class FoundLog:
    """A log found by its origin: tenant, number, and whether the tenant's verification is public."""

    tenant_id: UUID
    log_id: int
    public_verify: bool


def log_facts(connection: Connection[Any], log_id: int) -> LogFacts | None:
    """What is known of a log of the transaction's tenant; None if it has no such log."""
    row = connection.execute(
        "SELECT l.origin, l.region, l.mapping, l.seal_within, l.genesis_hash, l.state, h.size, h.entry_hash, h.last_at "
        "FROM ledger.logs l JOIN ledger.heads h USING (log_id) WHERE l.log_id = %s",
        [log_id],
    ).fetchone()
    return None if row is None else LogFacts(*row)


def log_by_origin(connection: Connection[Any], origin: str) -> FoundLog | None:
    """The log of an origin, or None. Needs no tenant to be set."""
    row = connection.execute("SELECT * FROM ledger.log_by_origin(%s)", [origin]).fetchone()
    return None if row is None else FoundLog(*row)


def tenant_log(connection: Connection[Any]) -> int | None:
    """The log that speaks for the transaction's tenant: its oldest active one, or else its newest."""
    row = connection.execute(
        "SELECT log_id FROM ledger.logs "
        "ORDER BY state = 'active' DESC, CASE state WHEN 'active' THEN log_id ELSE -log_id END LIMIT 1"
    ).fetchone()
    return None if row is None else int(row[0])


def foreign_sources(connection: Connection[Any], log_id: int, key_id: str, source_ids: Iterable[str]) -> set[str]:
    """Which of these sources are not bound to the key."""
    asked = set(source_ids)
    rows = connection.execute(
        "SELECT source_id FROM ledger.sources WHERE log_id = %s AND key_id = %s AND source_id = ANY(%s)",
        [log_id, key_id, sorted(asked)],
    ).fetchall()
    return asked - {str(row[0]) for row in rows}


def own_entries(connection: Connection[Any], log_id: int, key_id: str, seqs: Sequence[int]) -> int:
    """How many of these entries come from sources that are bound to the key.

    Args:
        seqs: ascending, each once, at least one.
    """
    since, until = time_bounds(connection, log_id, seqs[0], seqs[-1])
    row = connection.execute(
        "SELECT count(*) FROM ledger.entries e JOIN ledger.sources s USING (log_id, source_id) "
        "WHERE e.log_id = %s AND s.key_id = %s AND e.seq = ANY(%s) "
        "AND e.recorded_at >= coalesce(%s::timestamptz, '-infinity') "
        "AND e.recorded_at <= coalesce(%s::timestamptz, 'infinity')",
        [log_id, key_id, list(seqs), since, until],
    ).fetchone()
    return 0 if row is None else int(row[0])
