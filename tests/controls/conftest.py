"""A tenant with somebody who answers for its controls, and a program that manages them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.populations.conftest import Desk, Reviewer
from tests.server.events import ulid
from tests.support.servers import Installation, Tenant, client_with

__all__ = ["desk", "office"]


@dataclass
class Office(Reviewer):
    """An analyst who is signed in; `owner` is their id, `token` a program's that may do the same."""

    owner: str
    token: str

    def ask(self, method: str, path: str, answered: int = 200, **body: Any) -> Any:
        """An operation, as the program."""
        with client_with(self.desk.installation.url, self.token) as client:
            answer = client.request(method, path, json=body or None)
        assert answer.status_code == answered, answer.text
        return answer.json()

    def define(self, control: str, **given: Any) -> Any:
        """A control in force, unless something else is said."""
        said = {"statement": f"What {control} says", "owner": self.owner, "status": "in-force", **given}
        return self.ask("POST", "/api/controls", 201, id=control, **said)


@pytest.fixture
def desk(installation: Installation, tenant: Tenant) -> Iterator[Desk]:
    with tenant.client("read") as reading:
        yield Desk(installation, tenant, f"src_{ulid()}", reading)


@pytest.fixture
def office(desk: Desk) -> Iterator[Office]:
    person = desk.reviewer("analyst")
    with person.signed_in() as client:
        yield Office(desk, client, f"user:{person.user_id}", service_token(desk, "analyst"))


def service_token(desk: Desk, role: str) -> str:
    """The API key of a service account that has a role."""
    key, token = desk.tenant.new_key("read")
    account = f"svc_{ulid()}"
    with desk.tenant.in_database() as raw:
        found = raw.execute(
            "SELECT id FROM django.members_role WHERE tenant_id = %s AND code = %s",
            [desk.tenant.made.tenant_id, role],
        ).fetchone()
        assert found is not None
        raw.execute(
            "INSERT INTO django.members_service (id, tenant_id, name, roles, created_at) "
            "VALUES (%s, %s, %s, %s, now())",
            [account, desk.tenant.made.tenant_id, account, [found[0]]],
        )
        raw.execute(
            "INSERT INTO django.members_servicekey (key_id, tenant_id, service_id, created_at) "
            "VALUES (%s, %s, %s, now())",
            [key, desk.tenant.made.tenant_id, account],
        )
    return token


def refused(answer: httpx.Response) -> tuple[str, str]:
    """The field and the words of a refusal."""
    assert answer.status_code == 422, answer.text
    said = answer.json()
    return str(said.get("field")), str(said["detail"])
