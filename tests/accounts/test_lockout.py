"""Failures make the next attempt wait: for everybody alike, no longer than said, and whoever has no account as well."""

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.support.people import Person, make_person, submit
from tests.support.servers import Installation, Tenant

Entries = Callable[..., list[Any]]


def try_password(client: httpx.Client, email: str, password: str = "not the password") -> httpx.Response:
    return submit(client, "/account/login", {"email": email, "password": password})


def plain(page: httpx.Response) -> str:
    """A page without what differs between any two: token, address typed, seconds."""
    text = re.sub(r"[A-Za-z0-9]{64}", "token", page.text)
    text = re.sub(r"[\w-]+@people\.example", "somebody", text)
    return re.sub(r"in \d+ seconds", "in some seconds", text)


def waits_are_over(installation: Installation, *, failures: int | None = None) -> None:
    """As if time had gone by, and (if given) so many attempts had failed."""
    with installation.database.connect("superuser", autocommit=True) as connection:
        connection.execute(
            "UPDATE django.accounts_throttle SET until = now() - interval '1 second', "
            "failures = coalesce(%s, failures)",
            [failures],
        )


def test_an_address_that_nobody_has_is_locked_as_one_that_somebody_has(ada: Person) -> None:
    with ada.client() as client, ada.client() as other:
        known = [try_password(client, ada.email) for _ in range(7)]
        unknown = [try_password(other, "nobody-7@people.example") for _ in range(7)]
    assert [page.status_code for page in known] == [422] * 6 + [429]
    assert [page.status_code for page in unknown] == [422] * 6 + [429]
    assert [plain(page) for page in known] == [plain(page) for page in unknown]


def test_the_right_password_is_not_judged_while_one_has_to_wait(ada: Person, entries: Entries) -> None:
    with ada.client() as client:
        for _ in range(6):
            try_password(client, ada.email)
        before = len(entries(ada.subject, "user.login"))
        page = try_password(client, ada.email, ada.password)
        assert page.status_code == 429
        assert re.search(r"Try again in \d+ seconds", page.text)
        assert "Retry-After" not in page.headers or page.headers["Retry-After"].isdigit()
    assert len(entries(ada.subject, "user.login")) == before == 6


def test_the_wait_doubles_is_recorded_and_ends(installation: Installation, ada: Person, entries: Entries) -> None:
    with ada.client() as client:
        for _ in range(5):
            try_password(client, ada.email)
        for _ in range(4):
            waits_are_over(installation)
            assert try_password(client, ada.email).status_code == 422
        waits_are_over(installation)
        page = try_password(client, ada.email, ada.password)
        assert page.url.path == "/account/second-factor"
    locked = [told.labels.get("locked_seconds") for told in entries(ada.subject, "user.login")]
    assert locked[:9] == [None] * 5 + ["10", "20", "40", "80"]


def test_no_wait_is_longer_than_a_quarter_of_an_hour(installation: Installation, ada: Person, entries: Entries) -> None:
    with ada.client() as client:
        try_password(client, ada.email)
        waits_are_over(installation, failures=2_000_000_000)
        assert try_password(client, ada.email).status_code == 422
        page = try_password(client, ada.email)
        assert page.status_code == 429
        assert "15 minutes" in page.text
    assert entries(ada.subject, "user.login")[-1].labels["locked_seconds"] == "900"


def test_the_table_of_failures_names_nobody(installation: Installation, ada: Person) -> None:
    with ada.client() as client:
        try_password(client, ada.email)
    with installation.database.connect("superuser", autocommit=True) as connection:
        keys = [row[0] for row in connection.execute("SELECT key FROM django.accounts_throttle")]
    assert keys
    assert all(re.fullmatch(r"[0-9a-f]{64}", key) for key in keys)


def test_a_network_that_asks_for_many_reset_links_has_to_wait(ada: Person) -> None:
    with ada.client() as client:
        answers = [
            submit(client, "/account/password/forgot", {"email": f"nobody{at}@people.example"}).status_code
            for at in range(13)
        ]
    assert answers == [200] * 11 + [429] * 2


def test_nobody_is_buried_in_reset_links(
    installation: Installation, tenant: Tenant, ada: Person, mails: Callable[..., Any], entries: Entries
) -> None:
    eve = make_person(installation, tenant)
    with ada.client() as client:
        for _ in range(3):
            submit(client, "/account/password/forgot", {"email": ada.email})
            mails(ada.email, "new password")
        for _ in range(3):
            submit(client, "/account/password/forgot", {"email": ada.email})
        submit(client, "/account/password/forgot", {"email": eve.email})
    mails(eve.email, "new password")
    sent = [told for told in entries("system:muniment", "mail.send") if ada.user_id in told.text]
    assert 1 <= len(sent) <= 3


@pytest.mark.parametrize("spelling", ["{0}", " {0} ", "{1}"])
def test_another_spelling_of_the_address_is_the_same_name(ada: Person, spelling: str) -> None:
    email = spelling.format(ada.email, ada.email.upper())
    with ada.client() as client:
        for _ in range(6):
            try_password(client, ada.email)
        assert try_password(client, email, ada.password).status_code == 429
