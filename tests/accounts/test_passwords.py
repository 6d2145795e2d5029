"""Passwords: what is good enough, changing one, and a link for somebody who forgot it."""

import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from muniment.server.accounts.breaches import UnreachableError, is_breached
from tests.support.people import Person, make_person, submit
from tests.support.servers import Installation, Tenant

Entries = Callable[..., list[Any]]
GOOD = "seven quiet herons wade"


def change(person: Person, client: Any, password: str, present: str | None = None) -> Any:
    return submit(client, "/account/password", {"present": present or person.password, "password": password})


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("short-1!", "Too short"),
        ("password1234", "too common|Too easy"),
        ("aaaaaaaaaaaaaaaa", "Too easy"),
        ("Ada Byron 2024", "Too easy"),
        ("ada byron ada byron", "Too easy"),
        ("adabyron1815", "Too easy"),
        ("1234567890123", "common|Too easy"),
    ],
)
def test_a_weak_password_is_refused_with_the_reason(ada: Person, password: str, said: str) -> None:
    with ada.signed_in() as client:
        page = change(ada, client, password)
        assert page.status_code == 422
        assert re.search(said, page.text)
        assert password not in page.text


def test_a_change_signs_out_everywhere_else_and_is_recorded(
    ada: Person, entries: Entries, mails: Callable[..., EmailMessage]
) -> None:
    with ada.signed_in() as here, ada.signed_in() as there:
        key = here.cookies["muniment_session"]
        page = change(ada, here, GOOD)
        assert "Your password was changed" in page.text
        assert here.cookies["muniment_session"] != key
        assert there.get("/account").url.path == "/account/login"
    (told,) = entries(ada.subject, "user.change")
    assert told.labels == {"changed": "password", "sessions": "1"}
    assert GOOD not in told.text
    mails(ada.email, "was changed")
    ada.password = GOOD
    with ada.signed_in() as client:
        assert client.get("/account").url.path == "/account"


def test_the_present_password_cannot_be_guessed_here(ada: Person) -> None:
    with ada.signed_in() as client:
        answers = [change(ada, client, GOOD, present="a wrong guess").status_code for _ in range(7)]
    assert answers == [422] * 6 + [429]


def reset_link(message: EmailMessage) -> str:
    found = re.search(r"http://localhost:\d+(/\S+)", message.get_content())
    assert found
    return found[1]


def test_a_reset_link_works_once_and_leaves_the_second_factor(
    ada: Person, mails: Callable[..., EmailMessage], entries: Entries
) -> None:
    with ada.signed_in() as inside, ada.client() as client:
        page = submit(client, "/account/password/forgot", {"email": ada.email.upper()})
        assert "If somebody here has that address" in page.text
        link = reset_link(mails(ada.email, "new password"))
        assert submit(client, link, {"password": "short"}).status_code == 422
        assert "Your password was changed" in submit(client, link, {"password": GOOD}).text
        assert client.get(link).status_code == 410
        assert inside.get("/account").url.path == "/account/login"
    ada.password = GOOD
    with ada.client() as client:
        page = submit(client, "/account/login", {"email": ada.email, "password": GOOD})
        assert page.url.path == "/account/second-factor"
    assert entries(ada.subject, "user.change")[0].labels["method"] == "mail-link"


def test_a_link_for_one_does_not_open_another(
    installation: Installation, tenant: Tenant, ada: Person, mails: Callable[..., EmailMessage]
) -> None:
    eve = make_person(installation, tenant)
    with eve.client() as client:
        submit(client, "/account/password/forgot", {"email": eve.email})
        link = reset_link(mails(eve.email, "new password"))
        assert client.get(link.replace(eve.user_id, ada.user_id)).status_code == 410
        assert client.get(link[:-3] + "aaa").status_code == 410


def test_asking_for_a_link_does_not_tell_who_has_an_account(ada: Person) -> None:
    with ada.client() as client:
        known = submit(client, "/account/password/forgot", {"email": ada.email})
        unknown = submit(client, "/account/password/forgot", {"email": "nobody@people.example"})
    assert (known.status_code, known.url) == (unknown.status_code, unknown.url)
    without_token = [re.sub(r"[A-Za-z0-9]{64}", "token", page.text) for page in (known, unknown)]
    assert without_token[0] == without_token[1]


class Range(BaseHTTPRequestHandler):
    """Answers a k-anonymity range with what its server was given."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        body = self.server.body  # type: ignore[attr-defined]
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        del args


@pytest.fixture
def breaches() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Range)
    server.asked, server.body, server.status = [], b"", 200
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_breach_service_learns_five_digits_and_its_answer_counts(breaches: Any) -> None:
    digest = hashlib.sha1(GOOD.encode(), usedforsecurity=False).hexdigest().upper()
    url = f"http://127.0.0.1:{breaches.server_port}/range/"
    breaches.body = f"{'0' * 35}:3\r\n{digest[5:]}:17\r\n".encode()
    assert is_breached(GOOD, url)
    # A padded answer names suffixes with a count of nought.
    breaches.body = f"{digest[5:]}:0\r\n".encode()
    assert not is_breached(GOOD, url)
    assert breaches.asked == [f"/range/{digest[:5]}"] * 2


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_breach_service_that_gives_no_answer_is_said_to_have_given_none(breaches: Any, status: int) -> None:
    breaches.status = status
    with pytest.raises(UnreachableError):
        is_breached(GOOD, f"http://127.0.0.1:{breaches.server_port}/range/")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "http://127.0.0.1:1/range/"])
def test_a_breach_service_elsewhere_is_unreachable(url: str) -> None:
    with pytest.raises(UnreachableError):
        is_breached(GOOD, url)
