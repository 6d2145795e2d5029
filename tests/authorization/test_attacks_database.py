"""The application's role against row level security: whatever SQL it is made to run, it sees one tenant or none."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from tests.authorization.world import CANARY, World
from tests.support.servers import Installation

Connection = psycopg.Connection[tuple[object, ...]]
OWN_SCHEMAS = ("django", "ledger")


@pytest.fixture(scope="module")
def world(installation: Installation) -> World:
    made = World(installation, installation.tenant(), installation.tenant())
    made.plant()
    return made


@pytest.fixture(scope="module")
def tables(world: World) -> list[tuple[str, str]]:
    """Every table of ours that has a tenant's rows, read from the catalog."""
    with world.installation.database.connect("superuser", autocommit=True) as raw:
        rows = raw.execute(
            "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' "
            "WHERE n.nspname = ANY(%s) AND c.relkind IN ('r', 'p') ORDER BY 1, 2",
            [list(OWN_SCHEMAS)],
        ).fetchall()
    found = [(str(schema), str(name)) for schema, name in rows]
    assert len(found) > 25
    return found


@pytest.fixture
def app(world: World) -> Iterator[Connection]:
    with world.installation.database.connect("app", autocommit=True) as connection:
        yield connection


def named(table: tuple[str, str]) -> sql.Identifier:
    return sql.Identifier(*table)


def enter(connection: Connection, tenant_id: UUID | str) -> None:
    connection.execute("SELECT set_config('muniment.tenant', %s, true)", [str(tenant_id)])


def readable(connection: Connection, tables: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The tables of which the role may read the column `tenant_id`."""
    may = "SELECT has_column_privilege(%s::regclass, 'tenant_id', 'SELECT')"
    return [table for table in tables if connection.execute(may, [".".join(table)]).fetchone() == (True,)]


def count(connection: Connection, statement: sql.Composed) -> int:
    row = connection.execute(statement).fetchone()
    assert row is not None
    return int(str(row[0]))


READS = {
    "plain": "SELECT count(tenant_id) FROM {t}",
    "of theirs": "SELECT count(tenant_id) FROM {t} WHERE tenant_id = {theirs}",
    "or true": "SELECT count(tenant_id) FROM {t} WHERE tenant_id = {theirs} OR true",
    "subselect": "SELECT count(x) FROM (SELECT (SELECT max(tenant_id::text) FROM {t} WHERE tenant_id = {theirs}) x) s",
    "join": "SELECT count(b.tenant_id) FROM (VALUES ({theirs})) v(id) JOIN {t} b ON b.tenant_id = v.id",
    "outer join": "SELECT count(b.tenant_id) FROM (VALUES ({theirs})) v(id) LEFT JOIN {t} b ON b.tenant_id = v.id",
    "cte": "WITH w AS MATERIALIZED (SELECT tenant_id FROM {t}) SELECT count(*) FROM w WHERE tenant_id = {theirs}",
    "exists": "SELECT count(*) FROM (VALUES ({theirs})) v(id) WHERE EXISTS (SELECT FROM {t} WHERE tenant_id = v.id)",
    "lateral": "SELECT count(*) FROM (VALUES ({theirs})) v(id), LATERAL (SELECT FROM {t} WHERE tenant_id = v.id) l",
    "union": "SELECT count(*) FROM (SELECT tenant_id FROM {t} WHERE tenant_id = {theirs} UNION ALL "
    "SELECT tenant_id FROM {t} WHERE tenant_id <> {ours}) u",
}


@pytest.mark.parametrize("shape", sorted(READS))
@pytest.mark.parametrize("scope", ["no tenant", "an empty name", "ours"])
def test_no_read_shows_another_tenants_row(
    world: World, app: Connection, tables: list[tuple[str, str]], shape: str, scope: str
) -> None:
    seen = []
    asked = readable(app, tables)
    assert len(asked) > 20
    for table in asked:
        with app.transaction():
            if scope == "ours":
                enter(app, world.ours.made.tenant_id)
            elif scope == "an empty name":
                enter(app, "")
            statement = sql.SQL(READS[shape]).format(
                t=named(table),
                theirs=sql.Literal(str(world.theirs.made.tenant_id)) + sql.SQL("::uuid"),
                ours=sql.Literal(str(world.ours.made.tenant_id)) + sql.SQL("::uuid"),
            )
            found = count(app, statement)
            if scope == "ours" and shape in ("plain", "or true"):
                # Our own rows alone.
                found -= count(
                    app,
                    sql.SQL("SELECT count(tenant_id) FROM {} WHERE tenant_id = {}::uuid").format(
                        named(table), sql.Literal(str(world.ours.made.tenant_id))
                    ),
                )
        if found:
            seen.append(f"{table}: {found}")
    assert not seen


def test_theirs_are_there_to_be_seen_in_their_own_scope(
    world: World, app: Connection, tables: list[tuple[str, str]]
) -> None:
    empty = []
    for table in readable(app, tables):
        if table[0] != "django":
            continue
        with app.transaction():
            enter(app, world.theirs.made.tenant_id)
            if not count(app, sql.SQL("SELECT count(tenant_id) FROM {}").format(named(table))):
                empty.append(table)
    assert not empty, "a table that holds nothing proves nothing"


def test_copy_shows_no_more_than_select(world: World, app: Connection, tables: list[tuple[str, str]]) -> None:
    for table in readable(app, tables):
        with app.transaction():
            enter(app, world.ours.made.tenant_id)
            statement = sql.SQL("COPY (SELECT tenant_id FROM {} WHERE tenant_id = {}::uuid) TO STDOUT").format(
                named(table), sql.Literal(str(world.theirs.made.tenant_id))
            )
            with app.cursor().copy(statement) as copy:
                assert b"".join(bytes(chunk) for chunk in copy) == b"", table
        # The table itself, as a whole, is refused or filtered as well.
        with app.transaction():
            try:
                with app.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(named(table))) as copy:
                    assert b"".join(bytes(chunk) for chunk in copy) == b"", table
            except psycopg.errors.InsufficientPrivilege:
                continue


WRITES = {
    "update theirs": "UPDATE {t} SET tenant_id = tenant_id WHERE tenant_id = {theirs}",
    "update all": "UPDATE {t} SET tenant_id = tenant_id WHERE tenant_id <> {ours}",
    "delete theirs": "DELETE FROM {t} WHERE tenant_id = {theirs}",
    "delete by join": "DELETE FROM {t} USING (VALUES ({theirs})) v(id) WHERE tenant_id = v.id",
}
MOVES = {
    "give ours away": "UPDATE {t} SET tenant_id = {theirs}",
    "truncate": "TRUNCATE {t}",
    "switch it off": "ALTER TABLE {t} DISABLE ROW LEVEL SECURITY",
    "no longer force it": "ALTER TABLE {t} NO FORCE ROW LEVEL SECURITY",
    "a policy of one's own": "CREATE POLICY mine ON {t} USING (true)",
    "a trigger": "CREATE TRIGGER mine BEFORE UPDATE ON {t} FOR EACH ROW "
    "EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "a reference": "CREATE TEMP TABLE r (id uuid REFERENCES {t} (tenant_id))",
    "a rule": "CREATE RULE mine AS ON INSERT TO {t} DO INSTEAD NOTHING",
    "a grant": "GRANT ALL ON {t} TO PUBLIC WITH GRANT OPTION",
}


@pytest.mark.parametrize("write", sorted(WRITES))
def test_no_write_touches_another_tenants_row(
    world: World, app: Connection, tables: list[tuple[str, str]], write: str
) -> None:
    for table in tables:
        for scope in (None, world.ours.made.tenant_id):
            try:
                with app.transaction():
                    if scope is not None:
                        enter(app, scope)
                    statement = sql.SQL(WRITES[write]).format(
                        t=named(table),
                        theirs=sql.Literal(str(world.theirs.made.tenant_id)) + sql.SQL("::uuid"),
                        ours=sql.Literal(str(world.ours.made.tenant_id)) + sql.SQL("::uuid"),
                    )
                    assert app.execute(statement).rowcount == 0, table
            except psycopg.errors.InsufficientPrivilege:
                continue


@pytest.mark.parametrize("move", sorted(MOVES))
def test_what_would_take_a_table_out_of_its_isolation_is_refused(
    world: World, app: Connection, tables: list[tuple[str, str]], move: str
) -> None:
    done = []
    for table in tables:
        statement = sql.SQL(MOVES[move]).format(
            t=named(table), theirs=sql.Literal(str(world.theirs.made.tenant_id)) + sql.SQL("::uuid")
        )
        try:
            with app.transaction():
                enter(app, world.ours.made.tenant_id)
                changed = app.execute(statement).rowcount
                if move != "give ours away" or changed:
                    done.append(table)
                raise psycopg.Rollback
        except psycopg.Error:
            continue
    assert not done


def test_a_row_cannot_be_written_into_another_tenant(
    world: World, app: Connection, tables: list[tuple[str, str]]
) -> None:
    wrong = []
    for schema, name in tables:
        if schema != "django":
            continue
        with world.installation.database.connect("superuser", autocommit=True) as raw:
            columns = [
                str(row[0])
                for row in raw.execute(
                    "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s "
                    "AND is_identity = 'NO'",
                    [schema, name],
                ).fetchall()
            ]
        taken = sql.SQL(", ").join(
            sql.Literal(str(world.theirs.made.tenant_id)) + sql.SQL("::uuid")
            if column == "tenant_id"
            else sql.Identifier(column)
            for column in columns
        )
        # A row of ours as it stands, only under their name: the policy speaks before any other rule of the table does.
        _seed(world, (schema, name))
        try:
            with app.transaction():
                enter(app, world.ours.made.tenant_id)
                app.execute(
                    sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(
                        sql.Identifier(schema, name),
                        sql.SQL(", ").join(map(sql.Identifier, columns)),
                        taken,
                        sql.Identifier(schema, name),
                    )
                )
        except psycopg.errors.InsufficientPrivilege:
            continue
        wrong.append(name)
    assert not wrong


def _seed(world: World, table: tuple[str, str]) -> None:
    """One row of ours in a table, made of one of theirs, if we have none."""
    with world.installation.database.connect("superuser", autocommit=True) as raw:
        ours = [str(world.ours.made.tenant_id)]
        found = raw.execute(
            sql.SQL("SELECT 1 FROM {} WHERE tenant_id = %s LIMIT 1").format(named(table)), ours
        ).fetchone()
        if found is None:
            raw.execute(sql.SQL("SET session_replication_role = replica"))
            raw.execute(
                # Theirs, and nobody else's: the server of these tests goes on being used by others.
                sql.SQL(
                    "UPDATE {t} SET tenant_id = %s WHERE ctid = (SELECT min(ctid) FROM {t} WHERE tenant_id = %s)"
                ).format(t=named(table)),
                [*ours, str(world.theirs.made.tenant_id)],
            )


@pytest.mark.parametrize("value", ["", "%", "*", "_", "'' OR true --", "null", CANARY + "%", "usr_%", "{}"])
@pytest.mark.parametrize("setting", ["muniment.user", "muniment.lookup"])
def test_a_lookup_is_for_one_name_and_not_for_patterns(
    world: World, app: Connection, tables: list[tuple[str, str]], setting: str, value: str
) -> None:
    for table in readable(app, tables):
        with app.transaction():
            app.execute("SELECT set_config(%s, %s, true)", [setting, value])
            assert count(app, sql.SQL("SELECT count(tenant_id) FROM {}").format(named(table))) == 0, table


def test_both_lookups_at_once_find_what_they_name_and_write_nothing(world: World, app: Connection) -> None:
    with world.installation.database.connect("superuser", autocommit=True) as raw:
        row = raw.execute("SELECT host FROM django.tenants_host LIMIT 1").fetchone()
        assert row is not None
    with app.transaction():
        app.execute("SELECT set_config('muniment.lookup', %s, true)", [row[0]])
        app.execute("SELECT set_config('muniment.user', %s, true)", [CANARY])
        assert app.execute("SELECT host FROM django.tenants_host").fetchall() == [row]
        assert app.execute("SELECT * FROM django.members_invitation").fetchall() == []
        assert {found[0] for found in app.execute("SELECT user_id FROM django.members_membership").fetchall()} <= {
            CANARY
        }
        assert app.execute("UPDATE django.tenants_host SET slug = 'stolen'").rowcount == 0
        assert app.execute("DELETE FROM django.members_membership").rowcount == 0
        assert app.execute("SELECT host FROM django.tenants_host FOR UPDATE").fetchall() == []


@pytest.mark.parametrize(
    "statement",
    [
        "SET ROLE muniment_owner",
        "SET ROLE muniment_migrator",
        "SET ROLE muniment_ingest",
        "SET ROLE postgres",
        "SET SESSION AUTHORIZATION muniment_owner",
        "SET session_replication_role = replica",
        "CREATE SCHEMA mine",
        "CREATE TABLE django.mine (id int)",
        "CREATE TABLE public.mine (id int)",
        "CREATE TEMP TABLE mine (id int)",
        "CREATE TEMP VIEW mine AS SELECT tenant_id FROM django.members_membership",
        "CREATE FUNCTION pg_temp.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE VIEW ledger.mine AS SELECT 1",
        "CREATE FUNCTION django.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE EXTENSION dblink",
        "ALTER ROLE muniment_app BYPASSRLS",
        "SELECT pg_read_file('/etc/passwd')",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT lo_import('/etc/passwd')",
        "SELECT nextval('django.sso_arrival_id_seq')",
        "SELECT nextval('ledger.logs_log_id_seq')",
        "SELECT setval('django.tenants_datakey_id_seq', 1)",
    ],
)
def test_the_role_cannot_become_more_than_it_is(world: World, app: Connection, statement: str) -> None:
    with app.transaction(force_rollback=True):
        enter(app, world.ours.made.tenant_id)
        with pytest.raises(psycopg.Error):
            app.execute(statement)


def test_switching_row_security_off_gives_an_error_and_no_rows(
    world: World, app: Connection, tables: list[tuple[str, str]]
) -> None:
    for table in readable(app, tables):
        with app.transaction(force_rollback=True):
            app.execute("SET LOCAL row_security = off")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(sql.SQL("SELECT tenant_id FROM {}").format(named(table)))


def test_a_condition_that_fails_on_their_rows_is_not_asked_about_them(
    world: World, app: Connection, tables: list[tuple[str, str]]
) -> None:
    """An error, or its absence, would tell whether a row is there."""
    for table in readable(app, tables):
        with app.transaction():
            enter(app, world.ours.made.tenant_id)
            count(
                app,
                sql.SQL("SELECT count(tenant_id) FROM {} WHERE 1 / (tenant_id <> {}::uuid)::int = 1").format(
                    named(table), sql.Literal(str(world.theirs.made.tenant_id))
                ),
            )


def test_the_planners_statistics_of_tenant_tables_are_closed(
    world: World, app: Connection, tables: list[tuple[str, str]]
) -> None:
    with world.installation.database.connect("superuser", autocommit=True) as raw:
        for table in tables:
            raw.execute(sql.SQL("ANALYZE {}").format(named(table)))
    shown = app.execute(
        "SELECT DISTINCT tablename FROM pg_stats "
        "WHERE (schemaname, tablename) IN (SELECT * FROM unnest(%s::text[], %s::text[]))",
        [[schema for schema, _ in tables], [name for _, name in tables]],
    ).fetchall()
    assert shown == []


def test_what_the_owners_functions_give_without_a_tenant_names_no_tenants_content(
    world: World, app: Connection
) -> None:
    """Functions that run as the owner are the only way past a policy: each that answers without a tenant is known."""
    with world.installation.database.connect("superuser", autocommit=True) as raw:
        rows = raw.execute(
            "SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
            "WHERE n.nspname = ANY(%s) AND p.prosecdef AND has_function_privilege('muniment_app', p.oid, 'EXECUTE') "
            "AND p.pronargs <= 2 AND NOT EXISTS (SELECT FROM unnest(p.proargnames) a WHERE a IN ('p_log', 'p_by'))",
            [list(OWN_SCHEMAS)],
        ).fetchall()
    assert {str(name) for (name,) in rows} == {
        "add_controls",
        "all_logs",
        "authenticate",
        "create_partitions",
        "log_by_origin",
        "months_ready",
        "tenant_by_slug",
    }
    for (statement,) in (
        ("SELECT to_json(f)::text FROM ledger.all_logs() f",),
        (f"SELECT to_json(f)::text FROM ledger.tenant_by_slug('{world.theirs.made.slug}') f",),
        (f"SELECT to_json(f)::text FROM ledger.log_by_origin('{world.theirs.origin}') f",),
    ):
        shown = app.execute(statement).fetchall()
        assert shown
        assert CANARY not in str(shown)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), app.transaction():
        app.execute("SELECT ledger.add_controls(ARRAY['own:AI-7'])")


def test_every_function_of_the_owner_has_a_search_path_of_its_own(world: World) -> None:
    with world.installation.database.connect("superuser", autocommit=True) as raw:
        rows = raw.execute(
            "SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = ANY(%s) "
            "AND p.prosecdef AND NOT coalesce(p.proconfig, '{}') @> ARRAY['search_path=pg_catalog, pg_temp']",
            [list(OWN_SCHEMAS)],
        ).fetchall()
    assert rows == []


def test_a_function_asked_about_their_log_in_our_scope_refuses(world: World, app: Connection) -> None:
    log_id = world.theirs.made.log_id
    for statement in (
        f"SELECT * FROM ledger.create_api_key('user:usr_x', {log_id}, 'ak_01ARZ3NDEKTSV4RRFFQ69G5FAV', 'read', "
        "'\\x00'::bytea, 'mine', 'm', '')",
        f"SELECT * FROM ledger.set_public_verify('system:x', {log_id}, true, 'm', '')",
        f"SELECT * FROM ledger.erase_body('system:x', {log_id}, 1, 'm', '')",
        f"SELECT * FROM ledger.revoke_api_key('system:x', {log_id}, 'ak_01ARZ3NDEKTSV4RRFFQ69G5FAV', 'm', '')",
        f"SELECT * FROM ledger.next_keys_note({log_id})",
    ):
        for scope in (None, world.ours.made.tenant_id):
            with world.installation.database.connect("superuser", autocommit=True) as raw:
                before = raw.execute("SELECT size FROM ledger.heads WHERE log_id = %s", [log_id]).fetchone()
            try:
                with app.transaction():
                    if scope is not None:
                        enter(app, scope)
                    rows = app.execute(statement).fetchall()
                assert all(set(row) == {None} for row in rows), (statement, rows)
            except psycopg.Error:
                pass
            with world.installation.database.connect("superuser", autocommit=True) as raw:
                after = raw.execute("SELECT size FROM ledger.heads WHERE log_id = %s", [log_id]).fetchone()
            assert before == after, statement
