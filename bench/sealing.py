"""What a checkpoint, a proof and an audit walk cost as a log grows.

Logs of four sizes take turns on one cluster with fsync on: ten new entries through `append()`, then a round of the
sealer with its real keys. The rows below those entries are put in directly (`fill`), but for the log that is walked.
"""

import multiprocessing
import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psycopg

from bench import months
from bench.fill import fill
from bench.ground import databases
from bench.memory import peak
from bench.row import Row
from bench.sealedlog import SealedLog
from muniment.ledger.audit import check_log
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.proofs import tlog_proof
from tests.support.databases import Database

SIZES = (1_000, 10_000, 100_000, 1_000_000)
NAMES = {1_000: "1 k", 10_000: "10 k", 100_000: "100 k", 1_000_000: "1 M"}
ROUNDS = 25
PROOFS = 1_000
WALKED = 30_000
SYSTEM = 4
"""Entries that a new log has."""
_MEMORY = Path("/dev/shm")


def run() -> list[Row]:
    """Measure."""
    # The heads stand in memory where that can be had, so that one fsync a round, the database's, is left.
    heads = _MEMORY if _MEMORY.is_dir() else None
    with databases() as ground, tempfile.TemporaryDirectory(prefix="muniment-bench-", dir=heads) as directory:
        with ground.fresh() as database:
            rows = list(_sizes(database, Path(directory)))
        with ground.fresh() as database:
            rows += _walks(database, Path(directory))
        rows += months.rows(ground)
    return rows


def _sizes(database: Database, directory: Path) -> Iterator[Row]:
    worlds: dict[int, SealedLog] = {}
    with database.connect(autocommit=True) as owner:
        for size in SIZES:
            (directory / str(size)).mkdir()
            world = worlds[size] = SealedLog(database, directory / str(size), f"log{size}")
            fill(owner, world.log, size - SYSTEM)
            while world.seal().behind:
                pass
        owner.execute("VACUUM ANALYZE ledger.entries")
    yield from _checkpoints(worlds)
    largest = worlds[SIZES[-1]]
    taken = sorted(_proof_seconds(largest))
    yield Row("inclusion proof at 1 M entries (filled in directly), p50", taken[PROOFS // 2] * 1e3, "ms", 5, "lower")
    yield Row("inclusion proof at 1 M entries, p99", taken[PROOFS * 99 // 100] * 1e3, "ms", better="lower")
    for world in worlds.values():
        world.connection.close()


def _checkpoints(worlds: dict[int, SealedLog]) -> Iterator[Row]:
    taken: dict[int, list[float]] = {size: [] for size in SIZES}
    for _ in range(ROUNDS):
        for size, world in worlds.items():
            world.append(10)
            began = time.perf_counter()
            world.seal()
            taken[size].append(time.perf_counter() - began)
    cost = {size: statistics.median(seconds[3:]) * 1e3 for size, seconds in taken.items()}
    for size in SIZES:
        yield Row(f"checkpoint over 10 new entries, {NAMES[size]} before", cost[size], "ms", better="lower")
    yield Row("checkpoint at 100 k ÷ at 1 k entries", cost[100_000] / cost[1_000], "ratio", 1.5, "lower", gate=True)
    yield Row("checkpoint at 1 M ÷ at 1 k entries", cost[1_000_000] / cost[1_000], "ratio", 1.5, "lower")


def _proof_seconds(world: SealedLog) -> Iterator[float]:
    choice = random.Random(1)
    for _ in range(PROOFS):
        index = choice.randrange(SIZES[-1])
        began = time.perf_counter()
        with tenant_transaction(world.connection, world.tenant):
            proof = tlog_proof(world.connection, world.log, world.origin, index)
        yield time.perf_counter() - began
        if proof.index != index:
            raise RuntimeError("a proof for another entry")


def _walks(database: Database, directory: Path) -> Iterator[Row]:
    world = SealedLog(database, directory, "walked")
    for _ in range(0, WALKED, 1_000):
        world.append(1_000)
        world.seal()
    with database.connect(autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE")
    for workers, name in ((1, "one process"), (2, "two processes")):
        # In a process of its own, so that the peak is the walk's.
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            walk = pool.submit(_walk, database.url("app"), world.tenant, world.log, workers).result()
        yield Row(f"audit walk, every check, {name} and as many of the database", walk.rate, "entries/s")
        if workers == 1:
            if walk.rate_of_cpu is not None:
                name = "audit walk, every check, a second of CPU (walk and database together)"
                yield Row(name, walk.rate_of_cpu, "entries/s", 40_000)
            yield Row("audit walk, peak memory", walk.peak, "MiB", better="lower")
    world.connection.close()


@dataclass(frozen=True, slots=True)
class Walked:
    """Entries a second, entries a second of CPU (where the system tells the database's share), and MiB."""

    rate: float
    rate_of_cpu: float | None
    peak: float


def _walk(url: str, tenant: UUID, log: int, workers: int) -> Walked:
    with psycopg.connect(url, autocommit=True) as connection:
        pid = connection.info.backend_pid
        began, cpu, theirs = time.perf_counter(), time.process_time(), _cpu_of(pid)
        standing, report = check_log(connection, tenant, log, workers=workers)
        taken, cpu, after = time.perf_counter() - began, time.process_time() - cpu, _cpu_of(pid)
    if report.failed:
        raise RuntimeError(f"the benchmark's own log does not hold: {report.findings[0]}")
    whole = None if theirs is None or after is None else standing.size / (cpu + after - theirs)
    return Walked(standing.size / taken, whole, peak() / 1024)


def _cpu_of(pid: int) -> float | None:
    """Seconds of CPU that a process has taken; None where /proc does not say."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return None
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
