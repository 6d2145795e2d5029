"""A tenant whose log is watched in this process, on the server's database, and its people over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from tests.notifications.conftest import with_database
from tests.packet_requests.conftest import Seat
from tests.support.people import Person, make_person
from tests.support.servers import Installation, Tenant

# Django was set up by the import above.
from muniment.anomalies.watched import Watched as Settings  # isort: skip
from muniment.server.access.standing import Standing, resolver  # isort: skip
from muniment.server.anomalies import services  # isort: skip
from muniment.server.anomalies.models import Alert  # isort: skip
from muniment.server.recording import record  # isort: skip
from muniment.server.tenants.scope import tenant_scope  # isort: skip


@dataclass
class Watched:
    """A tenant, its people, and its log."""

    installation: Installation
    tenant: Tenant
    people: dict[str, Person] = field(default_factory=dict)
    browsers: ExitStack = field(default_factory=ExitStack)

    @property
    def tenant_id(self) -> UUID:
        return self.tenant.made.tenant_id

    def seat(self, name: str) -> Seat:
        """The person, signed in."""
        client = self.browsers.enter_context(self.people[name].signed_in())
        return Seat(self.tenant.made.slug, self.people[name], client)

    def standing(self, name: str) -> Standing:
        """In the open scope."""
        found = resolver().of_user(self.people[name].user_id, self.tenant_id)
        assert found is not None
        return found

    def happens(self, action: str, name: str, number: int = 1) -> None:
        """Something is recorded, some times over, in one transaction."""
        with tenant_scope(self.tenant_id):
            for count in range(number):
                record(action, by=self.people[name].subject, resource=("thing", f"thing_{count}"))

    def read_on(self, **how: Any) -> services.Followed:
        return services.read_on(self.tenant_id, datetime.now(UTC), **how)

    def alerts(self) -> list[Alert]:
        with tenant_scope(self.tenant_id):
            return [seen.alert for seen in services.alerts().rows]

    def raised(self, name: str = "careless") -> Alert:
        """An alert about somebody who removed too much."""
        self.happens("attachment.withdraw", name, 16)
        self.read_on()
        (found,) = self.alerts()
        return found

    def entries(self, action: str) -> list[Any]:
        """Events of the log with an action, oldest first, with their labels as a mapping."""
        with self.tenant.client("read") as reading:
            answer = reading.get("/api/entries", params={"order": "oldest", "action": action, "limit": 200})
        assert answer.status_code == 200, answer.text
        events = [{**one["entry"]["event"], "by": one["entry"]["by"]} for one in answer.json()["entries"]]
        return [{**event, "facts": dict(label.split("=", 1) for label in event.get("labels", []))} for event in events]


def zone_of_noon() -> str:
    """A zone in which it is about noon: what is recorded now is in nobody's night."""
    ahead = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "UTC"


PEOPLE = {"looks": "analyst", "careless": "administrator"}


@pytest.fixture(scope="module")
def inside(installation: Installation) -> Iterator[None]:
    with with_database(installation.database.url("app")):
        yield


@pytest.fixture
def watched(inside: None, installation: Installation, tenant: Tenant) -> Iterator[Watched]:
    made = Watched(installation, tenant)
    made.people = {name: make_person(installation, tenant, role) for name, role in PEOPLE.items()}
    with made.browsers:
        with tenant_scope(made.tenant_id):
            services.change_settings(made.standing("looks"), Settings(zone_of_noon()))
        yield made
