"""A log of five years: 60 monthly partitions of each partitioned table; what questions and appends make of them."""

import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import Connection

from bench.append import BATCH, Ground
from bench.fill import fill
from bench.row import Row
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.queries import query
from muniment.ledger.query import EntryFilter, statement
from tests.support.databases import Databases

MONTHS = 60
IN_A_MONTH = 400
ROUNDS = 10
SINGLES = 150
_MAKE = b"""
SELECT ledger.make_partition(%(table)s, %(name)s, format('FOR VALUES FROM (%%L) TO (%%L)',
    CASE WHEN %(ahead)s THEN 'evt_' || ledger.ulid_time(%(since)s) ELSE (%(since)s::timestamptz)::text END,
    CASE WHEN %(ahead)s THEN 'evt_' || ledger.ulid_time(%(until)s) ELSE (%(until)s::timestamptz)::text END))
"""


def rows(ground: Databases) -> Iterator[Row]:
    """Measure; two databases of the same cluster take turns, one with the months that a new installation has."""
    with ground.fresh() as young, ground.fresh() as old:
        few, many = Ground(young), Ground(old)
        with old.connect(autocommit=True) as owner:
            months = _make_months(owner)
            for month in months[:-1]:
                fill(owner, many.log, IN_A_MONTH, at=month + timedelta(days=14))
            owner.execute("ANALYZE")
        batches: dict[int, list[float]] = {0: [], 1: []}
        singles: dict[int, list[float]] = {0: [], 1: []}
        with young.connect("ingest", autocommit=True) as first, old.connect("ingest", autocommit=True) as second:
            sides = ((few, first), (many, second))
            for at in range(ROUNDS):
                for side, (log, connection) in enumerate(sides):
                    batches[side].append(_seconds(log, connection, BATCH))
                    singles[side] += [_seconds(log, connection, 1) for _ in range(SINGLES // ROUNDS)]
                if at == 1:
                    # The first rounds plan.
                    batches, singles = {0: [], 1: []}, {0: [], 1: []}
        cost = {side: statistics.median(taken) / BATCH * 1e6 for side, taken in batches.items()}
        single = {side: statistics.median(taken) * 1e3 for side, taken in singles.items()}
        yield Row(
            f"append in {MONTHS} months ÷ in a new log, batches of 500", cost[1] / cost[0], "ratio", 1.2, better="lower"
        )
        yield Row(f"append, batches of 500, {MONTHS} monthly partitions", cost[1], "µs/entry", better="lower")
        yield Row(f"single append, p50, {MONTHS} monthly partitions", single[1], "ms", better="lower")
        yield Row("single append, p50, a new log beside it", single[0], "ms", better="lower")
        with old.connect("app", autocommit=True) as connection, tenant_transaction(connection, many.tenant):
            for name, text, parameters in _questions(many.log, months[30]):
                scanned = _scanned(connection, text, parameters)
                yield Row(f"{name}: partitions read of {MONTHS}", scanned, "partitions", 1, better="lower")


def _make_months(owner: Connection[Any]) -> list[datetime]:
    """Past months for what is ordered by time of recording; months to come for event ids, whose past is one."""
    owner.execute("SET timezone = 'UTC'")
    owner.execute("SET search_path = ledger, pg_catalog")
    tables = [
        name
        for (name,) in owner.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'p' AND relnamespace = 'ledger'::regnamespace ORDER BY 1"
        )
    ]
    this = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    months = sorted(_months_from(this, back) for back in range(MONTHS - 3))
    for table in tables:
        ahead = table == "event_ids"
        for month in [_months_from(this, -n) for n in range(MONTHS)] if ahead else months:
            following = _months_from(month, -1)
            name = f"{table}_{month:%Y_%m}"
            if owner.execute("SELECT to_regclass(%s)", [f"ledger.{name}"]).fetchone() != (None,):
                continue
            parameters = {"table": table, "name": name, "ahead": ahead, "since": month, "until": following}
            owner.execute(_MAKE, parameters)
    return months


def _months_from(month: datetime, back: int) -> datetime:
    count = month.year * 12 + month.month - 1 - back
    return month.replace(year=count // 12, month=count % 12 + 1)


def _seconds(log: Ground, connection: Connection[Any], count: int) -> float:
    submissions = log.submissions(count)
    began = time.perf_counter()
    log.append(connection, submissions)
    return time.perf_counter() - began


def _questions(log: int, month: datetime) -> Iterator[tuple[str, bytes, dict[str, object]]]:
    day = month + timedelta(days=14)
    asked = EntryFilter(since=day - timedelta(hours=12), until=day + timedelta(hours=12))
    names = (
        "action",
        "prefix",
        "actor",
        "tool",
        "workspace",
        "resource",
        "resource_type",
        "outcome",
        "trace",
        "source",
    )
    nothing: dict[str, object] = dict.fromkeys((*names, "at", "seq"))
    window: dict[str, object] = {"log": log, "since": asked.since, "until": asked.until, "limit": 101}
    yield "entries of one day", statement(asked), {**nothing, **window}
    yield "entries of one actor on one day", statement(asked), {**nothing, **window, "actor": "agent:filled"}
    yield "one entry by its number, between two checkpoints", query("entry_at"), {**window, "seq": 30 * IN_A_MONTH}


def _scanned(connection: Connection[Any], text: bytes, parameters: dict[str, object]) -> int:
    """How many partitions of entries a question really touches."""
    row = connection.execute(b"EXPLAIN (ANALYZE, FORMAT JSON) " + text, parameters, prepare=False).fetchone()
    touched: set[str] = set()
    waiting = [row[0][0]["Plan"]] if row else []
    while waiting:
        node = waiting.pop()
        waiting += node.get("Plans", [])
        if str(node.get("Relation Name", "")).startswith("entries_") and node["Actual Loops"]:
            touched.add(node["Relation Name"])
    return len(touched)
