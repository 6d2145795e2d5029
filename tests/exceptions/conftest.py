"""A tenant whose exceptions are worked on in this process, on the server's database, by the people of an office."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.notifications.conftest import with_database
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

    def turn_back(self, row: PolicyException, days: int) -> None:
        """As if an exception had been asked for so many days earlier: its days lie in the past by as much."""
        with self.tenant.in_database() as raw:
            raw.execute("SET session_replication_role = replica")
            raw.execute(
                "UPDATE django.exceptions_exception SET starts_on = starts_on - %(days)s, "
                "expires_on = expires_on - %(days)s, starts_at = starts_at - make_interval(days => %(days)s), "
                "ends_at = ends_at - make_interval(days => %(days)s) WHERE id = %(id)s",
                {"days": days, "id": row.id},
            )


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
