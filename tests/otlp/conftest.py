"""A real server over a real database, and what exporters send to it."""

import json
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.support.servers import Tenant

Json = dict[str, Any]


@dataclass(frozen=True)
class Ledger:
    """A tenant's ledger, seen through its append key and its read key."""

    tenant: Tenant

    @property
    def url(self) -> str:
        return self.tenant.installation.url

    @property
    def key(self) -> str:
        return self.tenant.made.tokens["append"]

    def post(self, body: bytes, signal: str = "traces", **headers: str) -> httpx.Response:
        """Send a request; protobuf with the append key, unless headers say otherwise."""
        sent = {"content-type": "application/x-protobuf", "authorization": f"Bearer {self.key}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in sent.items() if value}
        return httpx.post(f"{self.url}/v1/{signal}", content=body, headers=sent, timeout=60, trust_env=False)

    def events(self) -> list[Json]:
        """What was recorded through OTLP, oldest first, each with the JSON of its body under `said`."""
        with self.tenant.client("read") as read:
            answer = read.get("/api/entries", params={"order": "oldest", "limit": 1000})
            assert answer.status_code == 200, answer.text
            found = []
            for row in answer.json()["entries"]:
                event = row["entry"]["event"]
                if not row["entry"]["by"].startswith("key:"):
                    continue
                body = read.get(f"/api/entries/{row['seq']}/body")
                said = json.loads(body.content) if body.status_code == 200 else None
                found.append({**event, "said": said, "seq": row["seq"]})
        return found


@pytest.fixture
def ledger(tenant: Tenant) -> Ledger:
    return Ledger(tenant)
