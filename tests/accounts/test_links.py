"""Links in messages: they lead here, are good once and for a while, and prove nothing by being opened."""

import re
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import httpx
import pytest

from tests.support.people import Person, csrf_token, make_person, submit
from tests.support.servers import Installation, Tenant

Entries = Callable[..., list[Any]]
Mails = Callable[..., EmailMessage]
InServer = Callable[..., str]
GOOD = "seven quiet herons wade"

RESET = """
import datetime, sys
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from muniment.server.accounts.models import User
class Earlier(PasswordResetTokenGenerator):
    def _now(self):
        return datetime.datetime.now() - datetime.timedelta(seconds={seconds})
print(Earlier().make_token(User.objects.get(pk={user!r})))
"""
CONFIRM = """
import time
from django.core import signing
from allauth.account import app_settings
from allauth.account.models import EmailAddress
now = time.time
time.time = lambda: now() - {seconds}
print(signing.dumps(EmailAddress.objects.get(user_id={user!r}).pk, salt=app_settings.SALT))
"""


def link_in(message: EmailMessage) -> str:
    found = re.search(r"http://localhost:\d+(/\S+)", message.get_content())
    assert found
    return found[1]


@pytest.fixture
def unproven(installation: Installation, tenant: Tenant) -> Person:
    """Somebody whose address is not proven yet."""
    eve = make_person(installation, tenant, "viewer")
    with installation.database.connect("superuser", autocommit=True) as connection:
        connection.execute("UPDATE django.account_emailaddress SET verified = false WHERE user_id = %s", [eve.user_id])
    return eve


def proven(installation: Installation, person: Person) -> bool:
    with installation.database.connect("superuser", autocommit=True) as connection:
        row = connection.execute(
            "SELECT verified FROM django.account_emailaddress WHERE user_id = %s", [person.user_id]
        ).fetchone()
    assert row
    return bool(row[0])


@pytest.mark.parametrize(("seconds", "status"), [(3500, 200), (3700, 410)])
def test_a_reset_link_is_good_for_an_hour(ada: Person, in_server: InServer, seconds: int, status: int) -> None:
    token = in_server(RESET.format(seconds=seconds, user=ada.user_id))
    with ada.client() as client:
        assert client.get(f"/account/password/new/{ada.user_id}/{token}").status_code == status


def test_a_reset_link_is_over_once_the_password_was_changed_otherwise(ada: Person, in_server: InServer) -> None:
    with ada.signed_in() as client:
        token = in_server(RESET.format(seconds=0, user=ada.user_id))
        assert client.get(f"/account/password/new/{ada.user_id}/{token}").status_code == 200
        submit(client, "/account/password", {"present": ada.password, "password": GOOD})
        assert client.get(f"/account/password/new/{ada.user_id}/{token}").status_code == 410


def test_a_link_that_two_opened_changes_the_password_once(ada: Person, in_server: InServer) -> None:
    token = in_server(RESET.format(seconds=0, user=ada.user_id))
    path = f"/account/password/new/{ada.user_id}/{token}"
    with ada.client() as first, ada.client() as second:
        waiting = csrf_token(second.get(path))
        assert submit(first, path, {"password": GOOD}).url.path == "/account/login"
        late = second.post(path, data={"csrfmiddlewaretoken": waiting, "password": "nine loud geese paddle"})
        assert late.status_code == 410
    ada.password = GOOD
    with ada.signed_in() as client:
        assert client.get("/account").url.path == "/account"


def test_a_reset_link_of_a_closed_account_opens_nothing(
    installation: Installation, ada: Person, in_server: InServer
) -> None:
    token = in_server(RESET.format(seconds=0, user=ada.user_id))
    with installation.database.connect("superuser", autocommit=True) as connection:
        connection.execute("UPDATE django.accounts_user SET is_active = false WHERE id = %s", [ada.user_id])
    with ada.client() as client:
        assert client.get(f"/account/password/new/{ada.user_id}/{token}").status_code == 410


@pytest.mark.parametrize(
    "path",
    [
        "/account/password/new/%00/x",
        "/account/password/new/usr_%F0%9F%90%A6/x-y",
        "/account/password/new/usr_1/%00",
        "/account/address/%00",
        "/account/address/AAA:BBB:CCC",
        "/account/recover/%00",
        "/account/recover/%ED%A0%80",
    ],
)
def test_a_link_of_anything_is_over_and_not_a_fault(ada: Person, path: str) -> None:
    with ada.client() as client:
        page = client.get(path)
        assert page.status_code in (400, 404, 410)
        assert "Traceback" not in page.text


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "localhost@evil.example"])
def test_a_forged_host_gets_into_no_message(ada: Person, host: str, entries: Entries) -> None:
    with ada.client() as client:
        token = csrf_token(client.get("/account/password/forgot"))
        page = client.post(
            "/account/password/forgot",
            data={"csrfmiddlewaretoken": token, "email": ada.email},
            headers={"Host": host, "Referer": f"http://{host}/account/password/forgot"},
        )
    assert page.status_code == 400
    assert [told for told in entries("system:muniment", "mail.send") if ada.user_id in told.text] == []


def test_a_forwarded_host_changes_no_link(ada: Person, mails: Mails) -> None:
    with ada.client() as client:
        client.headers["X-Forwarded-Host"] = "evil.example"
        submit(client, "/account/password/forgot", {"email": ada.email})
    assert "evil.example" not in mails(ada.email, "new password").get_content()


def test_opening_the_link_proves_no_address_and_its_button_does_once(
    installation: Installation, unproven: Person, in_server: InServer, entries: Entries
) -> None:
    path = "/account/address/" + in_server(CONFIRM.format(seconds=0, user=unproven.user_id))
    with unproven.client() as client:
        assert client.get(path).status_code == 200
        assert not proven(installation, unproven)
        assert submit(client, path, {}).url.path == "/account/login"
        assert proven(installation, unproven)
        assert client.get(path).status_code == 410
    (told,) = entries(unproven.subject, "user.change")
    assert told.labels == {"changed": "address-proven"}


@pytest.mark.parametrize(("days", "status"), [(2, 200), (4, 410)])
def test_an_address_can_be_proven_for_three_days(unproven: Person, in_server: InServer, days: int, status: int) -> None:
    key = in_server(CONFIRM.format(seconds=86400 * days, user=unproven.user_id))
    with unproven.client() as client:
        assert client.get(f"/account/address/{key}").status_code == status


def test_a_link_for_one_address_proves_no_other(
    installation: Installation, unproven: Person, in_server: InServer
) -> None:
    key = in_server(CONFIRM.format(seconds=0, user=unproven.user_id))
    number, _, rest = key.partition(":")
    with unproven.client() as client:
        for forged in (f"{number}A:{rest}", f"MQ:{rest}", key[:-1], key + "A"):
            assert client.get(f"/account/address/{forged}").status_code == 410, forged
    assert not proven(installation, unproven)


def test_the_password_of_an_unproven_address_tells_nobody_but_its_owner(unproven: Person) -> None:
    def answer(password: str) -> httpx.Response:
        with unproven.client() as client:
            return submit(client, "/account/login", {"email": unproven.email, "password": password})

    assert "Prove your address" in answer(unproven.password).text
    wrong = answer("not the password")
    assert wrong.status_code == 422
    assert "Prove your address" not in wrong.text


def test_nobody_changes_an_address_as_no_page_does(ada: Person) -> None:
    with ada.signed_in() as client:
        page = submit(client, "/account", {"name": "Ada King", "email": "thief@people.example"})
        assert ada.email in page.text
        assert "thief@people.example" not in page.text
        assert "Ada King" in page.text
