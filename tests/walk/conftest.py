"""The people of one decision, each with a browser, and a clock that can be put forward."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.accounts.test_second_factor import session_edit
from tests.exceptions.conftest import Office, inside
from tests.packet_requests.conftest import Seat
from tests.support.browser import Visitor, browser, visitors
from tests.support.people import hand_over, make_person
from tests.support.servers import Installation, Tenant

# Django was set up by the imports above.
from django.db import connections  # isort: skip
from muniment.server.exceptions.services import run_due  # isort: skip
from muniment.server.reminders.services import remind  # isort: skip

__all__ = ["browser", "inside", "visitors"]
PEOPLE = {
    "analyst": "analyst",
    "first": "approver",
    "second": "approver",
    "auditor": "auditor",
    "admin": "administrator",
}
Seats = dict[str, Seat]


@pytest.fixture
def office(inside: None, installation: Installation, tenant: Tenant) -> Office:
    people = {name: make_person(installation, name=name.title()) for name in PEOPLE}
    for name, role in PEOPLE.items():
        until = "2099-01-01" if role == "auditor" else None
        people[name].join(tenant.made.tenant_id, tenant.made.slug, role, until=until)
    return Office(installation, tenant, people)


@pytest.fixture
def seats(office: Office) -> Iterator[Seats]:
    """Everybody, signed in with password and second factor."""
    with ExitStack() as stack:
        yield {
            name: Seat(office.tenant.made.slug, person, stack.enter_context(person.signed_in()))
            for name, person in office.people.items()
        }


@pytest.fixture
def sit(seats: Seats, visitors: Callable[..., Visitor]) -> Callable[..., Visitor]:
    """The browser window of somebody who is signed in."""

    def sat(name: str, **settings: Any) -> Visitor:
        visitor = visitors(**settings)
        hand_over(seats[name].client, visitor.context, seats[name].person.base)
        return visitor

    return sat


def old_factor(seat: Seat, installation: Installation) -> None:
    """As if somebody had read for longer than a second factor is fresh."""

    def grow_old(data: Any) -> None:
        for one in data["account_authentication_methods"]:
            one["at"] -= timedelta(hours=1).total_seconds()

    session_edit(installation, seat.client, grow_old)


def at(office: Office, now: datetime) -> tuple[int, int, int]:
    """What the background jobs do at some time: how many became active, expired, and were reminded of.

    In a thread of its own: that of the browser has an event loop, in which Django's models refuse to work.
    """

    def done() -> tuple[int, int, int]:
        try:
            ran = run_due(office.tenant_id, now)
            assert not ran.failed
            return ran.activated, ran.expired, remind(office.tenant_id, now)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(done).result()
