"""Other audit-chain packages on the same PostgreSQL and the same disk, each through its own documented interface.

`ledgerchain` (SQLAlchemy) and `auditchain` (asyncpg) append to PostgreSQL; `aics-tlog` audits a tiled log in files.
Each is given the same call: actor, action, resource and a payload of about 300 bytes.
"""

import asyncio
import importlib.util
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import ground
from bench.row import Row

SINGLES = 400
BATCHES = 10
BATCH = 500
PAYLOAD: dict[str, Any] = {
    "arguments": {"method": "GET", "url": "https://api.example.com/v1/customers/4711/orders", "timeout": 30},
    "prompt_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "result": {"status": 200, "bytes": 18244, "took_ms": 131},
    "workspace": "wks-prod-01",
}


def _rate(count: int, work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return count / (time.perf_counter() - began)


def _ledgerchain(url: str) -> list[Row]:
    import ledgerchain
    from sqlalchemy import create_engine
    from sqlalchemy.orm import sessionmaker

    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    ledgerchain.create_all(engine)
    make_session = sessionmaker(bind=engine)

    def append(count: int, a_transaction: int) -> None:
        for _ in range(count // a_transaction):
            with make_session() as session:
                for _ in range(a_transaction):
                    ledgerchain.LedgerWriter.append(
                        session,
                        event_type="tool.call",
                        payload=PAYLOAD,
                        actor={"kind": "agent", "sub": "crewai-research-01"},
                        tenant_id="acme",
                        subject_uri="/tools/http_request",
                    )
                session.commit()

    append(20, 1)
    single = _rate(SINGLES, lambda: append(SINGLES, 1))
    batched = _rate(BATCHES * BATCH, lambda: append(BATCHES * BATCH, BATCH))
    with make_session() as session:
        began = time.perf_counter()
        result = ledgerchain.verify_chain(session)
        verified = result.checked_entries / (time.perf_counter() - began)
    if not result.valid:
        raise RuntimeError(f"ledgerchain says of its own chain: {result.reason}")
    engine.dispose()
    return [
        Row("peer ledgerchain: single appends", single, "entries/s"),
        Row("peer ledgerchain: appends, 500 a transaction", batched, "entries/s"),
        Row("peer ledgerchain: verification (in the database)", verified, "entries/s"),
    ]


async def _auditchain(url: str) -> list[Row]:
    from auditchain import AuditLog
    from auditchain.backends.postgres import PostgresBackend

    batch = [("agent:crewai-research-01", "tool.call", "http_request", PAYLOAD)] * BATCH
    async with AuditLog(PostgresBackend(url)) as log:
        for _ in range(20):
            await log.append("agent:crewai-research-01", "tool.call", "http_request", metadata=PAYLOAD)
        began = time.perf_counter()
        for _ in range(SINGLES):
            await log.append("agent:crewai-research-01", "tool.call", "http_request", metadata=PAYLOAD)
        single = SINGLES / (time.perf_counter() - began)
        began = time.perf_counter()
        for _ in range(BATCHES):
            await log.append_many(batch)
        batched = BATCHES * BATCH / (time.perf_counter() - began)
        began = time.perf_counter()
        report = await log.verify()
        verified = report.records_checked / (time.perf_counter() - began)
    if not report.ok:
        raise RuntimeError(f"auditchain says of its own chain: {report.reason}")
    return [
        Row("peer auditchain: single appends", single, "entries/s"),
        Row("peer auditchain: appends, 500 a transaction", batched, "entries/s"),
        Row("peer auditchain: verification (in the database)", verified, "entries/s"),
    ]


def _aics_tlog() -> list[Row]:
    from aics_tlog import DirectoryTileStore, FileSystemTileReader, IncrementalTileWriter, audit_tiles

    count = 100_000
    entries = [f'{{"n":{number},"text":"{"x" * 560}"}}'.encode() for number in range(count)]
    with tempfile.TemporaryDirectory(prefix="muniment-bench-") as folder:
        store = DirectoryTileStore(Path(folder))
        writer = IncrementalTileWriter(store, size=0)
        writer.append(entries)
        size, root = writer.size, writer.root()
        began = time.perf_counter()
        report = audit_tiles(FileSystemTileReader(folder), size, root)
        verified = count / (time.perf_counter() - began)
    if report.size != count:
        raise RuntimeError(f"aics-tlog audited {report.size} of {count} entries")
    return [Row("peer aics-tlog: tiled log in files, hashes and tree only", verified, "entries/s")]


def run() -> list[Row]:
    """Measure every peer that is installed; say which is not."""
    missing = [name for name in ("ledgerchain", "auditchain", "aics_tlog") if importlib.util.find_spec(name) is None]
    if missing:
        print(f"peers: {', '.join(missing)} not installed (`make bench` installs them): not measured", file=sys.stderr)
    rows: list[Row] = []
    if not {"ledgerchain", "auditchain"} & set(missing):
        with ground.databases() as databases:
            with databases.fresh() as database:
                rows += _ledgerchain(database.url())
            with databases.fresh() as database:
                rows += asyncio.run(_auditchain(database.url()))
    if "aics_tlog" not in missing:
        rows += _aics_tlog()
    return rows
