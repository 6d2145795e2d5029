"""Signing in with a password and a second factor, and everything that tries to get around one of them."""

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.support.browser import totp
from tests.support.people import Person, csrf_token, forget_failures, make_person, submit
from tests.support.servers import Installation, Tenant

Entries = Callable[..., list[Any]]


def alert(page: httpx.Response) -> str:
    """What the form complains of."""
    found = re.search(r'role="alert"[^>]*>(.*?)</div>', page.text, re.DOTALL)
    return re.sub(r"<[^>]*>", " ", found[1]).strip() if found else ""


def test_password_and_code_open_the_account_page(ada: Person) -> None:
    with ada.signed_in() as client:
        page = client.get("/account")
    assert page.status_code == 200
    assert page.url.path == "/account"
    assert "Account security" in page.text


def test_a_password_alone_opens_nothing_between_the_two_steps(ada: Person, tenant: Tenant) -> None:
    with ada.client() as client:
        waiting = submit(client, "/account/login", {"email": ada.email, "password": ada.password})
        assert waiting.url.path == "/account/second-factor"
        for path in ("/account", "/account/sessions", "/account/second-factors/new", "/account/step-up"):
            assert client.get(path).url.path == "/account/login", path
        asked = client.get("/api/entries", headers={"X-Tenant": tenant.made.slug}, follow_redirects=False)
    assert asked.status_code == 401


def test_a_code_is_taken_once(ada: Person) -> None:
    code = ada.code()
    with ada.client() as client, ada.client() as thief:
        submit(client, "/account/login", {"email": ada.email, "password": ada.password})
        submit(thief, "/account/login", {"email": ada.email, "password": ada.password})
        assert submit(client, "/account/second-factor", {"code": code}).url.path != "/account/second-factor"
        again = submit(thief, "/account/second-factor", {"code": code})
    assert again.status_code == 422
    assert "used before" in again.text


@pytest.mark.parametrize("minutes", [-60, -2, 2, 60])
def test_a_code_of_another_time_is_refused(ada: Person, minutes: int) -> None:
    import time

    assert ada.secret is not None
    with ada.client() as client:
        submit(client, "/account/login", {"email": ada.email, "password": ada.password})
        page = submit(client, "/account/second-factor", {"code": totp(ada.secret, at=time.time() + 60 * minutes)})
    assert page.status_code == 422


def test_guessing_codes_ends_in_waiting_and_is_recorded(ada: Person, entries: Entries) -> None:
    with ada.client() as client:
        submit(client, "/account/login", {"email": ada.email, "password": ada.password})
        answers = [submit(client, "/account/second-factor", {"code": "000000"}) for _ in range(7)]
        right = submit(client, "/account/second-factor", {"code": ada.code()})
    assert [page.status_code for page in answers] == [422] * 6 + [429]
    assert right.status_code == 429
    failures = [told for told in entries(ada.subject, "mfa.verify") if told.outcome == "failure"]
    assert len(failures) == 6
    assert int(failures[-1].labels["locked_seconds"]) >= 30


def test_a_stranger_who_guesses_does_not_shut_out_a_browser_that_signed_in_before(ada: Person) -> None:
    with ada.client() as own, ada.client() as stranger:
        ada.sign_in(own)
        submit(own, "/account/logout", {})
        for _ in range(6):
            wrong = submit(stranger, "/account/login", {"email": ada.email, "password": "not the password"})
            assert wrong.status_code == 422
        assert submit(stranger, "/account/login", {"email": ada.email, "password": ada.password}).status_code == 429
        assert submit(own, "/account/login", {"email": ada.email, "password": ada.password}).status_code == 200


def test_one_address_that_tries_many_accounts_has_to_wait(installation: Installation, ada: Person) -> None:
    with ada.client() as client:
        answers = [
            submit(client, "/account/login", {"email": f"nobody{at}@people.example", "password": "guess"}).status_code
            for at in range(22)
        ]
    assert answers[:21] == [422] * 21
    assert answers[-1] == 429
    forget_failures(installation)


def test_a_header_does_not_give_an_attacker_another_address(ada: Person) -> None:
    with ada.client() as client:
        for at in range(21):
            client.headers["X-Forwarded-For"] = f"198.51.100.{at}"
            submit(client, "/account/login", {"email": f"nobody{at}@people.example", "password": "guess"})
        client.headers["X-Forwarded-For"] = "203.0.113.1"
        page = submit(client, "/account/login", {"email": "one-more@people.example", "password": "guess"})
    assert page.status_code == 429


def test_whether_somebody_has_an_address_is_not_to_be_told(ada: Person) -> None:
    with ada.client() as client:
        known = submit(client, "/account/login", {"email": ada.email, "password": "wrong password"})
        unknown = submit(client, "/account/login", {"email": "nobody@people.example", "password": "wrong password"})
    assert known.status_code == unknown.status_code == 422
    assert alert(known) == alert(unknown) != ""


def test_a_login_is_recorded_in_both_logs_without_name_or_address(
    ada: Person, tenant: Tenant, entries: Entries
) -> None:
    with ada.signed_in(tenant=tenant.made.slug):
        pass
    for slug in ("installation", tenant.made.slug):
        (login,) = entries(ada.subject, "user.login", slug)
        assert login.labels == {"method": "password+mfa", "second_factor": "True"}
        assert ada.email not in login.text
        assert ada.name not in login.text
        assert [told.outcome for told in entries(ada.subject, "mfa.verify", slug)] == ["success"]


def test_another_tenant_is_not_told_of_a_login(installation: Installation, ada: Person, entries: Entries) -> None:
    other = installation.tenant()
    with ada.signed_in(tenant=other.made.slug):
        pass
    assert entries(ada.subject, "user.login", other.made.slug) == []
    assert len(entries(ada.subject, "user.login")) == 1


def test_a_failure_under_an_address_that_nobody_has_names_no_address(ada: Person, entries: Entries) -> None:
    before = len(entries("system:visitor", "user.login"))
    with ada.client() as client:
        submit(client, "/account/login", {"email": "ghost-7731@people.example", "password": "guess"})
    told = entries("system:visitor", "user.login")
    assert len(told) == before + 1
    assert told[-1].outcome == "failure"
    assert "ghost-7731" not in told[-1].text


def test_a_session_key_from_before_signing_in_is_worth_nothing(ada: Person) -> None:
    with ada.client() as client, ada.client() as attacker:
        client.get("/account/login")
        submit(client, "/account/login", {"email": ada.email, "password": ada.password})
        fixed = client.cookies["muniment_session"]
        ada.forget_used_codes()
        submit(client, "/account/second-factor", {"code": ada.code()})
        assert client.cookies["muniment_session"] != fixed
        attacker.cookies.set("muniment_session", fixed)
        assert attacker.get("/account").url.path == "/account/login"


def test_a_changed_session_cookie_is_nobodys(ada: Person) -> None:
    with ada.signed_in() as client:
        key = client.cookies["muniment_session"]
    with ada.client() as client:
        client.cookies.set("muniment_session", ("a" if key[0] != "a" else "b") + key[1:])
        assert client.get("/account").url.path == "/account/login"


def test_a_form_without_its_csrf_token_is_refused(ada: Person) -> None:
    with ada.client() as client:
        client.get("/account/login")
        page = client.post("/account/login", data={"email": ada.email, "password": ada.password})
    assert page.status_code == 403
    assert "muniment_session" not in client.cookies


def test_an_oversized_form_is_refused(ada: Person) -> None:
    with ada.client() as client:
        token = csrf_token(client.get("/account/login"))
        page = client.post(
            "/account/login",
            data={"csrfmiddlewaretoken": token, "email": ada.email, "password": "x" * (1_200_000)},
        )
        long = submit(client, "/account/login", {"email": ada.email, "password": "x" * 5000})
    assert page.status_code in (400, 413)
    assert long.status_code == 422


ELSEWHERE = (
    "//evil.example",
    "https://evil.example/",
    "https:evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/%2fevil.example",
    "/%5cevil.example",
    "/\tevil.example",
    "///evil.example",
    "javascript:alert(1)",
    "http://localhost@evil.example/",
)


@pytest.mark.parametrize("address", ELSEWHERE)
def test_signing_in_leads_to_no_other_server(ada: Person, address: str) -> None:
    with ada.client() as client:
        submit(client, "/account/login", {"email": ada.email, "password": ada.password, "next": address})
        ada.forget_used_codes()
        token = csrf_token(client.get("/account/second-factor"))
        answer = client.post(
            "/account/second-factor",
            data={"csrfmiddlewaretoken": token, "code": ada.code()},
            follow_redirects=False,
        )
        already = client.get("/account/login", params={"next": address}, follow_redirects=False)
    for response in (answer, already):
        assert response.status_code == 302
        location = response.headers["location"]
        assert location.startswith("/")
        assert "evil" not in location


def test_signing_in_leads_to_the_page_that_was_asked_for(ada: Person) -> None:
    with ada.client() as client:
        page = client.get("/account/sessions")
        assert page.url.path == "/account/login"
        assert page.url.params["next"] == "/account/sessions"
        submit(client, str(page.url), {"email": ada.email, "password": ada.password, "next": "/account/sessions"})
        ada.forget_used_codes()
        assert submit(client, "/account/second-factor", {"code": ada.code()}).url.path == "/account/sessions"


def test_there_is_no_open_sign_up(ada: Person) -> None:
    with ada.client() as client:
        for path in ("/account/signup", "/account/signup/", "/accounts/signup/", "/account/email", "/mfa/"):
            assert client.get(path).status_code == 404, path


def test_a_closed_account_does_not_sign_in(installation: Installation, ada: Person) -> None:
    with ada.signed_in() as inside, installation.database.connect("superuser", autocommit=True) as connection:
        connection.execute("UPDATE django.accounts_user SET is_active = false WHERE id = %s", [ada.user_id])
        assert inside.get("/account").url.path == "/account/login"
        with ada.client() as client:
            page = submit(client, "/account/login", {"email": ada.email, "password": ada.password})
    assert page.status_code == 422


def test_an_address_that_is_not_proven_does_not_sign_in_and_the_link_proves_it(
    installation: Installation, tenant: Tenant, mails: Callable[..., Any]
) -> None:
    eve = make_person(installation, tenant, "viewer")
    with installation.database.connect("superuser", autocommit=True) as connection:
        connection.execute("UPDATE django.account_emailaddress SET verified = false WHERE user_id = %s", [eve.user_id])
    with eve.client() as client:
        page = submit(client, "/account/login", {"email": eve.email, "password": eve.password})
        assert "Prove your address" in page.text
        assert client.get("/account").url.path == "/account/login"
        link = re.search(r"http://localhost:\d+(/\S+)", mails(eve.email, "Somebody signs in").get_content())
        assert link
        assert "Is" in client.get(link[1]).text
        submit(client, link[1], {})
        eve.sign_in(client)
        assert client.get("/account").url.path == "/account"
