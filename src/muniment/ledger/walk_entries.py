"""The result of a walk over the whole log, as an entry of that log.

The rows of `ledger.walks` stand in the same database as what they speak of; the entry stands under checkpoints too, so
that a result cannot be taken back or made up later without its showing.
"""

from typing import Any, Final

from psycopg import Connection

from muniment.core.event import Actor, Resource
from muniment.ledger.anchor_record import log_of
from muniment.ledger.queries import query
from muniment.ledger.system import record_system

SYSTEM: Final = "system:muniment"


def record_walk_entry(
    connection: Connection[Any],
    log_id: int,
    *,
    number: int,
    ok: bool,
    total_rows: int,
    head: bytes,
    broken_at: int | None,
    report: dict[str, Any],
) -> int:
    """Record what a walk found: its checks by name, state and count, and no contents; gives the seq of the entry.

    Args:
        connection: as the app role, in a transaction of the log's tenant.
        log_id: the log.
        number: of the walk.
        ok: nothing failed.
        total_rows: entries that were walked.
        head: hash of the last of them, 32 bytes.
        broken_at: place of the first broken entry, or None.
        report: every check, as `Report.as_json` gives it.

    Raises:
        Refused: if the log is closed, or the ledger cannot append to it.
    """
    log = log_of(connection, log_id)
    checks = [{"name": one["name"], "state": one["state"], "count": one["count"]} for one in report.get("checks", [])]
    receipt = record_system(
        connection,
        by=SYSTEM,
        log=log,
        action="audit.walk",
        actor=Actor(SYSTEM, "system"),
        outcome="success" if ok else "failure",
        resource=Resource(log.origin, "log"),
        labels=[f"walk.run={number}", f"walk.rows={total_rows}"],
        body={
            "run": number,
            "ok": ok,
            "rows": total_rows,
            "head": head.hex(),
            "broken_at": broken_at,
            "checks": checks,
        },
    )
    return receipt.seq


def walk_entry(connection: Connection[Any], log_id: int, number: int) -> int | None:
    """The place of the entry that says what a walk found, if that walk is the newest with an entry.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        number: of the walk.
    """
    row = connection.execute(query("walk_entry"), {"log": log_id}).fetchone()
    return row[0] if row is not None and f"walk.run={number}" in (row[1] or ()) else None
