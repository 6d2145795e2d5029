"""A throw-away installation with a sample, as `muniment up --sample` leaves it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from muniment.ledger.connection import tenant_transaction
from muniment.ledger.tenants import tenant_by_slug
from muniment.server.installation import DATABASE, embedded_postgres
from muniment.server.runtime import Places
from tests.support.installations import Installation, installation


@dataclass(frozen=True)
class Site:
    """A running installation, as `tests.support.people` takes one.

    Attributes:
        running: its home.
        said: what its start printed.
    """

    running: Installation
    said: str

    @property
    def url(self) -> str:
        return self.running.server().url

    @property
    def origin(self) -> str:
        """Under the name that cookies and passkeys belong to."""
        return self.url.replace("127.0.0.1", "localhost")

    @property
    def places(self) -> Places:
        return self.running.places

    @property
    def database(self) -> Any:
        return self

    @property
    def setup_link(self) -> str:
        """The one-time link that the first start printed."""
        found = re.search(r"http://localhost:\d+/setup\?token=\S+", self.said)
        assert found is not None, self.said
        return found[0]

    def connect(self, role: str, *, autocommit: bool = False) -> psycopg.Connection[Any]:
        if role == "superuser":
            url = embedded_postgres(self.places).url(database=DATABASE)
        else:
            url = (self.places.urls / f"{role}.url").read_text(encoding="utf-8").strip()
        return psycopg.connect(url, autocommit=autocommit)

    def tenant(self, slug: str) -> tuple[UUID, str]:
        with self.connect("app", autocommit=True) as connection:
            row = tenant_by_slug(connection, slug)
        assert row is not None, slug
        return row.tenant_id, slug

    def delegation(self) -> int:
        """The place of an entry of the sample that has causes, effects and a body."""
        tenant_id, _ = self.tenant("sample")
        with self.connect("app", autocommit=True) as connection, tenant_transaction(connection, tenant_id):
            row = connection.execute("SELECT min(seq) FROM ledger.entries WHERE action = 'agent.delegate'").fetchone()
        assert row is not None
        return int(row[0])


@contextmanager
def site() -> Iterator[Site]:
    """Start it; stop it and remove its files at the end."""
    with installation() as made:
        yield Site(made, made.run("up", "--detach", "--sample"))
