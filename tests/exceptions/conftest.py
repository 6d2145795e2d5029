"""A tenant whose exceptions are worked on in this process, on the server's database, by the people of an office."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.notifications.conftest import with_database
from tests.packet_requests.conftest import Seat
from tests.server.events import ulid
from tests.support.people import Person, make_person
from tests.support.servers import Installation, Tenant

# Django was set up by the import above.
from muniment.server.access.standing import Standing, resolver  # isort: skip
from muniment.server.assets import services as assets  # isort: skip
from muniment.server.exceptions import services  # isort: skip
from muniment.server.exceptions.content import Content  # isort: skip
from muniment.server.exceptions.models import PolicyException  # isort: skip
from muniment.server.assets.workflow import Definition as AssetSaid  # isort: skip
from muniment.server.policies import services as policies  # isort: skip
from muniment.server.policies.workflow import Definition as PolicyText  # isort: skip
from muniment.server.tenants.scope import tenant_scope  # isort: skip

PEOPLE = {
    "asks": "analyst",
    "colleague": "analyst",
    "first": "approver",
    "second": "approver",
    "third": "approver",
}


def in_days(days: int) -> date:
    """A day from today on, in UTC."""
    return datetime.now(UTC).date() + timedelta(days=days)


@dataclass
class Office:
    """A tenant, its people, and what exceptions are about."""

    installation: Installation
    tenant: Tenant
    people: dict[str, Person] = field(default_factory=dict)
    policy: str = ""
    asset: str = ""
    browsers: dict[str, httpx.Client] = field(default_factory=dict)

    @property
    def tenant_id(self) -> UUID:
        return self.tenant.made.tenant_id

    def subject(self, name: str) -> str:
        return self.people[name].subject

    def standing(self, name: str) -> Standing:
        """In the open scope."""
        found = resolver().of_user(self.people[name].user_id, self.tenant_id)
        assert found is not None
        return found

    def does(self, name: str, what: str, *given: Any, **more: Any) -> Any:
        """A use case, in a transaction of its own."""
        with tenant_scope(self.tenant_id):
            return getattr(services, what)(self.standing(name), *given, **more)

    def look(self, what: str, *given: Any) -> Any:
        with tenant_scope(self.tenant_id):
            return getattr(services, what)(*given)

    def content(self, **more: Any) -> Content:
        said = {
            "title": "MFA on the old VPN",
            "policy": self.policy,
            "scope": "the VPN of the plant",
            "reason": "its firmware cannot",
            "risk_level": "low",
            "residual_risk": "a stolen password opens it",
            "compensating": "only from the plant's network",
            "controls": ("soc2:CC6.1",),
            "assets": (self.asset,),
            "expires_on": in_days(90),
        }
        return Content(**{**said, **more})

    def draft(self, name: str = "asks", **more: Any) -> PolicyException:
        row: PolicyException = self.does(name, "create", self.content(**more))
        return row

    def submitted(self, name: str = "asks", **more: Any) -> PolicyException:
        row: PolicyException = self.does(name, "submit", self.draft(name, **more).id)
        return row

    def active(self, **more: Any) -> PolicyException:
        row: PolicyException = self.does("first", "decide", self.submitted(**more).id, "approve", comment="fine")
        assert row.state == "active"
        return row

    def entries(self, action: str) -> list[Any]:
        """Events of the log with an action, oldest first, with their labels as a mapping."""
        with self.tenant.client("read") as reading:
            answer = reading.get("/api/entries", params={"order": "oldest", "action": action, "limit": 500})
        assert answer.status_code == 200, answer.text
        events = [one["entry"]["event"] for one in answer.json()["entries"]]
        return [{**event, "facts": dict(label.split("=", 1) for label in event.get("labels", []))} for event in events]

    def elsewhere(self) -> Seat:
        """One of these people as an administrator of another tenant."""
        other = self.installation.tenant()
        self.people["first"].join(other.made.tenant_id, other.made.slug, "administrator")
        return Seat(other.made.slug, self.people["first"], self.browsers["first"])

    def service_key(self, *roles: str) -> str:
        """The API key of a service account with these roles."""
        key, token = self.tenant.new_key("read")
        account = f"svc_{ulid()}"
        with self.tenant.in_database() as raw:
            raw.execute(
                "INSERT INTO django.members_service (id, tenant_id, name, roles, created_at) SELECT %s, %s, %s, "
                "array_agg(id), now() FROM django.members_role WHERE tenant_id = %s AND code = ANY(%s)",
                [account, self.tenant_id, account, self.tenant_id, list(roles)],
            )
            raw.execute(
                "INSERT INTO django.members_servicekey (key_id, tenant_id, service_id, created_at) "
                "VALUES (%s, %s, %s, now())",
                [key, self.tenant_id, account],
            )
        return token


@pytest.fixture(scope="module")
def inside(installation: Installation) -> Iterator[None]:
    with with_database(installation.database.url("app")):
        yield


@pytest.fixture(scope="module")
def staff(installation: Installation) -> dict[str, Person]:
    return {name: make_person(installation, name=name.title()) for name in PEOPLE}


def opened(installation: Installation, tenant: Tenant, staff: dict[str, Person]) -> Office:
    office = Office(installation, tenant, staff)
    for name, role in PEOPLE.items():
        staff[name].join(tenant.made.tenant_id, tenant.made.slug, role)
    return office


@pytest.fixture
def office(inside: None, installation: Installation, tenant: Tenant, staff: dict[str, Person]) -> Office:
    made = opened(installation, tenant, staff)
    with tenant_scope(made.tenant_id):
        asks = made.standing("asks")
        owner = asks.subject
        policy = policies.create(
            asks, PolicyText("Access policy", "Who signs in gives two factors.", "", owner, in_days(0))
        )
        asset = assets.create(asks, AssetSaid("VPN gateway", owner=owner, criticality="medium"))
        made.policy, made.asset = policy.policy, asset.asset
    return made


@pytest.fixture(scope="module")
def sessions(staff: dict[str, Person]) -> Iterator[dict[str, httpx.Client]]:
    """Everybody, signed in once."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(person.signed_in()) for name, person in staff.items()}


@pytest.fixture
def seats(office: Office, sessions: dict[str, httpx.Client]) -> dict[str, Seat]:
    """The people of the office with their browsers."""
    office.browsers = sessions
    return {name: Seat(office.tenant.made.slug, office.people[name], client) for name, client in sessions.items()}
