"""A tenant whose analysts attach files, by the API and by the pages."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.support.people import Person, csrf_token, make_person
from tests.support.servers import Installation, Tenant

PDF = b"%PDF-1.7\n"
PART = 1 << 20


@dataclass
class Desk:
    """Somebody of a tenant who is signed in."""

    installation: Installation
    tenant: Tenant
    person: Person
    client: httpx.Client

    def address(self, path: str) -> str:
        return f"/t/{self.tenant.made.slug}{path}"

    def ask(self, method: str, path: str, **how: Any) -> httpx.Response:
        token = str(self.client.cookies.get("csrftoken", ""))
        headers = {"X-CSRFToken": token, "Referer": str(self.client.base_url), **how.pop("headers", {})}
        return self.client.request(method, self.address(path), headers=headers, **how)

    def get(self, path: str, **parameters: Any) -> httpx.Response:
        return self.client.get(self.address(path), params=parameters)

    def begin(self, data: bytes, name: str = "summary.pdf", **said: Any) -> httpx.Response:
        order = {"name": name, "kind": "penetration-test", "size": len(data), **said}
        return self.ask("POST", "/api/attachments/uploads", json=order)

    def put(self, upload: str, offset: int, data: bytes) -> httpx.Response:
        return self.ask("PUT", f"/api/attachments/uploads/{upload}", params={"offset": offset}, content=data)

    def finish(self, upload: str) -> httpx.Response:
        return self.ask("POST", f"/api/attachments/uploads/{upload}/finish", json={})

    def attach(self, data: bytes, name: str = "summary.pdf", **said: Any) -> Any:
        begun = self.begin(data, name, sha256=hashlib.sha256(data).hexdigest(), **said)
        assert begun.status_code == 201, begun.text
        upload = begun.json()["id"]
        for offset in range(0, len(data), PART):
            sent = self.put(upload, offset, data[offset : offset + PART])
            assert sent.status_code == 200, sent.text
        made = self.finish(upload)
        assert made.status_code == 201, made.text
        return made.json()

    def submit(self, path: str, page: str, files: Any = None, **fields: Any) -> httpx.Response:
        """Send a form of a page."""
        token = csrf_token(self.get(page))
        return self.client.post(
            self.address(path),
            data={"csrfmiddlewaretoken": token, **fields},
            files=files,
            headers={"Referer": f"{self.client.base_url}{self.address(page)}"},
        )

    def service_key(self, role: str) -> str:
        """The token of a key of a service account with a role."""
        key, token = self.tenant.new_key("read")
        service = f"svc_{key[-20:]}"
        with self.tenant.in_database() as raw:
            raw.execute(
                "INSERT INTO django.members_service (id, tenant_id, name, roles, created_at) "
                "SELECT %s, tenant_id, 'files', ARRAY[id], now() FROM django.members_role "
                "WHERE tenant_id = %s AND code = %s",
                [service, self.tenant.made.tenant_id, role],
            )
            raw.execute(
                "INSERT INTO django.members_servicekey (key_id, tenant_id, service_id, created_at) "
                "VALUES (%s, %s, %s, now())",
                [key, self.tenant.made.tenant_id, service],
            )
        return token

    def entries(self, action: str) -> list[Any]:
        """Events of the log with an action, oldest first, with their labels as a mapping."""
        with self.tenant.client("read") as reading:
            found = reading.get("/api/entries", params={"order": "oldest", "action": action}).json()["entries"]
        events = [one["entry"]["event"] for one in found]
        return [{**event, "facts": dict(label.split("=", 1) for label in event.get("labels", []))} for event in events]


@pytest.fixture(scope="module")
def signed_in(installation: Installation) -> Iterator[tuple[Person, httpx.Client]]:
    """Somebody, signed in once."""
    person = make_person(installation)
    with person.signed_in() as client:
        yield person, client


@pytest.fixture
def desk(installation: Installation, tenant: Tenant, signed_in: tuple[Person, httpx.Client]) -> Desk:
    """An analyst."""
    person, client = signed_in
    person.join(tenant.made.tenant_id, tenant.made.slug, "analyst")
    return Desk(installation, tenant, person, client)
