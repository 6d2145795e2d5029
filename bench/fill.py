"""Rows of entries put in directly, for measurements that need many of them and do not read their texts.

Hashes are random and texts are short: tree, checkpoints and proofs are those of a log of this size; a walk would fail.
"""

from datetime import datetime
from typing import Any

from psycopg import Connection

_FILL = """
INSERT INTO ledger.entries (log_id, tenant_id, seq, recorded_at, entry_hash, prev, submitter, mapping, event_id, action,
    actor_type, actor_id, outcome, occurred_at, source_id, entry)
SELECT h.log_id, h.tenant_id, h.size + n, {at}, sha256(int8send(h.log_id) || int8send(h.size + n)),
    h.entry_hash, 'key:ak_filled', 'base-1', 'evt_' || lpad(n::text, 26, '0'), 'tool.call', 'agent', 'agent:filled',
    'success', 0, 'src_filled', '{{}}'
FROM ledger.heads h, generate_series(0, %(count)s - 1) AS n WHERE h.log_id = %(log)s
"""
_HEAD = """
UPDATE ledger.heads h SET size = h.size + %(count)s, last_at = e.recorded_at, entry_hash = e.entry_hash
FROM ledger.entries e WHERE h.log_id = %(log)s AND e.log_id = h.log_id AND e.seq = h.size + %(count)s - 1
"""


def fill(owner: Connection[Any], log_id: int, count: int, *, at: datetime | None = None) -> None:
    """Add entries to a log.

    Args:
        owner: a superuser's connection with autocommit.
        log_id: the log.
        count: entries.
        at: when they are recorded; None for now.
    """
    with owner.transaction():
        # No trigger: the guard would compute the hash of every text.
        owner.execute("SET LOCAL session_replication_role = replica")
        parameters = {"log": log_id, "count": count, "at": at}
        owner.execute(_FILL.format(at="clock_timestamp()" if at is None else "%(at)s").encode(), parameters)
        owner.execute(_HEAD.encode(), parameters)
