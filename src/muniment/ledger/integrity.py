"""How a log stands: what the newest walks found, whether its end still agrees with them, and how far it is sealed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

from muniment.ledger.audit_walks import Walk, latest_walk
from muniment.ledger.checkpoints import StoredCheckpoint, read_checkpoint
from muniment.ledger.logfacts import LogFacts, log_facts
from muniment.ledger.queries import query
from muniment.ledger.read import entry_at


@dataclass(frozen=True, slots=True)
class Integrity:
    """A log as the newest walks left it, and as it ends now.

    Attributes:
        facts: its head.
        walk: the newest finished walk, or None.
        full: the newest that read everything, or None.
        cut: the log does not hold any more what the newest walk ended with.
        checkpoint: the newest, or None.
        unsealed_since: when the first entry was recorded that no checkpoint covers; None if there is none.
    """

    facts: LogFacts
    walk: Walk | None
    full: Walk | None
    cut: bool
    checkpoint: StoredCheckpoint | None
    unsealed_since: datetime | None

    @property
    def ok(self) -> bool | None:
        """None before the first walk."""
        return None if self.walk is None else self.walk.ok and not self.cut

    @property
    def broken_at(self) -> int | None:
        """Place of the first entry that is broken or missing; None if there is none, or it has no place."""
        if self.walk is None:
            return None
        return self.facts.size if self.cut and self.walk.ok else self.walk.broken_at

    @property
    def unsealed(self) -> int:
        """How many entries no checkpoint covers."""
        return self.facts.size - (self.checkpoint.checkpoint.size if self.checkpoint else 0)


def log_integrity(connection: Connection[Any], log_id: int) -> Integrity | None:
    """How a log stands; None if the transaction's tenant has no such log. Nothing is walked here.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
    """
    facts = log_facts(connection, log_id)
    if facts is None:
        return None
    walk = latest_walk(connection, log_id)
    full = latest_walk(connection, log_id, full=True)
    cut = False
    if walk is not None and walk.total_rows:
        last = entry_at(connection, log_id, walk.total_rows - 1)
        cut = last is None or last[0].entry_hash != walk.head or facts.size < walk.total_rows
    checkpoint = read_checkpoint(connection, log_id, facts.origin)
    sealed = checkpoint.checkpoint.size if checkpoint else 0
    first = entry_at(connection, log_id, sealed) if sealed < facts.size else None
    return Integrity(facts, walk, full, cut, checkpoint, first[0].recorded_at if first else None)


def walk_history(
    connection: Connection[Any], log_id: int, *, limit: int, below: int | None = None, full: bool = False
) -> list[Walk]:
    """Finished walks, newest first.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        limit: how many.
        below: only walks with a smaller number.
        full: only those that read everything.
    """
    parameters = {"log": log_id, "limit": limit, "below": below, "full": full}
    rows = connection.execute(query("walk_history"), parameters, prepare=False).fetchall()
    return [Walk(row[0], row[1], row[2], row[3], row[4], bytes(row[5]), row[6], row[7]) for row in rows]
