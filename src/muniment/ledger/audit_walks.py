"""Numbered audit walks: what was found, when, and how far the next incremental walk may rely on it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection, Error
from psycopg.types.json import Jsonb

from muniment.core.errors import Refused
from muniment.ledger.audit import Progress, check_log
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.heads import HeadDirectory
from muniment.ledger.queries import query
from muniment.ledger.walk_entries import record_walk_entry
from muniment.verifier.pins import PinnedCheckpoint, Pins


@dataclass(frozen=True, slots=True)
class Walk:
    """One finished walk.

    Attributes:
        number: from 1.
        started_at: by the database's clock, as `finished_at`.
        finished_at: see `started_at`.
        ok: nothing failed.
        total_rows: entries of the log when the walk began.
        head: hash of the last of them, 32 bytes.
        broken_at: place of the first broken entry, or None.
        report: every check, as `Report.as_json` gives it; `walk.from` is the size from which on entries were read.
        unrecorded: why there is no entry of what was found, where one was asked for; else empty.
    """

    number: int
    started_at: datetime
    finished_at: datetime
    ok: bool
    total_rows: int
    head: bytes
    broken_at: int | None
    report: dict[str, Any]
    unrecorded: str = ""


def walk_log(
    connection: Connection[Any],
    tenant_id: UUID,
    log_id: int,
    *,
    pins: Pins | None = None,
    heads: HeadDirectory | None = None,
    full: bool = True,
    progress: Progress | None = None,
    workers: int | None = 1,
    entry: bool = False,
) -> Walk:
    """Walk a log and record what was found.

    Args:
        connection: as the app role, outside a transaction.
        tenant_id: whose log it is.
        log_id: the log.
        pins: what is trusted from outside: the root key above all.
        heads: last signed heads.
        full: read everything. Otherwise reading begins where the last walk ended, unless that one failed.
        progress: told how far the walk has come.
        workers: processes; one leaves the other cores to those who append. None for as many as there are cores.
        entry: also record the result as an entry. A log that takes none, being broken or closed, has its walk recorded
            all the same, and `unrecorded` says why.

    Raises:
        Refused: if there is no such log.
    """
    start = None
    if not full:
        with tenant_transaction(connection, tenant_id):
            start = _start(latest_walk(connection, log_id))
    standing, report = check_log(
        connection, tenant_id, log_id, pins=pins, heads=heads, start=start, progress=progress, workers=workers
    )
    ok = not report.failed and not report.malformed
    first = report.first_broken
    broken = None if ok or first is None or first.position < 0 else first.position
    document = report.as_json() | {"walk": {"from": start.size if start else 0}}
    parameters = {
        "log": log_id,
        "started": standing.started_at,
        "ok": ok,
        "total": standing.size,
        "head": standing.entry_hash,
        "broken": broken,
        "report": Jsonb(document),
    }
    unrecorded = ""
    try:
        number, finished_at = _record(connection, tenant_id, parameters, entry, document)
    except (Refused, Error) as error:
        if not entry or connection.broken:
            raise
        unrecorded = f"its result could not be recorded as an entry: {str(error).strip().splitlines()[0]}"
        number, finished_at = _record(connection, tenant_id, parameters, False, document)
    started = standing.started_at
    return Walk(number, started, finished_at, ok, standing.size, standing.entry_hash, broken, document, unrecorded)


def _record(
    connection: Connection[Any], tenant_id: UUID, parameters: dict[str, Any], entry: bool, report: dict[str, Any]
) -> tuple[int, datetime]:
    with tenant_transaction(connection, tenant_id):
        number, finished_at = connection.execute(query("walk_record"), parameters).fetchone() or (0, None)
        if entry:
            record_walk_entry(
                connection,
                parameters["log"],
                number=number,
                ok=parameters["ok"],
                total_rows=parameters["total"],
                head=parameters["head"],
                broken_at=parameters["broken"],
                report=report,
            )
    return number, finished_at or parameters["started"]


def latest_walk(connection: Connection[Any], log_id: int, *, full: bool = False) -> Walk | None:
    """The newest finished walk of a log, or the newest that read everything; None before the first.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        full: only walks that read everything.
    """
    row = connection.execute(query("walk_latest"), {"log": log_id, "full": full}).fetchone()
    return None if row is None else Walk(row[0], row[1], row[2], row[3], row[4], bytes(row[5]), row[6], row[7])


def _start(last: Walk | None) -> PinnedCheckpoint | None:
    """Where an incremental walk begins: nowhere but at the start of the log after a walk that found something."""
    if last is None or not last.ok or not last.report.get("size"):
        return None
    return PinnedCheckpoint(int(last.report["size"]), bytes.fromhex(last.report["root"]))
