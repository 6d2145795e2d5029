"""A ledger with entries, and people who look at it over HTTP and in a real browser."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import django
import httpx
import pytest

from tests.server.events import complete, ulid
from tests.support.browser import browser, visitor, visitors
from tests.support.people import Person, csrf_token, make_person
from tests.support.servers import Installation, Tenant

# Parts of the explorer are also tried by themselves. No database is asked in this process.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "muniment.server.settings")
django.setup()

__all__ = [
    "browser",
    "reader",
    "resident",
    "visitor",
    "visitors",
]


class Reader:
    """A member who is signed in, and the tenant's pages by their paths."""

    def __init__(self, tenant: Tenant, person: Person, client: httpx.Client) -> None:
        self.tenant = tenant
        self.person = person
        self.client = client
        self.slug = tenant.made.slug
        self.source = f"src_{ulid()}"

    def address(self, path: str) -> str:
        return f"{self.person.base}/t/{self.slug}{path}"

    def get(self, path: str, **settings: Any) -> httpx.Response:
        return self.client.get(f"/t/{self.slug}{path}", **settings)

    def post(self, path: str, fields: dict[str, str], **settings: Any) -> httpx.Response:
        token = csrf_token(self.get("/ledger?view=all"))
        return self.client.post(
            f"/t/{self.slug}{path}", data={"csrfmiddlewaretoken": token, **fields},
            headers={"Referer": self.address("/ledger")}, **settings,
        )  # fmt: skip

    def record(self, body: bytes = b'{"q":1}', **changes: object) -> tuple[int, str]:
        """Record an event; its place and its reference."""
        named = changes.pop("id", None)
        submission = complete(self.source, body, **changes)
        if named is not None:
            submission["event"]["id"] = named
        with self.tenant.client() as client:
            answer = client.post("/api/events", json=submission)
        assert answer.status_code == 201, answer.text
        return answer.json()["seq"], f"{self.source}/{submission['event']['id']}"

    def record_many(self, count: int, **changes: object) -> None:
        lines = [json.dumps(complete(self.source, b"{}", **changes)) for _ in range(count)]
        with self.tenant.client() as client:
            answer = client.post(
                "/api/events", content="\n".join(lines).encode(), headers={"Content-Type": "application/x-ndjson"}
            )
        assert answer.status_code == 201, answer.text

    def size(self) -> int:
        with self.tenant.in_database() as raw:
            row = raw.execute("SELECT size FROM ledger.heads WHERE log_id = %s", [self.tenant.made.log_id]).fetchone()
        assert row is not None
        return int(row[0])


@contextmanager
def reading(installation: Installation, tenant: Tenant, *roles: str, name: str = "Ada Byron") -> Iterator[Reader]:
    """Somebody with these roles (administrator, if none), signed in."""
    person = make_person(installation, tenant, *roles, name=name)
    with person.signed_in() as client:
        yield Reader(tenant, person, client)


@pytest.fixture
def reader(installation: Installation, tenant: Tenant) -> Iterator[Reader]:
    with reading(installation, tenant) as someone:
        yield someone


@pytest.fixture(scope="module")
def resident(installation: Installation) -> Iterator[Reader]:
    """A reader for tests that change nothing, with one entry of a source."""
    with reading(installation, installation.tenant()) as someone:
        someone.record()
        installation.seal()
        yield someone


def seqs_in(page: httpx.Response) -> list[int]:
    """The places of the rows that a page shows."""
    return [int(part.split('"', 1)[0]) for part in page.text.split('<tr data-seq="')[1:]]
