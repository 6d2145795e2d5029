"""Reading a log on: what is new is judged, what is unusual becomes an alert, and how far was read moves, all in one.

Each round is one transaction: after a crash the next round reads the same entries again and finds the same. What was
found once has a key, which is raised once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from muniment.anomalies.finding import Finding
from muniment.anomalies.habits import WEEKS
from muniment.anomalies.happening import Happening, facts_of
from muniment.anomalies.memory import FORMAT
from muniment.anomalies.watch import Watch
from muniment.anomalies.watched import Watched
from muniment.ledger.own_entries import OwnEntry, own_entries
from muniment.ledger.system import ActiveLog, active_log
from muniment.server.anomalies.models import Learned, Reading
from muniment.server.anomalies.services.kept import Rows
from muniment.server.anomalies.services.locking import alone
from muniment.server.anomalies.services.raising import raise_alerts
from muniment.server.anomalies.services.settings import watched
from muniment.server.tenants.scope import ledger_connection, tenant_scope

BATCH: Final = 2_000
"""Entries that are read in one transaction."""
ALERTS_BACK: Final = timedelta(days=30)
"""When a log is read for the first time, what is older is learned from alone."""
LEARNED_BACK: Final = timedelta(weeks=WEEKS + 1)
"""What is older than this is not learned from."""
KEPT: Final = timedelta(days=200)
"""Requests and their approvals are kept so long after they last changed."""


@dataclass(frozen=True, slots=True)
class Followed:
    """What a round did: entries read, alerts raised, and whether there is more to read."""

    read: int
    alerts: int
    behind: bool


def read_on(tenant_id: UUID, now: datetime, *, most: int = BATCH) -> Followed:
    """Read the next entries of a tenant's log and raise what is unusual, in a transaction of its own.

    While another process does the same, nothing is done.

    Args:
        tenant_id: of the tenant.
        now: aware.
        most: entries to read.

    Raises:
        Refused: if the tenant has no active log, or the ledger refuses.
    """
    with tenant_scope(tenant_id):
        if not alone(f"anomalies/{tenant_id}"):
            return Followed(0, 0, False)
        settings = watched()
        with ledger_connection() as raw:
            log = active_log(raw)
            reading = _reading(tenant_id, log, settings, now)
            rows = own_entries(raw, log.log_id, reading.seq, since=reading.read_at, limit=most)
        if not rows:
            return Followed(0, 0, False)
        events = [_happening(row) for row in rows]
        memory = Rows(tenant_id, events)
        found = _judge(Watch(settings, memory), events, reading)
        memory.keep(now)
        _forget_old(reading, rows, now)
        reading.seq, reading.read_at = rows[-1].seq + 1, rows[-1].recorded_at
        reading.alerted = max(reading.alerted, reading.seq)
        reading.save()
        raised = raise_alerts(tenant_id, found, settings, now)
        return Followed(len(rows), raised, len(rows) == most)


def forget() -> None:
    """Have everything learned again from the log of the open tenant; no alert is raised a second time."""
    Reading.objects.update(format=0)


def read_to() -> Reading | None:
    """How far the log of the open tenant was read; None before the first round."""
    return Reading.objects.first()


def _reading(tenant_id: UUID, log: ActiveLog, settings: Watched, now: datetime) -> Reading:
    """How far was read; set back to where learning begins if what was learned is not of this log, zone and format."""
    row = Reading.objects.select_for_update().first()
    if row is not None and (row.log_id, row.zone, row.format) == (log.log_id, settings.zone, FORMAT):
        return row
    Learned.objects.all().delete()
    if row is None:
        row = Reading(tenant_id=tenant_id, alerts_from=now - ALERTS_BACK)
    elif row.log_id != log.log_id:
        row.alerted = 0
    row.log_id, row.zone, row.format = log.log_id, settings.zone, FORMAT
    row.seq, row.read_at = 0, now - LEARNED_BACK
    row.save()
    return row


def _judge(watch: Watch, events: Sequence[Happening], reading: Reading) -> list[Finding]:
    """What is to be raised: found in what was not judged before, and not too old."""
    return [
        found
        for one in events
        for found in watch.feed(one)
        if one.seq >= reading.alerted and one.at >= reading.alerts_from
    ]


def _happening(row: OwnEntry) -> Happening:
    return Happening(
        row.seq,
        row.recorded_at,
        row.action,
        row.actor,
        row.outcome,
        row.resource_type,
        row.resource_id,
        facts_of(row.labels),
        row.reference,
    )


def _forget_old(reading: Reading, rows: Sequence[OwnEntry], now: datetime) -> None:
    """Once a day of the log, let go of requests that nobody comes back to."""
    if reading.read_at is None or rows[-1].recorded_at.date() != reading.read_at.date():
        Learned.objects.filter(name__startswith="matter ", changed_at__lt=now - KEPT).delete()
