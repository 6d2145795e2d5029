"""People of a real server, and what they do to each other through its API and its pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.support.people import Person, csrf_token, forget_failures, make_person
from tests.support.servers import Installation, Tenant


@dataclass
class Acting:
    """Somebody who is signed in, with the API of one tenant."""

    person: Person
    client: httpx.Client
    slug: str
    token: str = field(default="")

    def ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        """A request of the API with the session and its CSRF token."""
        if not self.token:
            self.token = csrf_token(self.client.get(f"/t/{self.slug}/account"))
        headers = {"X-CSRFToken": self.token, "Referer": self.person.base}
        return self.client.request(method, f"/t/{self.slug}/api/{path}", json=body, headers=headers)

    def did(self, method: str, path: str, body: object = None, *, status: int | None = None) -> Any:
        """The JSON of an answer that must be a success (or have `status`)."""
        answer = self.ask(method, path, body)
        assert answer.status_code == status if status else answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def page(self, path: str) -> httpx.Response:
        return self.client.get(f"/t/{self.slug}/{path}")

    def send(self, path: str, fields: dict[str, Any], *, from_: str = "account") -> httpx.Response:
        """A form sent to a page, with the token of the session."""
        token = csrf_token(self.page(from_))
        url = f"/t/{self.slug}/{path}"
        return self.client.post(
            url, data={"csrfmiddlewaretoken": token, **fields}, headers={"Referer": self.person.base + url}
        )

    @property
    def member_id(self) -> str:
        return member_id(self.person, self.slug)


def member_id(person: Person, slug: str) -> str:
    """The id of somebody's membership."""
    with person.served.database.connect("superuser", autocommit=True) as connection:
        row = connection.execute(
            "SELECT id FROM django.members_membership WHERE user_id = %s AND slug = %s", [person.user_id, slug]
        ).fetchone()
    assert row is not None
    return str(row[0])


@pytest.fixture(autouse=True)
def nobody_has_to_wait(installation: Installation) -> None:
    """Every test begins with no failures counted, as all come from one address."""
    forget_failures(installation)


@pytest.fixture
def signed_in(installation: Installation) -> Iterator[Callable[..., Acting]]:
    """Signs a new person in: `signed_in(tenant, "viewer", …)`, administrator if no role is named."""
    with ExitStack() as stack:

        def enter(tenant: Tenant, *roles: str, until: str | None = None, name: str = "Ada Byron") -> Acting:
            person = make_person(installation, tenant, *roles, until=until, name=name)
            slug = tenant.made.slug
            return Acting(person, stack.enter_context(person.signed_in(tenant=slug)), slug)

        yield enter


@pytest.fixture
def admin(signed_in: Callable[..., Acting], tenant: Tenant) -> Acting:
    """An administrator of the tenant."""
    return signed_in(tenant)


@dataclass(frozen=True)
class Told:
    """What one entry says."""

    actor: str
    outcome: str
    resource: str
    labels: dict[str, str]
    text: str


@pytest.fixture
def told(installation: Installation) -> Callable[..., list[Told]]:
    """Entries of a tenant's log by action, oldest first: `told(slug, "member.invite")`."""

    def read(slug: str, action: str) -> list[Told]:
        with installation.database.connect("superuser", autocommit=True) as connection:
            rows = connection.execute(
                "SELECT actor_id, outcome, coalesce(resource_id, ''), coalesce(labels, '{}'), entry "
                "FROM ledger.entries e JOIN ledger.tenants t USING (tenant_id) WHERE t.slug = %s AND action = %s "
                "ORDER BY seq",
                [slug, action],
            ).fetchall()
        return [
            Told(actor, outcome, resource, dict(label.split("=", 1) for label in labels), str(text))
            for actor, outcome, resource, labels, text in rows
        ]

    return read


def roles_of(acting: Acting) -> dict[str, str]:
    """Ids of the tenant's roles by their codes."""
    return {role["code"]: role["id"] for role in acting.did("GET", "roles")["roles"]}
