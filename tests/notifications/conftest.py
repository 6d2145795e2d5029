"""A tenant whose services are called in this process, with the server's database, and its people over HTTP."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import django
import pytest

from tests.support.people import Person, make_person
from tests.support.servers import Installation, Tenant

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "muniment.server.settings")
django.setup()

from django.db import connections  # noqa: E402

from muniment.server.notifications import services  # noqa: E402
from muniment.server.settings import _database  # noqa: E402
from muniment.server.tenants.scope import tenant_scope  # noqa: E402


@contextmanager
def with_database(url: str) -> Iterator[None]:
    """Give Django in this process a database, for as long as the block."""
    before = connections.settings
    described = _database(url)
    described["OPTIONS"] = {key: value for key, value in described["OPTIONS"].items() if key != "pool"}  # type: ignore[attr-defined]
    connections.settings = connections.configure_settings({"default": described})
    _forget()
    try:
        yield
    finally:
        _forget()
        connections.settings = before


def _forget() -> None:
    for connection in connections.all(initialized_only=True):
        connection.close()
        del connections[connection.alias]


@dataclass
class Office:
    """A tenant and the people in it."""

    installation: Installation
    tenant: Tenant
    people: dict[str, Person] = field(default_factory=dict)

    @property
    def tenant_id(self) -> UUID:
        return self.tenant.made.tenant_id

    def person(self, *roles: str, **how: Any) -> Person:
        return make_person(self.installation, self.tenant, *(roles or ("analyst",)), **how)

    def notify(self, *to: str, event: str = "exception.expiring", **said: Any) -> tuple[str, ...]:
        """Tell people, in a transaction of its own."""
        given = {
            "subject_kind": "exception",
            "subject_id": "exc_01K0000000000000000000000A",
            "title": "MFA on the legacy VPN",
            "url": "/exceptions/exc_01K0000000000000000000000A",
            **said,
        }
        with tenant_scope(self.tenant_id):
            return services.notify(event, to, **given)

    def entries(self, action: str = "notification.send") -> list[Any]:
        with self.tenant.client("read") as reading:
            answer = reading.get("/api/entries", params={"order": "oldest", "action": action, "limit": 200})
        assert answer.status_code == 200, answer.text
        return [one["entry"]["event"] for one in answer.json()["entries"]]


@pytest.fixture(scope="module")
def inside(installation: Installation) -> Iterator[None]:
    with with_database(installation.database.url("app")):
        yield


@pytest.fixture
def office(inside: None, installation: Installation, tenant: Tenant) -> Office:
    return Office(installation, tenant)
