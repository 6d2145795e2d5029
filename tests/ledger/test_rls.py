"""Tenants are apart, and each role can do what it is for and nothing else."""

import psycopg
import pytest
from psycopg import errors

from muniment.core.errors import Refused
from muniment.core.event import Source
from muniment.ledger import apikeys, tenants
from muniment.ledger.append import append_system
from muniment.ledger.columns import PLACEHOLDERS, columns
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.receipt import Recorded
from muniment.ledger.refused import KeyRefused, LogClosed, WrongIsolation, WrongTenant
from muniment.ledger.submission import Submission
from tests.ledger.append_world import CONTROLS, MAPPING, Ledger, event, source_id, submission

TABLES = """
    SELECT c.oid::regclass::text, c.relrowsecurity, c.relforcerowsecurity, c.relkind::text, c.relispartition,
           ARRAY(SELECT p.polname::text FROM pg_policy p WHERE p.polrelid = c.oid ORDER BY 1),
           (SELECT pg_get_expr(p.polqual, c.oid) || ' / ' || pg_get_expr(p.polwithcheck, c.oid)
            FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'tenant'),
           coalesce(c.relacl::text, '')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'ledger' AND c.relkind IN ('r', 'p')
        AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id')
"""


@pytest.fixture(scope="module")
def two(module_database) -> tuple[Ledger, Ledger]:
    first, second = Ledger(module_database, "first"), Ledger(module_database, "second")
    for ledger in (first, second):
        ledger.append(submission(b"{}"))
    with first.app() as app:
        app.execute("SELECT ledger.create_partitions(4)")
    return first, second


def test_every_table_and_partition_is_under_forced_row_level_security(two):
    with two[0].database.connect() as conn:
        rows = conn.execute(TABLES).fetchall()
        every = {
            name
            for (name,) in conn.execute(
                "SELECT oid::regclass::text FROM pg_class"
                " WHERE relnamespace = 'ledger'::regnamespace AND relkind IN ('r', 'p')"
            ).fetchall()
        }
    assert {row[0] for row in rows} == every, "a table of the ledger has no tenant_id"
    assert len(rows) >= 15 + 4 * 5
    for name, enabled, forced, _, _, policies, expression, _ in rows:
        assert (enabled, forced) == (True, True), name
        assert "tenant" in policies, name
        assert expression.count("current_setting('muniment.tenant'::text, true)") == 2, name
        assert expression.count("NULLIF(") == 2, name


def test_nobody_is_granted_anything_on_a_partition(two):
    with two[0].database.connect() as conn:
        for name, *_, is_partition, _, _, acl in conn.execute(TABLES).fetchall():
            if is_partition:
                assert acl == "", name


def test_policies_beside_the_tenants_are_for_the_owners_functions_alone(two):
    with two[0].database.connect() as conn:
        rows = conn.execute(
            "SELECT tablename, policyname, roles::text[], cmd FROM pg_policies"
            " WHERE schemaname = 'ledger' AND policyname <> 'tenant'"
        ).fetchall()
    assert rows
    assert {(tuple(roles), command) for _, _, roles, command in rows} == {(("muniment_owner",), "SELECT")}


@pytest.mark.parametrize("role", ["app", "auditor", "owner"])
def test_without_a_tenant_there_are_no_rows(two, role: str):
    with two[0].database.connect(role) as conn:
        if role == "owner":
            conn.execute("SET ROLE muniment_owner")
        tables = [row[0] for row in conn.execute(TABLES).fetchall() if not row[4]]
        for setting in (None, ""):
            if setting is not None:
                conn.execute("SELECT set_config('muniment.tenant', %s, false)", [setting])
            for table in tables:
                columns = "key_id" if table == "ledger.api_keys" else "*"
                assert conn.execute(f"SELECT {columns} FROM {table}").fetchall() == [], table
        conn.rollback()


@pytest.mark.parametrize("role", ["app", "auditor", "owner"])
def test_a_tenant_sees_its_own_rows_alone(two, role: str):
    first, _ = two
    with first.database.connect(role) as conn:
        if role == "owner":
            conn.execute("SET ROLE muniment_owner")
        conn.execute("SELECT set_config('muniment.tenant', %s, true)", [str(first.tenant)])
        for table in ("logs", "heads", "sources", "entries", "event_ids", "entry_controls", "bodies", "tenants"):
            found = conn.execute(f"SELECT DISTINCT tenant_id FROM ledger.{table}").fetchall()
            assert found == [(first.tenant,)], table
        conn.rollback()


def test_the_setting_ends_with_the_transaction(two):
    first, _ = two
    with first.database.connect("app", autocommit=True) as conn:
        with tenant_transaction(conn, first.tenant):
            assert conn.execute("SELECT count(*) FROM ledger.logs").fetchone() == (1,)
        assert conn.execute("SELECT count(*) FROM ledger.logs").fetchone() == (0,)


def test_the_owner_cannot_write_into_another_tenant(two):
    first, second = two
    with first.database.connect() as conn:
        conn.execute("SET ROLE muniment_owner")
        conn.execute("SELECT set_config('muniment.tenant', %s, true)", [str(first.tenant)])
        with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
            conn.execute(
                "INSERT INTO ledger.sources VALUES (%s, %s, %s, 'system', now())",
                [second.log, second.tenant, source_id()],
            )


EXECUTABLE = """
    SELECT p.proname FROM pg_proc p
    WHERE p.pronamespace = 'ledger'::regnamespace AND has_function_privilege(%s, p.oid, 'EXECUTE')
"""


def test_the_ingest_role_can_authenticate_ask_for_the_mapping_and_append_and_nothing_else(two):
    with two[0].database.connect() as conn:
        allowed = {name for (name,) in conn.execute(EXECUTABLE, ["muniment_ingest"]).fetchall()}
        assert allowed == {"append", "authenticate", "mapping_of_key"}
        assert {name for (name,) in conn.execute(EXECUTABLE, ["public"]).fetchall()} == set()
        for privilege in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"):
            tables = conn.execute(
                "SELECT oid::regclass::text FROM pg_class"
                " WHERE relnamespace = 'ledger'::regnamespace AND relkind IN ('r', 'p', 'S')"
                " AND has_table_privilege('muniment_ingest', oid, %s)",
                [privilege],
            ).fetchall()
            assert tables == []


@pytest.mark.parametrize("role", ["app", "ingest", "auditor"])
def test_no_serving_role_may_write_a_table_or_create_anything(two, role: str):
    with two[0].database.connect() as conn:
        for privilege in ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER", "REFERENCES"):
            tables = conn.execute(
                "SELECT oid::regclass::text FROM pg_class"
                " WHERE relnamespace = 'ledger'::regnamespace AND relkind IN ('r', 'p')"
                " AND has_table_privilege(%s, oid, %s)",
                [f"muniment_{role}", privilege],
            ).fetchall()
            assert tables == [], privilege
        rights = conn.execute(
            "SELECT has_schema_privilege(%(role)s, 'ledger', 'CREATE'),"
            " has_schema_privilege(%(role)s, 'public', 'CREATE'),"
            " has_database_privilege(%(role)s, current_database(), 'CREATE'),"
            " has_database_privilege(%(role)s, current_database(), 'TEMP'),"
            " pg_has_role(%(role)s, 'muniment_owner', 'MEMBER')",
            {"role": f"muniment_{role}"},
        ).fetchone()
        assert rights == (False,) * 5


def test_no_reading_role_sees_the_hashes_of_secrets(two):
    first, _ = two
    for role in ("app", "auditor"):
        with first.database.connect(role) as conn, pytest.raises(errors.InsufficientPrivilege):
            conn.execute("SELECT secret_hash FROM ledger.api_keys")


def test_every_function_that_acts_as_the_owner_or_guards_fixes_what_a_session_could_turn(two):
    with two[0].database.connect() as conn:
        rows = conn.execute(
            "SELECT p.proname, p.proconfig FROM pg_proc p WHERE p.pronamespace = 'ledger'::regnamespace"
            " AND (p.prosecdef OR p.prorettype = 'trigger'::regtype)"
        ).fetchall()
    assert len(rows) > 12
    for name, settings in rows:
        assert settings is not None, name
        assert "search_path=pg_catalog, pg_temp" in settings, name
        assert "standard_conforming_strings=on" in settings, name


def test_a_search_path_of_ones_own_changes_nothing(ledger: Ledger):
    """Functions of the same names, in a schema of the attacker's that comes first, are never called."""
    with ledger.database.connect(autocommit=True) as conn:
        conn.execute("CREATE SCHEMA trap; GRANT USAGE ON SCHEMA trap TO PUBLIC")
        for signature in ("sha256(bytea)", "convert_to(text, name)", "encode(bytea, text)"):
            kind = "text" if signature.startswith("encode") else "bytea"
            conn.execute(
                f"CREATE FUNCTION trap.{signature} RETURNS {kind} LANGUAGE plpgsql AS $$BEGIN RAISE 'trapped'; END$$"
            )
        conn.execute("CREATE FUNCTION trap.starts_with(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true'")
        conn.execute("CREATE TABLE trap.heads (n int)")
    with ledger.database.connect("ingest", autocommit=True) as conn:
        conn.execute("SET search_path = trap, ledger, pg_catalog")
        assert isinstance(ledger.append_on(conn, Submission(event()))[0], Recorded)


def test_a_session_of_another_zone_and_style_writes_the_same_text(ledger: Ledger):
    with ledger.database.connect("ingest", autocommit=True) as conn:
        conn.execute(
            "SET timezone = 'Asia/Kathmandu'; SET datestyle = 'German, DMY'; SET intervalstyle = 'sql_standard'"
        )
        conn.execute("SET bytea_output = 'escape'; SET extra_float_digits = -15; SET standard_conforming_strings = off")
        [outcome] = ledger.append_on(conn, Submission(event(labels=("a=\\b",), tool="back\\slash")))
    assert isinstance(outcome, Recorded)
    text = ledger.texts()[-1]
    assert b'"occurred_at":"2026-03-01T14:23:07.847291000Z"' in text
    assert b'"tool":"back\\\\slash"' in text


def test_backslashes_that_a_session_turns_into_escapes_do_not_loosen_the_grammar(ledger: Ledger):
    """With them `\\.` in a pattern would be any character, and `toolXcall` an action."""
    values = columns([Submission(event())], [()])
    values[2] = "toolXcall"
    with ledger.database.connect("ingest", autocommit=True) as conn:
        conn.execute("SET standard_conforming_strings = off")
        row = conn.execute(
            f"SELECT refused FROM ledger.append(%s, %s, %s, {PLACEHOLDERS})",
            [ledger.key.key_id, ledger.log, MAPPING, *values],
        ).fetchone()
    assert row is not None
    assert row[0][0]["field"] == "action"


def test_no_session_can_have_a_receipt_without_the_disk(ledger: Ledger):
    with ledger.database.connect("ingest") as conn:
        conn.execute("SET synchronous_commit = off")
        ledger.append_on(conn, Submission(event()))
        assert conn.execute("SHOW synchronous_commit").fetchone() == ("on",)


def test_a_key_does_not_open_another_tenants_log(two):
    first, second = two
    with pytest.raises(KeyRefused):
        second.append(Submission(event(source=Source(source_id()))), key=first.key.key_id)


@pytest.mark.parametrize("key", ["", "ak_01KAY9M2Z7Q4WXYH3J8V5T6R0C", "*", "system"])
def test_an_unknown_key_is_refused(two, key: str):
    with pytest.raises(KeyRefused):
        two[0].append(Submission(event()), key=key or " ")


def test_a_revoked_key_and_a_read_key_do_not_append(ledger: Ledger):
    with ledger.app() as app:
        reader = ledger.new_key(app, "read")
        seq = apikeys.revoke_api_key(app, by="system:muniment", log_id=ledger.log, key_id=ledger.key.key_id)
        again = apikeys.revoke_api_key(app, by="system:muniment", log_id=ledger.log, key_id=ledger.key.key_id)
    assert (seq, again) == (ledger.size() - 1, None)
    for key in (ledger.key, reader):
        with pytest.raises(KeyRefused):
            ledger.append(Submission(event()), key=key.key_id)


def test_a_transaction_in_one_tenant_cannot_be_led_into_another(two):
    first, second = two
    with second.app() as app, pytest.raises(WrongTenant), app.transaction():
        first.append_on(app, Submission(event()))


def test_the_ledger_is_written_at_read_committed_alone(ledger: Ledger):
    with ledger.database.connect("ingest") as conn:
        conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        with pytest.raises(WrongIsolation):
            ledger.append_on(conn, Submission(event()))


@pytest.mark.parametrize("by", ["key:ak_01KAY9M2Z7Q4WXYH3J8V5T6R0C", "system:", "user:x", 'system:x","a":"', "x", ""])
def test_the_server_cannot_write_in_the_name_of_a_key(ledger: Ledger, by: str):
    with ledger.app() as app, pytest.raises(KeyRefused), app.transaction():
        append_system(
            app, by=by, log_id=ledger.log, submissions=[Submission(event())], controls=[CONTROLS], mapping=MAPPING
        )


def test_the_server_writes_in_the_name_of_a_person(ledger: Ledger):
    by = "user:usr_01KAY9M2Z7Q4WXYH3J8V5T6R0C"
    with ledger.app() as app:
        [outcome] = append_system(
            app, by=by, log_id=ledger.log, submissions=[Submission(event())], controls=[CONTROLS], mapping=MAPPING
        )
    assert isinstance(outcome, Recorded)
    assert ledger.texts()[-1].startswith(b'{"by":"' + by.encode() + b'",')


def test_the_server_cannot_write_into_another_tenants_log(two):
    first, second = two
    with first.app() as app, pytest.raises(LogClosed), app.transaction():
        append_system(
            app,
            by="system:x",
            log_id=second.log,
            submissions=[Submission(event())],
            controls=[CONTROLS],
            mapping=MAPPING,
        )


def test_a_key_is_known_by_its_secret_alone(two):
    first, _ = two
    secret = first.key.token.split("_", 2)[2]
    with first.database.connect("ingest", autocommit=True) as conn:
        found = apikeys.authenticate(conn, first.key.key_id, apikeys.secret_hash(secret))
        assert found == apikeys.Authenticated(first.tenant, first.log, "append", first.origin)
        assert apikeys.authenticate(conn, first.key.key_id, apikeys.secret_hash(secret + "x")) is None
        assert apikeys.authenticate(conn, "ak_01KAY9M2Z7Q4WXYH3J8V5T6R0C", apikeys.secret_hash(secret)) is None
        assert apikeys.authenticate(conn, "*", apikeys.secret_hash(secret)) is None
        assert conn.execute(
            "SELECT current_setting('muniment.tenant', true), current_setting('muniment.lookup', true)"
        ).fetchone() == ("", "")


def test_looking_up_leaves_the_transactions_tenant_as_it_was(two):
    first, second = two
    secret = apikeys.secret_hash(second.key.token.split("_", 2)[2])
    with first.app() as app:
        assert apikeys.authenticate(app, second.key.key_id, secret) is not None
        found = tenants.tenant_by_slug(app, "second")
        assert found is not None
        assert found.tenant_id == second.tenant
        assert {log.log_id for log in tenants.all_logs(app)} == {first.log, second.log}
        assert app.execute("SELECT DISTINCT tenant_id FROM ledger.logs").fetchall() == [(first.tenant,)]


def test_the_lookup_setting_opens_nothing_to_the_roles_that_can_set_it(two):
    for role in ("app", "auditor"):
        with two[0].database.connect(role) as conn:
            conn.execute("SELECT set_config('muniment.lookup', '*', false)")
            assert conn.execute("SELECT count(*) FROM ledger.logs").fetchone() == (0,)
            assert conn.execute("SELECT count(*) FROM ledger.heads").fetchone() == (0,)


def test_a_taken_slug_or_origin_is_refused(ledger: Ledger):
    with pytest.raises(errors.UniqueViolation):
        Ledger(ledger.database, "acme")
    with ledger.app() as app, pytest.raises(Refused), app.transaction():
        tenants.create_tenant(app, slug="inside-another", name="x")
