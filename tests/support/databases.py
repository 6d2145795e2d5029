"""Real databases for tests: one embedded cluster for each test process, one cheap database for each test."""

import itertools
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from muniment.ledger.embedded import SUPERUSER, EmbeddedPostgres, reachable_directory
from muniment.ledger.roles import LOGIN_ROLES, create_roles
from muniment.server.migrate import migrate
from tests.support.keeper import kept

TEMPLATE = "muniment_template"
PASSWORDS = {role: f"password of {role}" for role in LOGIN_ROLES}

_STOP = (
    "import sys; from pathlib import Path; from muniment.ledger.embedded import EmbeddedPostgres; "
    "EmbeddedPostgres(Path(sys.argv[1])).stop()"
)

# The machine does not lose power during a test. Tests of durability start clusters of their own, with real settings.
UNSAFE_AND_FAST: Mapping[str, str] = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "128MB"}

_COST_IS_SETTABLE = 160000


@dataclass(frozen=True)
class Database:
    """One database of the test cluster.

    Roles: `superuser` (or `owner`, the same connection: the owner itself cannot log in), `migrator`, `app`, `ingest`,
    `auditor`.
    """

    cluster: EmbeddedPostgres
    name: str

    def url(self, role: str = "superuser") -> str:
        if role in ("superuser", "owner"):
            return self.cluster.url(database=self.name)
        password = next(password for known, password in PASSWORDS.items() if known == role)
        return self.cluster.url(user=f"muniment_{role}", password=password, database=self.name)

    def connect(self, role: str = "superuser", *, autocommit: bool = False) -> psycopg.Connection:
        return psycopg.connect(self.url(role), autocommit=autocommit)


class Databases:
    """Makes databases from a migrated template."""

    def __init__(self, cluster: EmbeddedPostgres) -> None:
        self.cluster = cluster
        self._numbers = itertools.count(1)
        self._admin("CREATE DATABASE muniment_template")
        with Database(cluster, TEMPLATE).connect() as connection:
            create_roles(connection, PASSWORDS)
            connection.execute("GRANT muniment_owner TO CURRENT_USER")
        migrate(Database(cluster, TEMPLATE).url("migrator"))

    @contextmanager
    def fresh(self, *, template: str = TEMPLATE) -> Iterator[Database]:
        database = Database(self.cluster, f"test_{os.getpid()}_{next(self._numbers)}")
        self._admin(f"CREATE DATABASE {database.name} TEMPLATE {template} STRATEGY FILE_COPY")
        with database.connect(autocommit=True) as connection:
            # A copied database does not take its template's grants along.
            create_roles(connection, PASSWORDS)
        try:
            yield database
        finally:
            self._admin(f"DROP DATABASE {database.name} WITH (FORCE)")

    def _admin(self, statement: str) -> None:
        with psycopg.connect(self.cluster.url(user=SUPERUSER), autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def running_cluster() -> Iterator[EmbeddedPostgres]:
    directory = reachable_directory("muniment-tests-")
    cluster = EmbeddedPostgres(directory / "postgres", settings=UNSAFE_AND_FAST)
    with kept(directory, [sys.executable, "-c", _STOP, str(cluster.directory)]):
        cluster.start()
        _cheapen(cluster)
        yield cluster


def _cheapen(cluster: EmbeddedPostgres) -> None:
    """Let passwords cost next to nothing: tests give them tens of thousands of times, and nobody guesses them."""
    password = str(conninfo_to_dict(cluster.url())["password"])
    with psycopg.connect(cluster.url(), autocommit=True) as connection:
        if connection.info.server_version < _COST_IS_SETTABLE:
            return
        connection.execute("ALTER SYSTEM SET scram_iterations = 1")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("SET scram_iterations = 1")
        verifier = connection.pgconn.encrypt_password(password.encode(), SUPERUSER.encode(), b"scram-sha-256")
        change = sql.SQL("ALTER ROLE {} PASSWORD {}")
        connection.execute(change.format(sql.Identifier(SUPERUSER), sql.Literal(verifier.decode())))
