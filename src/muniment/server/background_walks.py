"""When logs are walked: everything once an hour, what is new once a minute, and at once when someone asks.

The result of a walk over everything is an entry of the log that was walked.

Someone asks by `NOTIFY muniment_walk, '<log id>'`, which any role may send: it says which log, never what to find.
"""

import logging
import time
from dataclasses import dataclass
from typing import ClassVar, Final

from psycopg import Connection

from muniment.keys import KeyRing
from muniment.ledger.audit_walks import Walk, latest_walk, walk_log
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.heads import HeadDirectory
from muniment.ledger.tenants import LogSize, all_logs
from muniment.server.anchoring import trusted
from muniment.server.background import PartlyFailed
from muniment.server.runtime import Places
from muniment.verifier.pins import Pins

CHANNEL: Final = "muniment_walk"
FULL_EVERY: Final = 3600.0
NEW_EVERY: Final = 60.0
_LOG: Final = logging.getLogger("muniment.walks")


@dataclass(slots=True)
class _Walked:
    """What is known of a log's walks: times in seconds since the Unix epoch, and the size that was walked."""

    full_at: float
    at: float
    size: int


class Walks:
    """Walks the logs that are due, one after the other."""

    LOOK_EVERY: ClassVar[float] = 2.0

    def __init__(self, places: Places) -> None:
        self._places = places
        self._known: dict[int, _Walked] = {}
        self._listening: Connection | None = None

    def __call__(self, connection: Connection) -> str:
        """Walk what is due."""
        asked = self._asked(connection)
        done = []
        unrecorded = []
        for log in all_logs(connection):
            full = self._due(connection, log, log.log_id in asked)
            if full is not None:
                found = self._walk(connection, log, full=full)
                done.append(_said(log, found, full=full))
                if found.unrecorded:
                    unrecorded.append(f"{log.origin}: {found.unrecorded}")
        if unrecorded:
            raise PartlyFailed("; ".join(unrecorded[:4]))
        return done[-1] if done else ""

    def _asked(self, connection: Connection) -> set[int]:
        if self._listening is not connection:
            connection.execute(f"LISTEN {CHANNEL}")
            self._listening = connection
        notices = [notice.payload for notice in connection.notifies(timeout=0)]
        return {int(payload) for payload in notices if payload.isdecimal() and len(payload) < 10}

    def _due(self, connection: Connection, log: LogSize, asked: bool) -> bool | None:
        """None if no walk is due, else whether everything is to be read."""
        if log.log_id not in self._known:
            with tenant_transaction(connection, log.tenant_id):
                last, full = latest_walk(connection, log.log_id), latest_walk(connection, log.log_id, full=True)
            self._known[log.log_id] = _Walked(_ended(full), _ended(last), last.total_rows if last is not None else -1)
        known, now = self._known[log.log_id], time.time()
        if now - known.full_at >= FULL_EVERY or asked:
            return True
        return False if log.size != known.size and now - known.at >= NEW_EVERY else None

    def _walk(self, connection: Connection, log: LogSize, *, full: bool) -> Walk:
        pins = Pins(root=KeyRing(self._places.keys).root_verifier(), timestamps=trusted(self._places))
        heads = HeadDirectory(self._places.heads)
        # A closed log takes no entries any more; what its walks find stands in the table of walks.
        entry = full and log.state == "active"
        found = walk_log(connection, log.tenant_id, log.log_id, pins=pins, heads=heads, full=full, entry=entry)
        before, now = self._known[log.log_id], time.time()
        self._known[log.log_id] = _Walked(now if full else before.full_at, now, found.total_rows)
        if not found.ok:
            place = "" if found.broken_at is None else f", first at entry {found.broken_at}"
            _LOG.error("%s does not hold%s: walk %d; run muniment verify", log.origin, place, found.number)
        return found


def _said(log: LogSize, found: Walk, *, full: bool) -> str:
    kind = "everything" if full else "what is new"
    verdict = "all held" if found.ok else "BROKEN"
    return f"walked {kind} of {log.origin}, {found.total_rows} entries: {verdict}"


def _ended(walk: Walk | None) -> float:
    return 0.0 if walk is None else walk.finished_at.timestamp()
