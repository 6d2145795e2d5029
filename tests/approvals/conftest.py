"""A tenant with people who ask for exceptions, approve them and manage the rules, each signed in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.support.people import Person, csrf_token, make_person
from tests.support.servers import Installation, Tenant

PEOPLE = {"chief": "administrator", "ada": "approver", "bea": "approver", "cyd": "approver", "asks": "analyst"}


def day(ahead: int) -> str:
    """A day from today on, in UTC."""
    return (datetime.now(UTC).date() + timedelta(days=ahead)).isoformat()


@dataclass
class Office:
    """A tenant; `people` by name, each with a client in `clients`."""

    installation: Installation
    tenant: Tenant
    people: dict[str, Person]
    clients: dict[str, httpx.Client]

    def subject(self, name: str) -> str:
        return self.people[name].subject

    def address(self, path: str) -> str:
        return f"/t/{self.tenant.made.slug}{path}"

    def ask(self, name: str, method: str, path: str, answered: int = 200, /, **body: Any) -> Any:
        """An operation, as somebody who is signed in."""
        client = self.clients[name]
        headers = {"X-CSRFToken": str(client.cookies.get("csrftoken", "")), "Referer": str(client.base_url)}
        answer = client.request(method, self.address(path), json=body or None, headers=headers)
        assert answer.status_code == answered, answer.text
        return answer.json()

    def get(self, name: str, path: str) -> httpx.Response:
        """A page."""
        return self.clients[name].get(self.address(path))

    def submit(self, name: str, path: str, page: str, **fields: Any) -> httpx.Response:
        """Send a form of a page."""
        token = csrf_token(self.get(name, page))
        client = self.clients[name]
        return client.post(
            self.address(path),
            data={"csrfmiddlewaretoken": token, **fields},
            headers={"Referer": f"{client.base_url}{self.address(page)}"},
        )

    def put(self, rules: dict[str, Any], answered: int = 200, *, by: str = "chief", **more: Any) -> Any:
        return self.ask(by, "PUT", "/api/approval-rules", answered, rules=rules, comment="as decided", **more)

    def away(self, name: str, to: str = "", answered: int = 201, *, by: str = "", **more: Any) -> Any:
        order = {"from": day(0), "until": day(5), "to": self.subject(to) if to else "", **more}
        return self.ask(by or name, "POST", "/api/delegations", answered, **order)

    def deciders(self, **case: Any) -> list[list[str]]:
        """The names of who could decide at each level of a case; `ada for bea` where somebody stands in."""
        called = {person.subject: name for name, person in self.people.items()}
        said = self.ask("asks", "POST", "/api/approval-rules/check", case={"risk_level": "low", **case})
        return [
            sorted(
                called[one["subject"]] + (f" for {called[one['on_behalf_of']]}" if one["on_behalf_of"] else "")
                for one in level["deciders"]
            )
            for level in said["preview"]["levels"]
        ]

    def entries(self, action: str) -> list[Any]:
        """Events of the log with an action, oldest first, with their labels as a mapping."""
        with self.tenant.client("read") as reading:
            answer = reading.get("/api/entries", params={"order": "oldest", "action": action, "limit": 500})
        assert answer.status_code == 200, answer.text
        events = [{**one["entry"]["event"], "seq": one["seq"]} for one in answer.json()["entries"]]
        return [{**event, "facts": dict(label.split("=", 1) for label in event.get("labels", []))} for event in events]


@pytest.fixture(scope="module")
def staff(installation: Installation) -> Iterator[tuple[dict[str, Person], dict[str, httpx.Client]]]:
    people = {name: make_person(installation, name=name.title()) for name in PEOPLE}
    with ExitStack() as stack:
        yield people, {name: stack.enter_context(one.signed_in()) for name, one in people.items()}


@pytest.fixture
def office(
    installation: Installation, tenant: Tenant, staff: tuple[dict[str, Person], dict[str, httpx.Client]]
) -> Office:
    people, clients = staff
    for name, role in PEOPLE.items():
        people[name].join(tenant.made.tenant_id, tenant.made.slug, role)
    return Office(installation, tenant, people, clients)
