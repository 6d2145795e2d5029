"""Sessions and one-time codes against whoever changes, copies, keeps or races them."""

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.accounts.test_second_factor import CODES, enrol_app, session_edit
from tests.support.people import Person, csrf_token, make_person, submit
from tests.support.servers import Installation, Tenant

Entries = Callable[..., list[Any]]
GOOD = "seven quiet herons wade"


def first_step(client: httpx.Client, person: Person) -> httpx.Response:
    page = submit(client, "/account/login", {"email": person.email, "password": person.password})
    assert page.url.path == "/account/second-factor"
    return page


def at_once(person: Person, code: str, count: int) -> list[int]:
    """The statuses of as many second steps with one code, sent together by browsers of their own."""
    clients = [person.client() for _ in range(count)]
    try:
        tokens = [csrf_token(first_step(client, person)) for client in clients]

        def send(at: int) -> int:
            data = {"csrfmiddlewaretoken": tokens[at], "code": code}
            return clients[at].post("/account/second-factor", data=data, follow_redirects=False).status_code

        with ThreadPoolExecutor(count) as pool:
            return sorted(pool.map(send, range(count)))
    finally:
        for client in clients:
            client.close()


def taken_once(statuses: list[int]) -> bool:
    """One got in; each of the others was told that it is wrong, or that there were too many."""
    return statuses[0] == 302 and set(statuses[1:]) <= {422, 429}


def test_a_code_that_several_send_at_once_is_taken_once(ada: Person) -> None:
    assert taken_once(at_once(ada, ada.code(), 4))


def test_a_recovery_code_that_several_send_at_once_is_taken_once(
    installation: Installation, tenant: Tenant, entries: Entries
) -> None:
    eve = make_person(installation, tenant, second_factor=False, sign_ins=1)
    with eve.signed_in() as client:
        _secret, page = enrol_app(client)
    assert taken_once(at_once(eve, CODES.findall(page.text)[0], 4))
    taken = [told for told in entries(eve.subject, "mfa.verify") if told.outcome == "success"]
    assert [told.labels["recovery_codes_left"] for told in taken] == ["9"]


def test_new_recovery_codes_put_the_old_ones_out_of_use(
    installation: Installation, tenant: Tenant, entries: Entries
) -> None:
    eve = make_person(installation, tenant, second_factor=False, sign_ins=1)
    with eve.signed_in() as client:
        _secret, page = enrol_app(client)
        old = CODES.findall(page.text)
        fresh = submit(client, "/account/second-factors/recovery-codes", {})
        assert fresh.headers["Cache-Control"] == "no-store"
        new = CODES.findall(fresh.text)
    assert len(new) == 10
    assert not set(old) & set(new)
    with eve.client() as client:
        first_step(client, eve)
        assert submit(client, "/account/second-factor", {"code": old[0]}).status_code == 422
        assert submit(client, "/account/second-factor", {"code": new[0]}).url.path != "/account/second-factor"
    (changed,) = [told for told in entries(eve.subject, "mfa.change") if told.labels["change"] == "renewed"]
    assert not [code for code in new if code in changed.text]


def test_recovery_codes_are_kept_sealed(installation: Installation, tenant: Tenant) -> None:
    eve = make_person(installation, tenant, second_factor=False, sign_ins=1)
    with eve.signed_in() as client:
        secret, page = enrol_app(client)
    with installation.database.connect("superuser", autocommit=True) as connection:
        kept = str(
            connection.execute(
                "SELECT array_agg(data) FROM django.mfa_authenticator WHERE user_id = %s", [eve.user_id]
            ).fetchone()
        )
    assert "codes" in kept
    for text in (secret, *CODES.findall(page.text), CODES.findall(page.text)[0].replace("-", "")):
        assert text not in kept


@pytest.mark.parametrize("code", ["", "٣٣٣٣٣٣", "000000\x00", "x" * 33, "12345", "1234567", "-----", "      "])
def test_what_is_no_code_is_refused(ada: Person, code: str) -> None:
    with ada.client() as client:
        first_step(client, ada)
        assert submit(client, "/account/second-factor", {"code": code}).status_code == 422
        assert client.get("/account").url.path == "/account/login"


def test_what_a_session_holds_cannot_be_written_without_the_servers_key(
    installation: Installation, tenant: Tenant, ada: Person
) -> None:
    eve = make_person(installation, tenant, "viewer")
    with (
        ada.signed_in() as admin,
        eve.signed_in() as client,
        installation.database.connect("superuser", autocommit=True) as connection,
    ):
        (data,) = connection.execute(
            "SELECT session_data FROM django.django_session WHERE session_key = %s",
            [client.cookies["muniment_session"]],
        ).fetchone() or ("",)
        changed = data[:5] + ("A" if data[5] != "A" else "B") + data[6:]
        connection.execute(
            "UPDATE django.django_session SET session_data = %s WHERE session_key = %s",
            [changed, client.cookies["muniment_session"]],
        )
        assert client.get("/account").url.path == "/account/login"
        assert admin.get("/account").url.path == "/account"


def test_a_sign_in_that_waits_is_over_once_its_password_was_changed(ada: Person) -> None:
    with ada.signed_in() as owner, ada.client() as thief:
        first_step(thief, ada)
        waiting = csrf_token(thief.get("/account/second-factor"))
        submit(owner, "/account/password", {"present": ada.password, "password": GOOD})
        ada.forget_used_codes()
        page = thief.post("/account/second-factor", data={"csrfmiddlewaretoken": waiting, "code": ada.code()})
        assert page.url.path == "/account/login"
        assert thief.get("/account").url.path == "/account/login"
        assert owner.get("/account").url.path == "/account"


def test_a_sign_in_waits_ten_minutes_for_its_second_factor(installation: Installation, ada: Person) -> None:
    with ada.client() as client:
        waiting = csrf_token(first_step(client, ada))
        session_edit(
            installation,
            client,
            lambda data: data["account_login"].update(initiated_at=data["account_login"]["initiated_at"] - 601),
        )
        page = client.post("/account/second-factor", data={"csrfmiddlewaretoken": waiting, "code": ada.code()})
        assert page.url.path == "/account/login"


def test_the_cookie_of_a_session_is_out_of_reach_of_scripts_and_other_sites(ada: Person) -> None:
    with ada.client() as client:
        first_step(client, ada)
        ada.forget_used_codes()
        token = csrf_token(client.get("/account/second-factor"))
        answer = client.post(
            "/account/second-factor",
            data={"csrfmiddlewaretoken": token, "code": ada.code()},
            follow_redirects=False,
        )
    (session,) = [one for one in answer.headers.get_list("set-cookie") if one.startswith("muniment_session=")]
    assert "HttpOnly" in session
    assert "SameSite=Lax" in session
    (device,) = [one for one in answer.headers.get_list("set-cookie") if one.startswith("muniment_device=")]
    assert "HttpOnly" in device
    assert ada.email not in device


def test_the_device_cookie_opens_nothing_and_belongs_to_one_account(
    installation: Installation, tenant: Tenant, ada: Person
) -> None:
    eve = make_person(installation, tenant)
    with ada.client() as client:
        ada.sign_in(client)
        device = client.cookies["muniment_device"]
    with ada.client() as client:
        client.cookies.set("muniment_device", device)
        assert client.get("/account").url.path == "/account/login"
        first_step(client, ada)
    with eve.client() as client:
        for _ in range(6):
            submit(client, "/account/login", {"email": eve.email, "password": "not the password"})
        client.cookies.set("muniment_device", device)
        # Another account's mark, or a changed one, does not count apart.
        assert submit(client, "/account/login", {"email": eve.email, "password": eve.password}).status_code == 429
        client.cookies.set("muniment_device", device[:-2] + "xx")
        assert submit(client, "/account/login", {"email": eve.email, "password": eve.password}).status_code == 429


@pytest.mark.parametrize("header", ["Basic eDp5", "Bearer", "Bearer mk_nothing", ""])
def test_a_session_without_second_factor_gets_nothing_by_a_header_that_is_no_key(
    installation: Installation, tenant: Tenant, header: str
) -> None:
    eve = make_person(installation, tenant, second_factor=False, sign_ins=3)
    with eve.signed_in() as client:
        for path in ("/api/entries", "/api/trail", "/api/members"):
            answer = client.get(f"/t/{tenant.made.slug}{path}", headers={"Authorization": header})
            assert answer.status_code == 401, path


def test_a_session_is_not_signed_out_by_a_link(ada: Person) -> None:
    with ada.signed_in() as client:
        assert "<form" in client.get("/account/logout").text
        assert client.post("/account/logout").status_code == 403
        assert client.get("/account").url.path == "/account"


def test_the_list_shows_ones_own_sessions_alone_and_escapes_what_browsers_say(
    installation: Installation, tenant: Tenant, ada: Person
) -> None:
    eve = make_person(installation, tenant)
    with eve.client() as other, ada.client() as odd, ada.signed_in() as client:
        other.headers["User-Agent"] = "Eve's own browser"
        eve.sign_in(other)
        odd.headers["User-Agent"] = "<script>alert(1)</script>"
        ada.sign_in(odd)
        page = client.get("/account/sessions").text
    assert "Eve" not in page
    assert "<script>alert(1)" not in page
    assert len(re.findall(r'name="session" value="\d+"', page)) == 1


@pytest.mark.parametrize("number", ["0", "-1", "9" * 18, "9" * 30, "١", "1; DROP TABLE", ""])
def test_a_session_that_is_none_is_not_ended_and_not_a_fault(ada: Person, number: str) -> None:
    with ada.signed_in() as client:
        page = submit(client, "/account/sessions", {"session": number})
        assert page.status_code == 200
        assert "no such session" in page.text or "Say which session" in page.text
        assert client.get("/account").url.path == "/account"


def came_by_sso(installation: Installation, client: httpx.Client, *, factor_seconds_ago: float | None) -> None:
    """As if the session had begun at an identity provider just now."""

    def change(data: dict[str, Any]) -> None:
        now = time.time()
        data["account_authentication_methods"] = [{"method": "socialaccount", "provider": "idp", "uid": "1", "at": now}]
        if factor_seconds_ago is not None:
            data["account_authentication_methods"].append({"method": "mfa", "at": now - factor_seconds_ago})

    session_edit(installation, client, change)


def without_password(installation: Installation, person: Person) -> None:
    """Somebody who signs in by single sign-on alone."""
    with installation.database.connect("superuser", autocommit=True) as connection:
        connection.execute("UPDATE django.accounts_user SET password = '!unusable' WHERE id = %s", [person.user_id])


def test_single_sign_on_just_now_is_no_fresh_second_factor(
    installation: Installation, tenant: Tenant, ada: Person
) -> None:
    slug = tenant.made.slug
    with ada.signed_in(tenant=slug) as client:
        came_by_sso(installation, client, factor_seconds_ago=301)
        for path in ("/account/password", "/account/second-factors/recovery-codes", "/account/second-factors/new"):
            assert client.get(path).url.path == "/account/step-up", path
        token = csrf_token(client.get("/account"))
        made = client.post(f"/t/{slug}/api/groups", json={"name": "Team"}, headers={"X-CSRFToken": token})
        assert made.status_code == 403
        assert made.json()["type"].endswith(":step-up-needed")
        came_by_sso(installation, client, factor_seconds_ago=10)
        made = client.post(f"/t/{slug}/api/groups", json={"name": "Team"}, headers={"X-CSRFToken": token})
        assert made.status_code < 300


@pytest.mark.parametrize("second_factor", [True, False])
def test_single_sign_on_opens_nothing_without_a_second_factor_given_here(
    installation: Installation, tenant: Tenant, second_factor: bool
) -> None:
    eve = make_person(installation, tenant, second_factor=second_factor, sign_ins=3)
    with eve.signed_in() as client:
        came_by_sso(installation, client, factor_seconds_ago=None)
        there = "/account/step-up" if second_factor else "/account/second-factors/new"
        assert client.get("/account").url.path == there
        assert client.get(f"/t/{tenant.made.slug}/api/entries").status_code == 403


def test_somebody_without_a_password_can_neither_guess_nor_reset_one(
    installation: Installation, ada: Person, entries: Entries
) -> None:
    without_password(installation, ada)
    with ada.client() as client:
        for guess in ("unusable", "!unusable", "!"):
            assert submit(client, "/account/login", {"email": ada.email, "password": guess}).status_code == 422
        sent = submit(client, "/account/password/forgot", {"email": ada.email})
        assert sent.url.path == "/account/password/forgot/sent"
    assert [told for told in entries("system:muniment", "mail.send") if ada.user_id in told.text] == []
