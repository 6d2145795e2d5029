"""Somebody who is signed in, in one tenant: its pages and its API by their paths."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.support.people import Person, csrf_token, make_person
from tests.support.servers import Tenant


@dataclass
class Sitting:
    """A session of a person in a tenant."""

    person: Person
    client: httpx.Client
    tenant: Tenant

    def address(self, path: str) -> str:
        return f"/t/{self.tenant.made.slug}{path}"

    def get(self, path: str) -> httpx.Response:
        return self.client.get(self.address(path))

    def send(self, method: str, path: str, *, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
        """Ask an operation."""
        token = self.client.cookies.get("csrftoken", "")
        return self.client.request(
            method,
            self.address(path),
            json=body,
            headers={"X-CSRFToken": str(token), "Referer": str(self.client.base_url), **(headers or {})},
        )

    def submit(self, path: str, page: str, **fields: Any) -> httpx.Response:
        """Send a form of a page."""
        token = csrf_token(self.get(page))
        return self.client.post(
            self.address(path),
            data={"csrfmiddlewaretoken": token, **fields},
            headers={"Referer": f"{self.client.base_url}{self.address(page)}"},
        )


@contextmanager
def sitting(tenant: Tenant, *roles: str, **how: Any) -> Iterator[Sitting]:
    """Somebody new with some roles, signed in with password and second factor."""
    person = make_person(tenant.installation, tenant, *(roles or ("administrator",)), **how)
    with person.signed_in() as client:
        yield Sitting(person, client, tenant)


def entries(tenant: Tenant, **filters: str) -> list[Any]:
    """Entries of a tenant's log, oldest first."""
    with tenant.client("read") as reading:
        answer = reading.get("/api/entries", params={"order": "oldest", **filters})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["entries"])
