"""Half a year in a log: entries as `append()` would have written them, put in directly because that is quicker.

Texts are canonical, the chain holds, the index tables agree with the entries, and the sealer seals them with its real
keys, a checkpoint for every so many entries.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import Connection, sql

from bench.happenings import Company, Told
from muniment.catalogs.mapping import MAPPING_VERSION, controls_for
from muniment.core.entry import entry_hash, parse_entry
from muniment.core.envelope import quote_all

DAYS: Final = 180
_PARSED: Final = 997
"""One entry of so many is read back by `core`, which takes nothing that is not canonical."""
_CHUNK: Final = 20_000
_TABLES: Final = ("entries", "event_ids", "entry_controls", "entry_labels", "bodies")
_COLUMNS: Final = {
    "entries": (
        "seq, recorded_at, entry_hash, prev, submitter, mapping, controls, event_id, action, actor_type, actor_id, "
        "outcome, occurred_at, source_id, epoch, source_seq, source_prev, tool, workspace, resource_id, resource_type, "
        "trace_id, span_id, labels, causes, body_commit, body_len, body_type, body_scheme, entry"
    ),
    "event_ids": "source_id, event_id, seq, recorded_at, event_hash",
    "bodies": "seq, recorded_at, salt, body, state",
}
_CLOCK: Final = (
    "CREATE OR REPLACE FUNCTION pg_catalog.clock_timestamp() RETURNS timestamptz VOLATILE STRICT PARALLEL SAFE "
)


@contextmanager
def clock_set_back(owner: Connection[Any]) -> Iterator[None]:
    """The database's clock as it was when the history begins, so that a log made now has its first entries then.

    Args:
        owner: a superuser's connection with autocommit, to a database that is thrown away. Sessions that began before
            may keep the true clock.
    """
    past = f"LANGUAGE sql AS $$ SELECT pg_catalog.statement_timestamp() - pg_catalog.make_interval(days => {DAYS}) $$"
    owner.execute("SET allow_system_table_mods = on")
    owner.execute((_CLOCK + past).encode())
    try:
        yield
    finally:
        owner.execute((_CLOCK + "LANGUAGE internal AS 'clock_timestamp'").encode())


def make_months(owner: Connection[Any]) -> None:
    """Partitions for the months of the history that lie before the installation's own."""
    owner.execute("SET timezone = 'UTC'")
    first = (datetime.now(UTC) - timedelta(days=DAYS)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for table in ("entries", "entry_controls", "bodies"):
        owner.execute(
            """
            SELECT ledger.make_partition(%(table)s, %(table)s || to_char(month, '_YYYY_MM'),
                format('FOR VALUES FROM (%%L) TO (%%L)', month, month + interval '1 month'))
            FROM generate_series(%(first)s::timestamptz, now(), interval '1 month') AS month
            WHERE to_regclass('ledger.' || %(table)s || to_char(month, '_YYYY_MM')) IS NULL
            """,
            {"table": table, "first": first},
        )


@dataclass(frozen=True, slots=True)
class History:
    """Writes the history of one log.

    Attributes:
        tenant: of the log `log`, named `origin`.
        log: see `tenant`.
        origin: see `tenant`.
        key: id of the API key whose sources these are.
        company: what happens.
    """

    tenant: UUID
    log: int
    origin: str
    key: str
    company: Company

    def write(self, owner: Connection[Any], size: int) -> None:
        """Fill the log up to `size` entries, the last of them about now; `show` lets them be seen.

        Args:
            owner: a superuser's connection with autocommit, while nobody else uses the database.
            size: entries, with those that the log has.
        """
        head = "SELECT size, entry_hash, last_at FROM ledger.heads WHERE log_id = %s"
        first, prev, begin = owner.execute(head, [self.log]).fetchone() or (0, bytes(32), datetime.now(UTC))
        with owner.transaction():
            # Without triggers, which would compute everything a second time; indexes are made when the rows are there.
            owner.execute("SET LOCAL session_replication_role = replica")
            owner.execute("SET LOCAL maintenance_work_mem = '256MB'")
            with _without_indexes(owner):
                self._copy(owner, first, size, bytes(prev), begin)
                for table, column, of in (
                    ("entry_controls", "control", "controls"),
                    ("entry_labels", "label", "labels"),
                ):
                    self._index(owner, first, table, column, of)
            sources = [voice.source for voice in self.company.voices]
            owner.execute(
                "INSERT INTO ledger.sources (log_id, tenant_id, source_id, key_id, bound_at) "
                "SELECT %s, %s, s, %s, %s FROM unnest(%s::text[]) AS s",
                [self.log, self.tenant, self.key, begin, sources],
            )
        owner.execute("VACUUM ANALYZE")

    def show(self, owner: Connection[Any], size: int) -> None:
        """Let the log end after so many of its entries: nobody, the sealer included, sees more of them as its own."""
        with owner.transaction():
            owner.execute("SET LOCAL session_replication_role = replica")
            owner.execute(
                "UPDATE ledger.heads h SET size = e.seq + 1, entry_hash = e.entry_hash, last_at = e.recorded_at "
                "FROM ledger.entries e WHERE h.log_id = %(log)s AND e.log_id = %(log)s AND e.seq = %(size)s - 1",
                {"log": self.log, "size": size},
            )

    def _copy(self, owner: Connection[Any], first: int, size: int, prev: bytes, begin: datetime) -> None:
        events = self.company.events(begin, datetime.now(UTC), size - first)
        # The database takes one part in while the next is made.
        with ThreadPoolExecutor(1) as writer:
            taken: Future[None] | None = None
            for start in range(first, size, _CHUNK):
                lines, prev = self._lines(events, range(start, min(start + _CHUNK, size)), prev)
                if taken is not None:
                    taken.result()
                taken = writer.submit(_put, owner, lines)
            if taken is not None:
                taken.result()

    def _lines(self, events: Iterator[Told], places: range, prev: bytes) -> tuple[dict[str, list[str]], bytes]:
        """Lines for COPY by table, and the hash of the last entry."""
        lines: dict[str, list[str]] = {table: [] for table in _COLUMNS}
        for seq in places:
            told = next(events)
            controls = controls_for(told.action)
            text = (
                f'{{"by":"key:{self.key}","controls":{quote_all(controls)},"event":{told.text},"log":"{self.origin}"'
                f',"map":"{MAPPING_VERSION}","prev":"{prev.hex()}","recorded_at":"{told.recorded}","seq":{seq},"v":3}}'
            ).encode()
            if seq % _PARSED == 0:
                parse_entry(text)
            hashed = entry_hash(text)
            lines["entries"].append(self._entry(seq, hashed, prev, told, controls, text.decode()))
            hash_of_event = f"\\\\x{told.hashed.hex()}"
            lines["event_ids"].append(self._line(told.voice.source, told.id, seq, told.recorded, hash_of_event))
            if told.body is not None:
                salt, content, _commitment = (f"\\\\x{part.hex()}" for part in told.body)
                lines["bodies"].append(self._line(seq, told.recorded, salt, content, "stored"))
            prev = hashed
        return lines, prev

    def _entry(self, seq: int, hashed: bytes, prev: bytes, told: Told, controls: tuple[str, ...], text: str) -> str:
        voice = told.voice
        body = (f"\\\\x{told.body[2].hex()}", len(told.body[1]), "application/json", 1) if told.body else (None,) * 4
        trace = (None, None) if told.trace is None else (f"\\\\x{told.trace}", f"\\\\x{told.span}")
        return self._line(
            seq, told.recorded, f"\\\\x{hashed.hex()}", f"\\\\x{prev.hex()}", f"key:{self.key}", MAPPING_VERSION,
            f"{{{','.join(controls)}}}", told.id, told.action, voice.kind, voice.actor, told.outcome, told.occurred_at,
            voice.source, f"\\\\x{voice.epoch.hex()}", told.number, f"\\\\x{told.prev.hex()}", told.tool,
            voice.workspace, *(told.resource or (None, None)), *trace, f"{{{','.join(told.labels)}}}",
            None if told.cause is None else f"{{{told.cause}}}", *body, text,
        )  # fmt: skip

    def _line(self, *values: object) -> str:
        shown = "\t".join(["\\N" if value is None else str(value) for value in values])
        return f"{self.log}\t{self.tenant}\t{shown}\n"

    def _index(self, owner: Connection[Any], first: int, table: str, column: str, of: str) -> None:
        statement = sql.SQL(
            "INSERT INTO ledger.{table} (log_id, tenant_id, {column}, recorded_at, seq) "
            "SELECT e.log_id, e.tenant_id, one, e.recorded_at, e.seq "
            "FROM ledger.entries e, unnest(e.{of}) AS one WHERE e.log_id = %s AND e.seq >= %s"
        )
        names = {"table": sql.Identifier(table), "column": sql.Identifier(column), "of": sql.Identifier(of)}
        owner.execute(statement.format(**names), [self.log, first])


def _put(owner: Connection[Any], lines: dict[str, list[str]]) -> None:
    for table, columns in _COLUMNS.items():
        statement = f"COPY ledger.{table} (log_id, tenant_id, {columns}) FROM STDIN".encode()
        with owner.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write("".join(lines[table]))


@contextmanager
def _without_indexes(owner: Connection[Any]) -> Iterator[None]:
    tables = [f"ledger.{table}" for table in _TABLES]
    keys = owner.execute(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE conrelid = ANY(%s::regclass[]) AND contype = 'p'",
        [tables],
    ).fetchall()
    indexes = owner.execute(
        "SELECT indexrelid::regclass::text, replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') FROM pg_index "
        "WHERE indrelid = ANY(%s::regclass[]) AND NOT indisprimary",
        [tables],
    ).fetchall()
    for table, name, _ in keys:
        owner.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}".encode())
    for name, _ in indexes:
        owner.execute(f"DROP INDEX {name}".encode())
    yield
    for table, name, what in keys:
        owner.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {what}".encode())
    for _, made in indexes:
        owner.execute(made.encode())
