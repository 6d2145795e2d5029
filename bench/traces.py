"""A trace of 1,000 events across ten agents in a log of 100,000 entries: how long its graph takes, and what is read.

The search runs as the API's operation runs it, in a read-only transaction of the tenant: index lookups, the stretch in
which effects without a trace are looked for, the causal order and the findings. HTTP and JSON are not in it.
"""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
from psycopg import Connection

from bench.explorer import World, world
from bench.row import Row
from muniment.ledger.connection import tenant_transaction
from muniment.server.causality.search import MAX_LIMIT, asked_for, traced

SIZE = 99_000
EVENTS = 1_000
AGENTS = 10
WARM = 3
REPEATS = 30
TARGET_MS = 1_000.0
TRACE = "5eed" * 8
_SOURCE = "src_01KAY9M2Z7Q4WXYH3J8V5T6R0C"
_READ = """
SELECT coalesce(sum(heap_blks_read + heap_blks_hit + coalesce(idx_blks_read + idx_blks_hit, 0)), 0),
    (SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables WHERE schemaname = 'ledger')
FROM pg_statio_user_tables WHERE schemaname = 'ledger'
"""


def run() -> list[Row]:
    """Measure."""
    with world(SIZE) as served:
        _record(served)
        with served.database.connect("app", autocommit=True) as app, served.database.connect("superuser") as owner:
            owner.autocommit = True
            taken = sorted([_asked(app, served) for _ in range(WARM + REPEATS)][WARM:])
            before = _counted(app, owner)
            _asked(app, served)
            pages, rows = (after - first for after, first in zip(_counted(app, owner), before, strict=True))
    whole = "trace of 1,000 events, log of 100,000 entries"
    return [
        Row(f"{whole}, p95", taken[len(taken) * 95 // 100] * 1e3, "ms", TARGET_MS, "lower"),
        Row(f"{whole}, p50", taken[len(taken) // 2] * 1e3, "ms", better="lower"),
        Row(f"{whole}, pages of 8 KiB read, cached or not", pages, "pages", better="lower"),
        Row(f"{whole}, rows fetched", rows, "rows", better="lower"),
    ]


def _record(served: World) -> None:
    """Every agent calls and hands on; each event names the one before it of its agent, some another agent's too."""
    with httpx.Client(base_url=served.url, timeout=60, trust_env=False) as client:
        answer = client.post(
            "/api/events",
            content="\n".join(_lines()).encode(),
            headers={"Authorization": f"Bearer {served.token}", "Content-Type": "application/x-ndjson"},
        )
        answer.raise_for_status()


def _lines() -> Iterator[str]:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
    for number in range(EVENTS):
        causes = {_named(cause) for cause in (number - AGENTS, number - AGENTS - 1 - number % 7) if cause >= 0}
        yield json.dumps(
            {
                "event": {
                    "id": _named(number).partition("/")[2],
                    "action": "tool.call" if number % 2 else "tool.result",
                    "actor": {"id": f"agent:bench-{number % AGENTS}", "type": "agent"},
                    "outcome": "denied" if number % 97 == 0 else "success",
                    "occurred_at": now,
                    "source": {"id": _SOURCE},
                    "trace": {"id": TRACE},
                    **({"causes": sorted(causes)} if causes else {}),
                }
            }
        )


def _named(number: int) -> str:
    return f"{_SOURCE}/evt_01KAY9M2Z7Q4WXYH3J8V{number:06}"


def _asked(app: Connection[Any], served: World) -> float:
    began = time.perf_counter()
    with tenant_transaction(app, served.history.tenant):
        asked = asked_for(app, served.history.log, TRACE)
        found = None if asked is None else traced(app, served.history.log, asked, limit=MAX_LIMIT)
    taken = time.perf_counter() - began
    if found is None or len(found.graph.happenings) != EVENTS or found.cut:
        raise RuntimeError("the trace is not what was recorded")
    return taken


def _counted(app: Connection[Any], owner: Connection[Any]) -> tuple[int, int]:
    """Pages and rows of the ledger's tables that all sessions have read so far."""
    app.execute("SELECT pg_stat_force_next_flush()")
    row = owner.execute(_READ).fetchone()
    return (0, 0) if row is None else (int(row[0]), int(row[1]))
