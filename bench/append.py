"""Chained append against a plain INSERT … unnest of the same ready-made rows: same role, like tables, one run.

The plain tables stand in a schema of their own, with the same columns, constraints, indexes, partitions and row level
security, and without triggers. Rounds alternate, so that both meet the same machine; the medians are compared.
"""

import asyncio
import secrets
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg

from bench.ground import database
from bench.row import Row
from muniment.catalogs.mapping import MAPPING_VERSION, controls_for
from muniment.core.body import commit
from muniment.core.event import Actor, Body, Event, Resource, Source, Trace
from muniment.core.identifiers import new_ulid
from muniment.ledger import apikeys, tenants
from muniment.ledger.append import append
from muniment.ledger.groupcommit import GroupCommitter, connector
from muniment.ledger.receipt import Recorded
from muniment.ledger.submission import Submission
from tests.support.databases import Database

BATCH = 500
ROUNDS = 24
SINGLES = 400
CALLERS = 64
CALLER_ROUNDS = 60
TABLES = ("entries", "event_ids", "entry_controls", "entry_labels", "bodies")
CONTROLS = controls_for("tool.call")


@dataclass
class Ground:
    """One tenant with a log and an append key."""

    database: Database
    tenant: UUID = field(init=False)
    log: int = field(init=False)
    key: str = field(init=False)
    source: str = field(init=False)
    epoch: bytes = field(init=False)
    number: int = 0

    def __post_init__(self) -> None:
        self.source, self.epoch = "src_" + _ulid(), secrets.token_bytes(16)
        with self.database.connect("app", autocommit=True) as app, app.transaction():
            self.tenant = tenants.create_tenant(app, slug="bench", name="Bench")
            made = tenants.create_log(
                app, origin="log.example/bench", region="eu", seal_within=5, root_key="root.example+0123abcd"
            )
            self.log = made.log_id
            key = apikeys.create_api_key(app, by="system:bench", log_id=self.log, scope="append", label="bench")
            self.key = key.key_id

    def submissions(self, count: int) -> list[Submission]:
        """Tool calls as the recorder sends them: numbered, traced, labelled, with a body of some 100 bytes."""
        made = []
        for _ in range(count):
            salt, body = (
                secrets.token_bytes(32),
                b'{"url":"https://example.org","q":"%s"}' % secrets.token_hex(32).encode(),
            )
            event = Event(
                id="evt_" + _ulid(),
                source=Source(self.source, self.epoch, secrets.token_bytes(32), self.number),
                occurred_at=time.time_ns(),
                action="tool.call",
                actor=Actor("agent:crewai-research-01", "agent"),
                outcome="success",
                body=Body(commit(salt, body), len(body), "application/json"),
                labels=("env=prod",),
                resource=Resource("agent.exec", "tool"),
                tool="http_request",
                trace=Trace(secrets.token_bytes(16), secrets.token_bytes(8)),
                workspace="wks-prod-01",
            )
            self.number += 1
            made.append(Submission(event, body, salt))
        return made

    def append(self, conn: psycopg.Connection[Any], submissions: Sequence[Submission]) -> int:
        """Append; the seq of the first."""
        outcomes = append(
            conn,
            key_id=self.key,
            log_id=self.log,
            submissions=submissions,
            controls=[CONTROLS] * len(submissions),
            mapping=MAPPING_VERSION,
        )
        if not all(isinstance(outcome, Recorded) for outcome in outcomes) or not isinstance(outcomes[0], Recorded):
            raise RuntimeError(f"the benchmark's own events were not recorded: {outcomes[0]}")
        return outcomes[0].receipt.seq


def run() -> list[Row]:
    """Measure append against plain INSERT in batches, single appends, and group commit."""
    with database() as fresh:
        ground = Ground(fresh)
        make_plain_tables(fresh)
        chained, plain = alternate(ground)
        singles = sorted(single_appends(ground))
        grouped, waits = asyncio.run(group_commit(ground))
    ratio = statistics.median(plain) / statistics.median(chained)
    return [
        Row("chained append ÷ plain INSERT, batches of 500", ratio, "ratio", target=0.5, gate=True),
        Row("chained append ÷ plain INSERT, batches of 500: aim", ratio, "ratio", target=0.6),
        Row("chained append, batches of 500, one connection", BATCH / statistics.median(chained), "entries/s"),
        Row("plain INSERT of the same rows", BATCH / statistics.median(plain), "entries/s"),
        Row("single append, p50", singles[len(singles) // 2] * 1e3, "ms", better="lower"),
        Row("single append, p99", singles[len(singles) * 99 // 100] * 1e3, "ms", better="lower"),
        Row("group commit, 64 callers of one event, one connection", grouped, "entries/s"),
        Row("group commit, wait p50", waits[len(waits) // 2] * 1e3, "ms", better="lower"),
        Row("group commit, wait p99", waits[len(waits) * 99 // 100] * 1e3, "ms", better="lower"),
    ]


def alternate(ground: Ground) -> tuple[list[float], list[float]]:
    """Seconds of each append and of each plain INSERT of what it recorded; the first quarter warms up."""
    chained, plain = [], []
    with (
        ground.database.connect("ingest", autocommit=True) as ingest,
        ground.database.connect("ingest", autocommit=True) as writer,
        ground.database.connect() as reader,
    ):
        for _ in range(ROUNDS):
            submissions = ground.submissions(BATCH)
            began = time.perf_counter()
            first = ground.append(ingest, submissions)
            chained.append(time.perf_counter() - began)
            statements = plain_inserts(reader, ground, first)
            began = time.perf_counter()
            with writer.transaction():
                writer.execute("SELECT set_config('muniment.tenant', %s, true)", [str(ground.tenant)])
                for statement, parameters in statements:
                    writer.execute(statement, parameters)
            plain.append(time.perf_counter() - began)
    return chained[ROUNDS // 4 :], plain[ROUNDS // 4 :]


def single_appends(ground: Ground) -> list[float]:
    """Seconds of appends of one event, one after the other."""
    taken = []
    with ground.database.connect("ingest", autocommit=True) as conn:
        for submission in ground.submissions(SINGLES):
            began = time.perf_counter()
            ground.append(conn, [submission])
            taken.append(time.perf_counter() - began)
    return taken[SINGLES // 10 :]


async def group_commit(ground: Ground) -> tuple[float, list[float]]:
    """Entries a second with many callers of one event each, and how long each waited."""
    waits: list[float] = []
    async with GroupCommitter(connector(ground.database.url("ingest")), connections=1) as committer:

        async def caller(mine: list[Submission]) -> None:
            for submission in mine:
                began = time.perf_counter()
                await committer.append(
                    key_id=ground.key,
                    log_id=ground.log,
                    submissions=[submission],
                    controls=[CONTROLS],
                    mapping=MAPPING_VERSION,
                )
                waits.append(time.perf_counter() - began)

        shares = [ground.submissions(CALLER_ROUNDS) for _ in range(CALLERS)]
        began = time.perf_counter()
        await asyncio.gather(*(caller(share) for share in shares))
        rate = CALLERS * CALLER_ROUNDS / (time.perf_counter() - began)
    return rate, sorted(waits)


def make_plain_tables(fresh: Database) -> None:
    """Copy the shape of the ledger's tables, row level security included, without triggers."""
    with fresh.connect(autocommit=True) as conn:
        conn.execute("CREATE SCHEMA plain; GRANT USAGE ON SCHEMA plain TO muniment_ingest")
        for table in TABLES:
            key, parts = partitions_of(conn, table)
            shape = f"(LIKE ledger.{table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)"
            conn.execute(f"CREATE TABLE plain.{table} {shape} {key}")
            for name, bounds in parts:
                conn.execute(f"CREATE TABLE plain.{name} PARTITION OF plain.{table} {bounds}")
            conn.execute(f"ALTER TABLE plain.{table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
            tenant = "tenant_id = (SELECT nullif(current_setting('muniment.tenant', true), '')::uuid)"
            conn.execute(f"CREATE POLICY tenant ON plain.{table} USING ({tenant}) WITH CHECK ({tenant})")
            conn.execute(f"GRANT INSERT ON plain.{table} TO muniment_ingest")


def partitions_of(conn: psycopg.Connection[Any], table: str) -> tuple[str, list[tuple[str, str]]]:
    """The PARTITION BY clause of a table, and names and bounds of its partitions."""
    row = conn.execute("SELECT pg_get_partkeydef(%s::regclass)", [f"ledger.{table}"]).fetchone()
    if row is None or row[0] is None:
        return "", []
    parts = conn.execute(
        "SELECT c.relname::text, pg_get_expr(c.relpartbound, c.oid)"
        " FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = %s::regclass",
        [f"ledger.{table}"],
    ).fetchall()
    return f"PARTITION BY {row[0]}", parts


def plain_inserts(reader: psycopg.Connection[Any], ground: Ground, first: int) -> list[tuple[str, list[Any]]]:
    """The statements that put the rows of one append into the plain tables, and their parameters, made beforehand.

    Texts and numbers go as lines, as they do for append(); bytes as binary arrays.
    """
    made: list[tuple[str, list[Any]]] = []
    for table in TABLES:
        columns = reader.execute(
            "SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute"
            " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            [f"ledger.{table}"],
        ).fetchall()
        names = [name for name, _ in columns]
        rows = reader.execute(
            f"SELECT {', '.join(names)} FROM ledger.{table} WHERE log_id = %s AND seq >= %s ORDER BY seq",
            [ground.log, first],
        ).fetchall()
        fixed = {"log_id": "integer", "tenant_id": "uuid", "recorded_at": "timestamptz"}
        selected: list[str] = []
        sources: list[tuple[str, str]] = []
        parameters: list[Any] = []
        for place, (name, kind) in enumerate(columns):
            values = [row[place] for row in rows]
            if name in fixed:
                selected.append(f"'{values[0]}'::{fixed[name]}")
            elif kind == "text[]":
                selected.append(f"string_to_array(c.{name}, E'\\t')")
                sources.append((name, "string_to_array(%s, E'\\n', '')"))
                parameters.append("\n".join("\t".join(items) if items else "" for items in values))
            elif kind == "bytea":
                selected.append(f"c.{name}")
                sources.append((name, "%b::bytea[]"))
                parameters.append(values)
            else:
                selected.append(f"c.{name}::{kind}")
                sources.append((name, "string_to_array(%s, E'\\n', '')"))
                parameters.append("\n".join("" if value is None else str(value) for value in values))
        unnested = ", ".join(source for _, source in sources)
        statement = (
            f"INSERT INTO plain.{table} ({', '.join(names)}) SELECT {', '.join(selected)}"
            f" FROM unnest({unnested}) AS c ({', '.join(name for name, _ in sources)})"
        )
        made.append((statement, parameters))
    reader.rollback()
    return made


def _ulid() -> str:
    return new_ulid(time.time_ns() // 1_000_000, secrets.token_bytes(10))
