"""Nothing gets into or out of a log but by append(): the attacks of someone who is the tables' owner."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import errors

from tests.ledger.append_world import Ledger, submission

PARENTS = ("entries", "event_ids", "entry_controls", "bodies")
REFUSED = (errors.InsufficientPrivilege, errors.CheckViolation, errors.UniqueViolation)


@contextmanager
def owner(ledger: Ledger) -> Iterator[psycopg.Connection[Any]]:
    """A session that has become the owner of the tables, in the ledger's tenant; nothing is kept."""
    with ledger.database.connect() as conn:
        conn.execute("SET ROLE muniment_owner")
        conn.execute("SELECT set_config('muniment.tenant', %s, true)", [str(ledger.tenant)])
        yield conn
        conn.rollback()


def forge(
    ledger: Ledger, conn: psycopg.Connection[Any], table: str = "ledger.entries", *, count: int = 1, **changes: str
) -> None:
    """Insert copies of the last entry behind it, chained rightly except for `changes` (SQL expressions by column)."""
    size, prev, at = conn.execute(
        "SELECT size, entry_hash, last_at FROM ledger.heads WHERE log_id = %s", [ledger.log]
    ).fetchone()
    row = conn.execute(
        "SELECT entry FROM ledger.entries WHERE log_id = %s AND seq = %s", [ledger.log, size - 1]
    ).fetchone()
    columns = [
        name
        for (name,) in conn.execute(
            "SELECT attname::text FROM pg_attribute"
            " WHERE attrelid = 'ledger.entries'::regclass AND attnum > 0 ORDER BY attnum"
        ).fetchall()
    ]
    selects = []
    for n in range(count):
        head = row[0][: row[0].rindex(',"log":')]
        stamp = at.astimezone(tz=None)
        text = (
            f'{head},"log":"{ledger.origin}","map":"base-1","prev":"{bytes(prev).hex()}","recorded_at":"'
            f'{conn.execute(STAMP, [stamp]).fetchone()[0]}","seq":{size + n},"v":3}}'
        )
        hashed = hashlib.sha256(b"\0" + text.encode()).digest()
        values = {
            "seq": str(size + n),
            "entry": "'" + text.replace("'", "''") + "'",
            "prev": f"'\\x{bytes(prev).hex()}'::bytea",
            "entry_hash": f"'\\x{hashed.hex()}'::bytea",
        }
        if n == count - 1:
            values |= {name: value.format(seq=size + n) for name, value in changes.items()}
        selects.append(
            "SELECT " + ", ".join(values.get(name, name) for name in columns) + " FROM ledger.entries"
            f" WHERE log_id = {ledger.log} AND seq = {size - 1}"
        )
        prev = hashed
    conn.execute(f"INSERT INTO {table} ({', '.join(columns)}) " + " UNION ALL ".join(selects))


STAMP = "SELECT to_char(%s AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"


@pytest.fixture(scope="module")
def filled(module_ledger: Ledger) -> Ledger:
    """Shared by all tests of this module: none of them may change it."""
    module_ledger.append(*[submission(b"{}", labels=("a=b",)) for _ in range(3)])
    return module_ledger


def partitions(conn: psycopg.Connection[Any], parent: str) -> list[str]:
    return [
        name
        for (name,) in conn.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [f"ledger.{parent}"]
        ).fetchall()
    ]


def this_month(conn: psycopg.Connection[Any]) -> str:
    row = conn.execute("SELECT tableoid::regclass::text FROM ledger.entries LIMIT 1").fetchone()
    assert row is not None
    return str(row[0])


def this_month_suffix(tables: list[str]) -> str:
    return min(name for name in tables if name.startswith("ledger.bodies_")).removeprefix("ledger.bodies_")


def test_the_forger_of_these_tests_could_pass_for_append(filled: Ledger):
    """Otherwise the refusals below would prove nothing: what is right in every column gets in."""
    with owner(filled) as conn:
        forge(filled, conn, count=2)
        row = conn.execute("SELECT size FROM ledger.heads WHERE log_id = %s", [filled.log]).fetchone()
        assert row == (filled.size() + 2,)


@pytest.mark.parametrize("through", ["parent", "partition"])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    "change",
    [
        {"seq": "{seq} + 1"},
        {"seq": "{seq} - 1"},
        {"seq": "0"},
        {"entry_hash": "sha256('x')"},
        {"prev": "sha256('x')"},
        {"prev": "decode(repeat('00', 32), 'hex')"},
        {"entry": "replace(entry, 'tool.call', 'tool.cull')"},
        {"entry": "entry || ' '"},
        {"submitter": "'user:usr_01KAY9M2Z7Q4WXYH3J8V5T6R0C'"},
        {"mapping": "'other'"},
        {"recorded_at": "recorded_at - interval '1 microsecond'"},
        {"recorded_at": "recorded_at + interval '1 microsecond'"},
        {"recorded_at": "clock_timestamp() + interval '20 days'"},
        {"tenant_id": "gen_random_uuid()"},
        {"log_id": "log_id + 1"},
    ],
    ids=str,
)
def test_a_forged_row_is_refused(filled: Ledger, through: str, count: int, change: dict[str, str]):
    size = filled.size()
    with owner(filled) as conn:
        table = "ledger.entries" if through == "parent" else this_month(conn)
        with pytest.raises(REFUSED):
            forge(filled, conn, table, count=count, **change)
    assert filled.size() == size


def test_rows_in_another_order_than_their_seqs_are_refused(filled: Ledger):
    with owner(filled) as conn:
        forge(filled, conn, count=2)
        first, second = conn.execute(
            "SELECT * FROM ledger.entries WHERE log_id = %s ORDER BY seq DESC LIMIT 2", [filled.log]
        ).fetchall()[::-1]
    marks = ", ".join(["%s"] * len(first))
    with owner(filled) as conn, pytest.raises(errors.CheckViolation, match="in order"):
        conn.execute(f"INSERT INTO ledger.entries VALUES ({marks}), ({marks})", [*second, *first])


def test_one_statement_cannot_write_two_logs(filled: Ledger):
    other = Ledger(filled.database, "other")
    with filled.database.connect() as conn:
        conn.execute("CREATE TEMP TABLE two AS SELECT * FROM ledger.entries WHERE seq = 1")
        conn.execute("UPDATE two SET seq = seq + 100")
        with pytest.raises(errors.CheckViolation, match="one log"):
            conn.execute("INSERT INTO ledger.entries SELECT * FROM two")
        conn.rollback()
    assert other.size() == 3


ROLES = ("superuser", "owner", "app", "ingest", "auditor", "migrator")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("command", ["UPDATE {} SET seq = seq", "DELETE FROM {}", "TRUNCATE {}"])
def test_no_role_changes_what_is_written(filled: Ledger, role: str, command: str):
    with filled.database.connect() as conn:
        tables = [f"ledger.{parent}" for parent in PARENTS]
        tables += [name for parent in PARENTS for name in partitions(conn, parent)]
    assert len(tables) > 16
    if command.startswith("UPDATE"):
        # Of a body only the rows are guarded, because erasing it is an update: empty months have none.
        month = this_month_suffix(tables)
        tables = [name for name in tables if "bodies_" not in name or name.endswith(month)]
    with filled.database.connect(role) as conn:
        for table in tables:
            if role == "owner":
                conn.execute("SET ROLE muniment_owner")
            conn.execute("SELECT set_config('muniment.tenant', %s, true)", [str(filled.tenant)])
            with pytest.raises(errors.InsufficientPrivilege):
                conn.execute(command.format(table))
            conn.rollback()


@pytest.mark.parametrize("table", ["tiles", "checkpoints", "signatures", "keys_notes"])
@pytest.mark.parametrize(
    "command", ["UPDATE ledger.{} SET log_id = log_id", "DELETE FROM ledger.{}", "TRUNCATE ledger.{} CASCADE"]
)
def test_what_was_sealed_is_never_changed(filled: Ledger, table: str, command: str):
    with filled.database.connect() as conn, pytest.raises(errors.InsufficientPrivilege, match="append-only"):
        conn.execute(command.format(table))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger.heads SET size = size - 1",
        "UPDATE ledger.heads SET size = size + 1",
        "UPDATE ledger.heads SET entry_hash = sha256('x'), size = size + 1",
        "UPDATE ledger.heads SET last_at = last_at + interval '1 year'",
        "UPDATE ledger.heads SET size = size",
        "DELETE FROM ledger.heads",
        "TRUNCATE ledger.heads",
        "INSERT INTO ledger.heads SELECT log_id + 1, tenant_id, 5, entry_hash, last_at FROM ledger.heads",
    ],
)
def test_the_head_moves_by_appended_entries_alone(filled: Ledger, statement: str):
    with filled.database.connect() as conn, pytest.raises(errors.InsufficientPrivilege):
        conn.execute(statement)


def test_a_trigger_of_ones_own_does_not_move_the_head_either(filled: Ledger):
    with filled.database.connect() as conn:
        conn.execute("CREATE TABLE lever (n int)")
        conn.execute(
            "CREATE FUNCTION pull() RETURNS trigger LANGUAGE plpgsql AS"
            " $$BEGIN UPDATE ledger.heads SET size = size + 1; RETURN NEW; END$$"
        )
        conn.execute("CREATE TRIGGER pull BEFORE INSERT ON lever FOR EACH ROW EXECUTE FUNCTION pull()")
        with pytest.raises(errors.InsufficientPrivilege, match="appended entries alone"):
            conn.execute("INSERT INTO lever VALUES (1)")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger.logs SET origin = 'other.example'",
        "UPDATE ledger.logs SET genesis_hash = sha256('x')",
        "UPDATE ledger.logs SET genesis_hash = NULL",
        "UPDATE ledger.logs SET tenant_id = gen_random_uuid()",
        "DELETE FROM ledger.logs",
        "UPDATE ledger.api_keys SET secret_hash = sha256('x')",
        "UPDATE ledger.api_keys SET scope = 'read'",
        "DELETE FROM ledger.api_keys",
        "DELETE FROM ledger.sources",
        "DELETE FROM ledger.tenants",
    ],
)
def test_logs_keys_and_sources_keep_their_identity(filled: Ledger, statement: str):
    with filled.database.connect() as conn, pytest.raises((errors.InsufficientPrivilege, errors.ForeignKeyViolation)):
        conn.execute(statement)


def test_a_new_months_partition_is_guarded_before_anything_is_in_it(ledger: Ledger):
    filled = ledger
    with filled.app() as app:
        made = [name for (name,) in app.execute("SELECT ledger.create_partitions(5)").fetchall()]
    assert len(made) == 8
    with owner(filled) as conn:
        for name in made:
            parent = name.rsplit("_", 2)[0]
            for command in ("DELETE FROM ledger.{}", "TRUNCATE ledger.{}", "UPDATE ledger.{} SET seq = seq"):
                if parent == "bodies" and command.startswith("UPDATE"):
                    continue
                conn.execute("SAVEPOINT here")
                with pytest.raises(errors.InsufficientPrivilege):
                    conn.execute(command.format(name))
                conn.execute("ROLLBACK TO here")
        month = next(name for name in made if name.startswith("entries"))
        with pytest.raises(REFUSED):
            forge(filled, conn, f"ledger.{month}", recorded_at="clock_timestamp() + interval '4 months 15 days'")
