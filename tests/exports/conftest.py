"""A ledger with entries of several kinds, and a key that takes them out."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.server.events import complete, ulid
from tests.support.servers import Installation, Tenant

__all__ = ["taker"]


@dataclass
class Taker:
    """A tenant with a log, a key that reads it, and the key's source."""

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

    def make(self, format: str, size: int | None = None, *, names: bool = False, **question: str) -> Any:
        order: dict[str, Any] = {"format": format, "question": question, "names": names}
        answer = self.reading.post("/api/exports", json=order | ({"size": size} if size else {}))
        assert answer.status_code == 201, answer.text
        return answer.json()

    def take(self, export: str, **order: Any) -> bytes:
        answer = self.reading.post(f"/api/exports/{export}/file", json=order)
        assert answer.status_code == 200, answer.text
        return answer.content

    def get(self, path: str, **parameters: Any) -> Any:
        answer = self.reading.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def entries(self, **filters: str) -> list[Any]:
        """Entries of the ledger, oldest first."""
        found: list[Any] = self.get("/api/entries", order="oldest", **filters)["entries"]
        return found


@pytest.fixture
def taker(installation: Installation, tenant: Tenant) -> Iterator[Taker]:
    with tenant.client("read") as reading:
        yield Taker(installation, tenant, f"src_{ulid()}", reading)
