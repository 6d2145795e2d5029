"""Sessions: listed, ended at once, and over after a while."""

import re
from collections.abc import Callable
from typing import Any

from tests.accounts.test_second_factor import session_edit
from tests.support.people import Person, make_person, submit
from tests.support.servers import Installation, Tenant

Entries = Callable[..., list[Any]]


def test_a_session_that_is_ended_answers_nothing_from_then_on(ada: Person, entries: Entries) -> None:
    with ada.signed_in() as here, ada.signed_in() as there:
        page = here.get("/account/sessions")
        numbers = re.findall(r'name="session" value="(\d+)"', page.text)
        assert len(numbers) == 1
        assert here.cookies["muniment_session"] not in page.text
        submit(here, "/account/sessions", {"session": numbers[0]})
        assert there.get("/account").url.path == "/account/login"
        assert here.get("/account").url.path == "/account"
    (told,) = entries(ada.subject, "session.revoke")
    assert told.labels == {"whose": "own"}


def test_all_others_are_ended_together(ada: Person) -> None:
    with ada.signed_in() as here, ada.signed_in() as there, ada.signed_in() as far:
        page = submit(here, "/account/sessions", {"others": "yes"})
        assert "2 other sessions ended" in page.text
        assert {client.get("/account").url.path for client in (there, far)} == {"/account/login"}


def test_nobody_ends_the_session_of_another(installation: Installation, tenant: Tenant, ada: Person) -> None:
    eve = make_person(installation, tenant)
    with ada.signed_in() as victim, eve.signed_in() as client:
        with installation.database.connect("superuser", autocommit=True) as connection:
            row = connection.execute(
                "SELECT id FROM django.usersessions_usersession WHERE user_id = %s", [ada.user_id]
            ).fetchone()
        assert row
        page = submit(client, "/account/sessions", {"session": str(row[0])})
        assert "no such session" in page.text
        assert victim.get("/account").url.path == "/account"


def test_signing_out_ends_the_session_on_the_server(ada: Person, entries: Entries) -> None:
    with ada.signed_in() as client, ada.client() as thief:
        thief.cookies.set("muniment_session", client.cookies["muniment_session"])
        assert thief.get("/account").url.path == "/account"
        assert client.get("/account/logout").status_code == 200
        assert client.get("/account").url.path == "/account"
        submit(client, "/account/logout", {})
        assert thief.get("/account").url.path == "/account/login"
    assert len(entries(ada.subject, "user.logout")) == 1


def test_an_idle_session_is_over(installation: Installation, ada: Person, entries: Entries) -> None:
    with ada.signed_in() as client:
        session_edit(installation, client, lambda data: data.update(muniment_seen=data["muniment_seen"] - 7201))
        assert client.get("/account").url.path == "/account/login"
    assert entries(ada.subject, "user.logout")[0].labels == {"reason": "idle"}


def test_a_session_is_over_after_the_hours_of_the_strictest_tenant(
    installation: Installation, tenant: Tenant, ada: Person
) -> None:
    strict = installation.tenant()
    ada.join(strict.made.tenant_id, strict.made.slug, "viewer")
    with installation.database.connect("superuser", autocommit=True) as connection:
        connection.execute(
            "UPDATE django.tenants_profile SET session_hours = 1 WHERE tenant_id = %s", [strict.made.tenant_id]
        )

    def age(data: dict[str, Any]) -> None:
        data.update(muniment_began=data["muniment_began"] - 3601, muniment_seen=data["muniment_seen"] - 61)

    with ada.signed_in() as client:
        session_edit(installation, client, age)
        assert client.get("/account").url.path == "/account/login"


def test_a_session_that_does_not_know_its_age_is_over(installation: Installation, ada: Person) -> None:
    with ada.signed_in() as client:
        session_edit(installation, client, lambda data: data.pop("muniment_began"))
        assert client.get("/account").url.path == "/account/login"


def test_a_clock_that_was_set_back_ends_the_session(installation: Installation, ada: Person) -> None:
    with ada.signed_in() as client:
        session_edit(installation, client, lambda data: data.update(muniment_began=data["muniment_began"] + 3600))
        assert client.get("/account").url.path == "/account/login"
