"""The second factor is asked of everybody from the second sign-in on, and nothing turns that off."""

import ast
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.core import signing

import muniment.server
from tests.support.browser import totp
from tests.support.people import Person, make_person, submit
from tests.support.servers import Installation, Tenant

SERVER = Path(muniment.server.__file__).parent
CODES = re.compile(r"(?:^|<code>)([2-9a-z]{5}-[2-9a-z]{5})$", re.MULTILINE)


def enrol_app(client: httpx.Client, **fields: str) -> tuple[str, httpx.Response]:
    """Add an authenticator app as a person would; its secret and the page that followed."""
    page = client.get("/account/second-factors/new")
    found = re.search(r"<code>([A-Z2-7 ]{39})</code>", page.text)
    assert found, page.text
    secret = found[1].replace(" ", "")
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
    assert token
    data = {"csrfmiddlewaretoken": token[1], "code": totp(secret), **fields}
    return secret, client.post("/account/second-factors/app", data=data)


def without_factor(installation: Installation, tenant: Tenant, *, sign_ins: int) -> Person:
    return make_person(installation, tenant, second_factor=False, sign_ins=sign_ins)


def test_the_first_sign_in_goes_on_without_and_every_page_says_so(installation: Installation, tenant: Tenant) -> None:
    eve = without_factor(installation, tenant, sign_ins=0)
    with eve.signed_in() as client:
        for path in ("/account", "/account/sessions"):
            page = client.get(path)
            assert page.url.path == path
            assert "nothing opens without one" in page.text


def test_the_second_sign_in_leads_to_adding_one_wherever_one_goes(installation: Installation, tenant: Tenant) -> None:
    eve = without_factor(installation, tenant, sign_ins=1)
    with eve.signed_in() as client:
        for path in ("/account", "/account/sessions", f"/t/{tenant.made.slug}/members", "/account/password"):
            assert client.get(path).url.path.endswith("/account/second-factors/new"), path
        asked = client.get("/api/entries", headers={"X-Tenant": tenant.made.slug})
        assert asked.status_code == 403
        assert asked.json()["type"].endswith(":step-up-needed")
        with tenant.client("read") as machine:
            # What an API key may do does not depend on a cookie that came along.
            machine.cookies = client.cookies
            assert machine.get("/api/entries").status_code == 200


def test_a_tenant_can_ask_for_it_at_the_first_sign_in(installation: Installation, tenant: Tenant) -> None:
    with installation.database.connect("superuser", autocommit=True) as connection:
        connection.execute(
            "UPDATE django.tenants_profile SET mfa_from_first_login = true WHERE tenant_id = %s",
            [tenant.made.tenant_id],
        )
    eve = without_factor(installation, tenant, sign_ins=0)
    with eve.signed_in() as client:
        assert client.get("/account").url.path == "/account/second-factors/new"


def test_adding_an_app_gives_recovery_codes_once_and_opens_everything(
    installation: Installation, tenant: Tenant, entries: Callable[..., list[Any]]
) -> None:
    eve = without_factor(installation, tenant, sign_ins=1)
    with eve.signed_in() as client:
        before = client.cookies["muniment_session"]
        secret, page = enrol_app(client)
        codes = CODES.findall(page.text)
        assert len(set(codes)) == 10
        assert client.cookies["muniment_session"] != before
        assert client.get("/account").url.path == "/account"
        assert not CODES.findall(client.get("/account/second-factors/recovery-codes").text)
    eve.secret = secret
    with eve.signed_in() as client:
        assert client.get("/account").url.path == "/account"
    assert [told.labels["change"] for told in entries(eve.subject, "mfa.change")] == ["added"]
    assert secret not in entries(eve.subject, "mfa.change")[0].text


def test_a_wrong_first_code_adds_nothing(installation: Installation, tenant: Tenant) -> None:
    eve = without_factor(installation, tenant, sign_ins=1)
    with eve.signed_in() as client:
        page = submit(client, "/account/second-factors/new", {})
        assert page.status_code == 405
        _secret, page = enrol_app(client, code="000000")
        assert page.status_code == 422
        assert client.get("/account").url.path == "/account/second-factors/new"


def test_a_recovery_code_opens_once_and_its_use_is_recorded(
    installation: Installation, tenant: Tenant, entries: Callable[..., list[Any]]
) -> None:
    eve = without_factor(installation, tenant, sign_ins=1)
    with eve.signed_in() as client:
        _secret, page = enrol_app(client)
    code = CODES.findall(page.text)[3]
    with eve.client() as client:
        submit(client, "/account/login", {"email": eve.email, "password": eve.password})
        shouted = code.upper().replace("-", " ")
        assert submit(client, "/account/second-factor", {"code": shouted}).url.path != "/account/second-factor"
    with eve.client() as client:
        submit(client, "/account/login", {"email": eve.email, "password": eve.password})
        assert submit(client, "/account/second-factor", {"code": code}).status_code == 422
    used = [told for told in entries(eve.subject, "mfa.verify") if told.labels.get("factor") == "recovery_codes"]
    assert [told.labels["recovery_codes_left"] for told in used] == ["9"]


def age_factor(installation: Installation, client: httpx.Client, seconds: float) -> None:
    """As if the second factor in this session had been given earlier (or, below 0, later)."""
    session_edit(installation, client, lambda data: [row.update(at=row["at"] - seconds) for row in _records(data)])


def _records(data: dict[str, Any]) -> list[dict[str, Any]]:
    return list(data["account_authentication_methods"])


def session_edit(installation: Installation, client: httpx.Client, change: Callable[[dict[str, Any]], object]) -> None:
    """Change what a session holds, with the server's own key."""
    key = (installation.places.keys / "web.key").read_text().strip()
    signer = signing.TimestampSigner(key=key, salt="django.contrib.sessions.SessionStore", fallback_keys=[])
    with installation.database.connect("superuser", autocommit=True) as connection:
        row = connection.execute(
            "SELECT session_data FROM django.django_session WHERE session_key = %s",
            [client.cookies["muniment_session"]],
        ).fetchone()
        assert row
        data = signer.unsign_object(row[0], serializer=signing.JSONSerializer)
        change(data)
        connection.execute(
            "UPDATE django.django_session SET session_data = %s WHERE session_key = %s",
            [
                signer.sign_object(data, serializer=signing.JSONSerializer, compress=True),
                client.cookies["muniment_session"],
            ],
        )


def test_a_step_up_is_asked_for_when_the_factor_is_old_and_refreshes_it(
    installation: Installation, ada: Person, entries: Callable[..., list[Any]]
) -> None:
    with ada.signed_in() as client:
        assert client.get("/account/second-factors/recovery-codes").url.path == "/account/second-factors/recovery-codes"
        age_factor(installation, client, 301)
        page = client.get("/account/second-factors/recovery-codes")
        assert page.url.path == "/account/step-up"
        before = client.cookies["muniment_session"]
        ada.forget_used_codes()
        page = submit(client, str(page.url), {"code": ada.code(), "next": "/account/second-factors/recovery-codes"})
        assert page.url.path == "/account/second-factors/recovery-codes"
        assert client.cookies["muniment_session"] != before
        # The same code, sent once more, is no second proof.
        age_factor(installation, client, 301)
        assert submit(client, "/account/step-up", {"code": ada.code()}).status_code == 422
    assert [told.outcome for told in entries(ada.subject, "mfa.verify")] == ["success", "success", "failure"]


def test_a_factor_from_the_future_is_not_fresh(installation: Installation, ada: Person) -> None:
    with ada.signed_in() as client:
        age_factor(installation, client, -600)
        assert client.get("/account/password").url.path == "/account/step-up"


def test_a_session_without_the_factor_that_the_account_has_opens_nothing(
    installation: Installation, ada: Person, tenant: Tenant
) -> None:
    with ada.signed_in() as client:
        session_edit(
            installation,
            client,
            lambda data: data.update(account_authentication_methods=[{"method": "password", "at": time.time()}]),
        )
        assert client.get("/account").url.path == "/account/step-up"
        assert client.get("/api/entries", headers={"X-Tenant": tenant.made.slug}).status_code == 403


@pytest.mark.parametrize("address", ["//evil.example", "/\\evil.example", "https:evil.example", "/%2f%2fevil.example"])
def test_a_step_up_leads_to_no_other_server(installation: Installation, ada: Person, address: str) -> None:
    with ada.signed_in() as client:
        page = client.get("/account/step-up", params={"next": address})
        assert "evil.example" not in page.text
        ada.forget_used_codes()
        page = submit(client, "/account/step-up", {"code": ada.code(), "next": address})
        assert page.url.host == "localhost"
        assert page.url.path == "/account"


def factor_numbers(installation: Installation, person: Person) -> list[int]:
    with installation.database.connect("superuser", autocommit=True) as connection:
        rows = connection.execute(
            "SELECT id FROM django.mfa_authenticator WHERE user_id = %s AND type <> 'recovery_codes' ORDER BY id",
            [person.user_id],
        ).fetchall()
    return [row[0] for row in rows]


def test_the_last_factor_cannot_be_removed(installation: Installation, ada: Person) -> None:
    (number,) = factor_numbers(installation, ada)
    with ada.signed_in() as client:
        page = submit(client, f"/account/second-factors/{number}/remove", {})
        assert "last authenticator cannot be removed" in page.text
    assert factor_numbers(installation, ada) == [number]


def test_nobody_removes_the_factor_of_another(installation: Installation, tenant: Tenant, ada: Person) -> None:
    eve = make_person(installation, tenant)
    (number,) = factor_numbers(installation, ada)
    with eve.signed_in() as client:
        token = re.search(r'value="(\w{64})"', client.get("/account/password").text)
        assert token
        client.post(f"/account/second-factors/{number}/remove", data={"csrfmiddlewaretoken": token[1]})
    assert factor_numbers(installation, ada) == [number]


def test_a_second_app_is_refused(installation: Installation, ada: Person) -> None:
    with ada.signed_in() as client:
        page = client.get("/account/second-factors/new")
        assert "An authenticator app" not in page.text
        token = re.search(r'value="(\w{64})"', page.text)
        assert token
        page = client.post("/account/second-factors/app", data={"csrfmiddlewaretoken": token[1], "code": "000000"})
        assert page.status_code == 422
    assert len(factor_numbers(installation, ada)) == 1


def test_secrets_are_sealed_for_their_person(
    installation: Installation, tenant: Tenant, ada: Person, entries: Callable[..., list[Any]]
) -> None:
    eve = make_person(installation, tenant)
    with installation.database.connect("superuser", autocommit=True) as connection:
        rows = connection.execute("SELECT data::text FROM django.mfa_authenticator").fetchall()
        assert not [text for (text,) in rows if ada.secret in text]
        # An attacker with the table writes a secret that they know into another person's row.
        connection.execute(
            "UPDATE django.mfa_authenticator SET data = (SELECT data FROM django.mfa_authenticator "
            "WHERE user_id = %s) WHERE user_id = %s",
            [eve.user_id, ada.user_id],
        )
    with ada.client() as client:
        submit(client, "/account/login", {"email": ada.email, "password": ada.password})
        page = submit(client, "/account/second-factor", {"code": eve.code()})
        assert page.status_code == 422
        assert client.get("/account").url.path == "/account/login"
    (told,) = entries(ada.subject, "mfa.verify")
    assert (told.outcome, told.labels["reason"]) == ("failure", "secret-does-not-open")


def test_no_setting_flag_or_variable_reaches_the_second_factor() -> None:
    """What decides is read here as code: it names no setting but the cookie's and the address of static files."""
    for name in ("middleware.py", "stages.py", "factors.py", "tenancies.py", "codes.py"):
        tree = ast.parse((SERVER / "accounts" / name).read_text())
        read = {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "settings"
        }
        assert read <= {"SESSION_COOKIE_NAME", "SESSION_COOKIE_AGE", "STATIC_URL"}, name
        assert "environ" not in ast.unparse(tree), name
    settings = (SERVER / "settings.py").read_text()
    for forbidden in ("TRUST_ENABLED", "BYPASS", "MFA_REQUIRED", "DISABLE_MFA", "PASSKEY_SIGNUP", "LOGIN_BY_CODE"):
        assert forbidden not in settings
    assert re.search(r'^    "muniment\.server\.accounts\.middleware\.RequireSecondFactor",$', settings, re.MULTILINE)
    environment = set(re.findall(r"MUNIMENT_[A-Z_]+", "".join(path.read_text() for path in SERVER.rglob("*.py"))))
    assert not {name for name in environment if re.search(r"MFA|FACTOR|TOTP|SKIP|INSECURE|NO_", name)}
