"""Real servers on loopback over real databases; each test has tenants of its own."""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg

from muniment.keys import KeyRing
from muniment.ledger.apikeys import Scope, create_api_key
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.heads import HeadDirectory
from muniment.ledger.seal import Sealer
from muniment.server.installation_tenants import NewTenant, create_tenant_with_log
from muniment.server.runtime import JobState, Places, write_jobs
from muniment.server.tenants.identifiers import INSTALLATION_SLUG
from tests.support.databases import Database, Databases

# As `muniment up` serves, but without its background process (tests seal and walk when they want to), and with
# passwords that cost next to nothing: hundreds of people sign in, and what a password costs has tests of its own.
SERVE = """
import socket, sys
from django.contrib.auth.hashers import Argon2PasswordHasher as Cost
Cost.time_cost, Cost.memory_cost, Cost.parallelism = 1, 8, 1
from muniment.server.runtime import Places
from muniment.server.runtime_http import HttpServer
HttpServer(Places.of(), socket.socket(fileno=int(sys.argv[1]))).serve_until_stopped()
"""


@dataclass(frozen=True)
class Installation:
    """A running server.

    Attributes:
        url: where it answers.
        database: what it writes to.
        places: its home.
    """

    url: str
    database: Database
    places: Places

    def tenant(self, *, public_verify: bool = True) -> "Tenant":
        slug = f"t{secrets.token_hex(6)}"
        with self.database.connect("app", autocommit=True) as connection:
            made = create_tenant_with_log(
                connection,
                self.places,
                slug=slug,
                name="A tenant of the tests",
                public_verify=public_verify,
                seal_within=5,
                scopes=("append", "read"),
            )
        return Tenant(self, made)

    def seal(self) -> None:
        with self.database.connect("app", autocommit=True) as connection:
            Sealer(KeyRing(self.places.keys), HeadDirectory(self.places.heads)).round(connection)

    def say_that_sealing_works(self) -> None:
        write_jobs(self.places, [JobState("sealing", time.time(), time.time(), 0, "", "")])


@dataclass(frozen=True)
class Tenant:
    installation: Installation
    made: NewTenant

    @property
    def origin(self) -> str:
        return self.made.origin

    def client(self, scope: Scope = "append") -> httpx.Client:
        return client_with(self.installation.url, self.made.tokens[scope])

    def with_token(self, token: str | None) -> httpx.Client:
        return client_with(self.installation.url, token)

    def new_key(self, scope: Scope) -> tuple[str, str]:
        """Another key of the log: its id and its token."""
        with (
            self.installation.database.connect("app", autocommit=True) as connection,
            tenant_transaction(connection, self.made.tenant_id),
        ):
            key = create_api_key(connection, by="system:test", log_id=self.made.log_id, scope=scope, label="another")
        return key.key_id, key.token

    def in_database(self) -> "psycopg.Connection":
        return self.installation.database.connect("superuser", autocommit=True)


def client_with(url: str, token: str | None) -> httpx.Client:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return httpx.Client(verify=False, base_url=url, headers=headers, timeout=30, trust_env=False)


@contextmanager
def serving(
    database: Database, places: Places, log: Path, *arguments: str, program: str = SERVE, **settings: str
) -> Iterator[Installation]:
    """A server process, for as long as the block.

    Args:
        log: file for what it says.
        arguments: for the program, behind the number of its listening socket.
        program: Python that serves.
        settings: variables of its environment, which win over the usual ones.
    """
    with socket.socket() as listening, log.open("wb") as said:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(listening.fileno()), *arguments],
            env={
                **os.environ,
                **places.environment(),
                "MUNIMENT_APP_URL": database.url("app"),
                "MUNIMENT_INGEST_URL": database.url("ingest"),
                "MUNIMENT_HOSTS": "localhost,127.0.0.1,.localhost",
                **settings,
            },
            pass_fds=[listening.fileno()],
            stdout=said,
            stderr=said,
        )
        try:
            _wait(url, process, log)
            yield Installation(url, database, places)
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def installed(
    databases: Databases, home: Path, *arguments: str, program: str = SERVE, **settings: str
) -> Iterator[Installation]:
    """A server with a home, keys and a database of its own; the rest as `serving`."""
    places = Places(home, home / "keys", home / "heads")
    places.make()
    KeyRing.create(places.keys, root_name="test-root", region_name="test-region")
    with databases.fresh() as database:
        with database.connect("app", autocommit=True) as connection:
            create_tenant_with_log(
                connection, places, slug=INSTALLATION_SLUG, name="This installation", public_verify=False
            )
        with serving(database, places, home / "server.log", *arguments, program=program, **settings) as made:
            yield made


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/healthz", timeout=5, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"the server did not start: {log.read_text()}")
