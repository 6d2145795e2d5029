"""The first start: one link makes the first administrator, with a second factor, and works no more."""

import re
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from muniment.core.errors import Refused
from muniment.server.setup.tokens import forget_token, is_set_up, setup_address, setup_token
from tests.accounts.test_second_factor import CODES, enrol_app
from tests.support.people import csrf_token, submit
from tests.support.servers import Installation

Entries = Callable[..., list[Any]]
GOOD = "seven quiet herons wade"


def newcomer() -> dict[str, str]:
    return {"email": f"{secrets.token_hex(6)}@people.example", "name": "Grace Hopper", "password": GOOD}


def browsing(installation: Installation) -> httpx.Client:
    base = installation.url.replace("127.0.0.1", "localhost")
    return httpx.Client(verify=False, base_url=base, timeout=30, trust_env=False, follow_redirects=True)


@pytest.fixture
def link(not_set_up: Installation) -> Iterator[str]:
    """The path of the link that the first start prints."""
    with not_set_up.database.connect("app", autocommit=True) as connection:
        address = setup_address(not_set_up.places, connection, "http://localhost:8717")
    assert address is not None
    yield address.removeprefix("http://localhost:8717")
    forget_token(not_set_up.places)


def set_up(client: httpx.Client, link: str, **changed: str) -> tuple[dict[str, str], httpx.Response]:
    """Send the form of the link."""
    fields = {**newcomer(), "token": link.partition("token=")[2], **changed}
    return fields, submit(client, link, fields)


def account(installation: Installation, email: str) -> tuple[str, str] | None:
    """Id and hash of an account."""
    with installation.database.connect("superuser", autocommit=True) as connection:
        row = connection.execute(
            "SELECT id, password FROM django.accounts_user WHERE email = %s", [email.lower()]
        ).fetchone()
    return None if row is None else (row[0], row[1])


def test_the_link_makes_an_administrator_who_adds_an_app_and_then_opens_the_tenant(
    not_set_up: Installation, link: str, entries: Entries
) -> None:
    with browsing(not_set_up) as client:
        fields, page = set_up(client, link, email=f"Grace-{secrets.token_hex(4)}@People.example")
        assert page.url.path == "/account/second-factors/new"
        for path in ("/account", "/account/sessions", "/setup/passkey", "/t/default/", "/t/default/members"):
            assert client.get(path).url.path.endswith("/account/second-factors/new"), path
        _secret, page = enrol_app(client, next="/setup/passkey")
        assert len(CODES.findall(page.text)) == 10
        assert client.get("/setup/passkey").status_code == 200
        assert client.get("/t/default/members").status_code == 200
        assert client.get("/t/installation/members").status_code == 200
        assert client.get(link).status_code == 410
    made = account(not_set_up, fields["email"])
    assert made is not None
    assert made[1].startswith("argon2$argon2id$")
    subject = f"user:{made[0]}"
    (created,) = entries(subject, "user.create")
    assert created.labels == {"how": "setup"}
    for slug in ("installation", "default"):
        assert [told.labels["how"] for told in entries(subject, "member.join", slug)] == ["setup"]
    for told in (created, *entries(subject, "member.join"), *entries(subject, "user.login")):
        assert fields["email"].lower() not in told.text.lower()
        assert fields["name"] not in told.text
    assert not (not_set_up.places.run / "setup-token").exists()


def test_a_token_that_somebody_made_up_opens_no_form(not_set_up: Installation, link: str) -> None:
    with browsing(not_set_up) as client:
        for path in ("/setup", "/setup?token=", f"/setup?token={'a' * 43}", "/setup?token=%00", link[:-1]):
            page = client.get(path)
            assert page.status_code == 410, path
            assert "<form" not in page.text, path
        token = csrf_token(client.get("/account/login"))
        sent = client.post("/setup", data={"csrfmiddlewaretoken": token, "token": "a" * 43, **newcomer()})
        assert sent.status_code == 410


def test_guessing_tokens_ends_in_waiting(not_set_up: Installation, link: str) -> None:
    with browsing(not_set_up) as client:
        answers = [client.get(f"/setup?token={at:043d}").status_code for at in range(13)]
    assert answers == [410] * 11 + [429] * 2


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("password", "short-1!", "Too short"),
        ("password", "grace hopper grace", "Too easy"),
        ("email", "not an address", "valid email"),
        ("name", "", "required"),
        ("name", "x" * 129, "at most 128"),
    ],
)
def test_what_cannot_be_taken_is_named_and_the_link_still_works(
    not_set_up: Installation, link: str, field: str, value: str, said: str
) -> None:
    with browsing(not_set_up) as client:
        fields, page = set_up(client, link, **{field: value})
        assert page.status_code == 422
        assert said in page.text
        assert account(not_set_up, fields["email"]) is None
        assert client.get(link).status_code == 200


def test_of_two_who_use_the_link_at_once_one_is_made(not_set_up: Installation, link: str) -> None:
    token = link.partition("token=")[2]

    def send(_at: int) -> tuple[str, int]:
        with browsing(not_set_up) as client:
            csrf = csrf_token(client.get("/account/login"))
            fields = newcomer()
            answer = client.post(
                "/setup", data={"csrfmiddlewaretoken": csrf, "token": token, **fields}, follow_redirects=False
            )
            return fields["email"], answer.status_code

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(send, range(4)))
    made = [email for email, _status in answers if account(not_set_up, email) is not None]
    assert len(made) == 1
    assert sorted(status for _email, status in answers)[0] == 302
    assert {status for email, status in answers if email not in made} <= {410, 422, 429}


def test_once_somebody_is_there_no_token_works(not_set_up: Installation, link: str) -> None:
    with browsing(not_set_up) as client:
        set_up(client, link)
        # Whoever can write to the home makes another one.
        again = f"/setup?token={setup_token(not_set_up.places)}"
        assert client.get(again).status_code == 410
    with not_set_up.database.connect("app", autocommit=True) as connection:
        assert is_set_up(connection)
        assert setup_address(not_set_up.places, connection, "http://localhost:8717") is None
    assert not (not_set_up.places.run / "setup-token").exists()


def test_a_token_that_others_can_read_is_refused(not_set_up: Installation, link: str) -> None:
    path = not_set_up.places.run / "setup-token"
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(Refused, match="can be read by others"):
        setup_token(not_set_up.places)


def test_the_form_is_refused_without_its_csrf_token(not_set_up: Installation, link: str) -> None:
    with browsing(not_set_up) as client:
        client.get(link)
        fields = {**newcomer(), "token": link.partition("token=")[2]}
        assert client.post("/setup", data=fields).status_code == 403
    assert account(not_set_up, fields["email"]) is None


def test_the_session_from_before_is_not_the_administrators(not_set_up: Installation, link: str) -> None:
    with browsing(not_set_up) as client, browsing(not_set_up) as thief:
        client.cookies.set("muniment_session", "fixed0fixed0fixed0fixed0fixed0fi")
        thief.cookies.set("muniment_session", "fixed0fixed0fixed0fixed0fixed0fi")
        set_up(client, link)
        assert re.search("authenticator", client.get("/account/second-factors/new").text)
        assert thief.get("/account").url.path == "/account/login"
