"""A tenant whose controls are looked after: somebody who may, a source, and the ledger's own answers."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from psycopg import Connection

from muniment.ledger.connection import tenant_transaction
from tests.controls.conftest import service_token
from tests.populations.conftest import Desk, desk, reviewer
from tests.support.servers import Tenant, client_with

__all__ = ["desk", "reviewer"]

TABLE = "id,label,text\nA.1,Lights,The lamps burn at night\nA.2,Doors,The doors are shut\n"


def overrides(name: str = "ours", **tables: Any) -> dict[str, Any]:
    """A document of overrides."""
    return {"format": "muniment-mapping/1", "name": name, "base": "base-1", "notes": "notes-1", **tables}


def packed(text: str | bytes) -> str:
    """A file as the API takes it."""
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


@dataclass
class Office:
    """A program that may do what an analyst may."""

    desk: Desk
    token: str

    def api(self, method: str, path: str, status: int = 200, **body: Any) -> Any:
        """An operation."""
        with client_with(self.desk.installation.url, self.token) as client:
            answer = client.request(method, path, json=body or None)
        assert answer.status_code == status, answer.text
        return answer.json()

    def bring_in(self, text: str | bytes, status: int = 201, name: str = "file.csv", **order: Any) -> Any:
        return self.api("POST", "/api/catalogs", status, name=name, file=packed(text), **order)

    def map(self, document: dict[str, Any] | None, status: int = 200, **more: Any) -> Any:
        replaces = more.pop("replaces", None) or self.api("GET", "/api/mapping")["version"]
        return self.api("PUT", "/api/mapping", status, document=document, replaces=replaces, **more)


@pytest.fixture
def office(desk: Desk) -> Office:
    return Office(desk, service_token(desk, "analyst"))


def entry_of(desk: Desk, seq: int) -> Any:
    """An entry's text as JSON."""
    return desk.get(f"/api/entries/{seq}")["entry"]


@contextmanager
def inside(tenant: Tenant) -> Iterator[Connection[Any]]:
    """The application's role in a transaction of the tenant."""
    with (
        tenant.installation.database.connect("app", autocommit=True) as raw,
        tenant_transaction(raw, tenant.made.tenant_id),
    ):
        yield raw


def record(tenant: Tenant, *events: dict[str, Any]) -> list[Any]:
    """What the ledger answers for events that are posted together."""
    with tenant.client() as client:
        answer = client.post(
            "/api/events", content="\n".join(json.dumps(one) for one in events).encode(),
            headers={"Content-Type": "application/x-ndjson"},
        )  # fmt: skip
    found: list[Any] = answer.json()["results"]
    return found
