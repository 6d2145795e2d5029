"""A ledger with entries of several agents, and reviewers who count, draw and mark."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from muniment.ledger.connection import tenant_transaction
from muniment.ledger.mappings import add_controls
from tests.server.events import complete, ulid
from tests.support.people import Person, csrf_token, make_person
from tests.support.servers import Installation, Tenant

__all__ = ["desk"]


@dataclass
class Desk:
    """A tenant with a sealed log, a key that reads it, and the key's source."""

    installation: Installation
    tenant: Tenant
    source: str
    reading: httpx.Client

    def record(self, count: int, **changes: object) -> list[int]:
        """Record events of the source; their places."""
        lines = [json.dumps(complete(self.source, b"{}", **changes)) for _ in range(count)]
        with self.tenant.client() as client:
            answer = client.post(
                "/api/events", content="\n".join(lines).encode(), headers={"Content-Type": "application/x-ndjson"}
            )
        assert answer.status_code == 201, answer.text
        return [one["seq"] for one in answer.json()["results"]]

    def seal(self) -> None:
        self.installation.seal()

    def get(self, path: str, **parameters: Any) -> Any:
        answer = self.reading.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, status: int = 201, **body: Any) -> Any:
        answer = self.reading.post(path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    def save(self, name: str = "Calls", **question: str) -> Any:
        return self.post("/api/populations", name=name, question=question)

    def draw(self, population: str, **order: Any) -> Any:
        return self.post(f"/api/populations/{population}/samples", **order)

    def entries(self, **filters: str) -> list[Any]:
        """Entries of the ledger, oldest first."""
        found: list[Any] = self.get("/api/entries", order="oldest", **filters)["entries"]
        return found

    def reviewer(self, *roles: str) -> Person:
        return make_person(self.installation, self.tenant, *roles)


@dataclass
class Reviewer:
    """Somebody who is signed in, with the API and the pages by their paths."""

    desk: Desk
    client: httpx.Client

    def address(self, path: str) -> str:
        return f"/t/{self.desk.tenant.made.slug}{path}"

    def get(self, path: str) -> httpx.Response:
        return self.client.get(self.address(path))

    def post(self, path: str, **body: Any) -> httpx.Response:
        token = self.client.cookies.get("csrftoken", "")
        return self.client.post(
            self.address(path), json=body, headers={"X-CSRFToken": str(token), "Referer": str(self.client.base_url)}
        )

    def submit(self, path: str, page: str, **fields: Any) -> httpx.Response:
        """Send a form of a page."""
        token = csrf_token(self.get(page))
        return self.client.post(
            self.address(path),
            data={"csrfmiddlewaretoken": token, **fields},
            headers={"Referer": f"{self.client.base_url}{self.address(page)}"},
        )


@pytest.fixture
def desk(installation: Installation, tenant: Tenant) -> Iterator[Desk]:
    with installation.database.connect("app", autocommit=True) as raw, tenant_transaction(raw, tenant.made.tenant_id):
        add_controls(raw, [f"own:{number}" for number in range(10)])
    with tenant.client("read") as reading:
        yield Desk(installation, tenant, f"src_{ulid()}", reading)


@pytest.fixture
def reviewer(desk: Desk) -> Iterator[Reviewer]:
    """An analyst."""
    with desk.reviewer("analyst").signed_in() as client:
        yield Reviewer(desk, client)
