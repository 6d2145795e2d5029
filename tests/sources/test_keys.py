"""API keys and service accounts: shown once, never again, made and revoked by those who may, each step an entry."""

import re

import httpx
import pytest
from playwright.sync_api import Browser

from tests.sources.ageing import age_second_factor
from tests.support.browser import visiting
from tests.support.people import Person, csrf_token, hand_over, make_person, submit
from tests.support.servers import Installation, Tenant, client_with

TOKEN = re.compile(r"mk_[0-9A-Z]{26}_[A-Za-z0-9_-]{43}")
EVENT = {"action": "tool.call", "actor": {"type": "agent", "id": "agent:test"}, "outcome": "success"}


@pytest.fixture
def ada(installation: Installation, tenant: Tenant) -> Person:
    return make_person(installation, tenant)


def make_key(client: httpx.Client, tenant: Tenant, label: str = "Deploy bot", **fields: str) -> str:
    page = submit(client, f"/t/{tenant.made.slug}/keys/new", {"label": label, "scope": "append", **fields})
    assert page.status_code == 200, page.text
    found = set(TOKEN.findall(page.text))
    assert len(found) == 1, page.text
    return found.pop()


def recorded(tenant: Tenant, action: str, actor: str) -> list[str]:
    with tenant.in_database() as owner:
        rows = owner.execute(
            "SELECT entry FROM ledger.entries WHERE log_id = %s AND action = %s AND actor_id = %s ORDER BY seq",
            [tenant.made.log_id, action, actor],
        ).fetchall()
    return [row[0] for row in rows]


def test_a_key_is_made_shown_once_and_works(installation: Installation, tenant: Tenant, ada: Person) -> None:
    with ada.signed_in(tenant=tenant.made.slug) as client:
        token = make_key(client, tenant)
        listed = client.get(f"/t/{tenant.made.slug}/keys").text
        assert "Deploy bot" in listed
        assert token not in listed
        assert token.split("_", 2)[2] not in listed
        assert not TOKEN.search(client.get(f"/t/{tenant.made.slug}/keys/new").text)
        assert not TOKEN.search(client.get(f"/t/{tenant.made.slug}/api/keys").text)
    with client_with(installation.url, token) as program:
        assert program.post("/api/events", json={"event": EVENT}).is_success
    assert len(recorded(tenant, "key.create", ada.subject)) == 1


def test_the_secret_of_a_key_stands_in_no_log_and_in_no_entry(
    installation: Installation, tenant: Tenant, ada: Person
) -> None:
    with ada.signed_in(tenant=tenant.made.slug) as client:
        secret = make_key(client, tenant)[30:]
    assert secret not in (installation.places.home / "server.log").read_text()
    with tenant.in_database() as owner:
        for table, column in (
            ("entries", "entry"),
            ("bodies", "encode(body, 'escape')"),
            ("api_keys", "api_keys::text"),
        ):
            held = owner.execute(
                f"SELECT count(*) FROM ledger.{table} WHERE {column} LIKE %s", [f"%{secret}%"]
            ).fetchone()
            assert held == (0,), table


def test_the_page_that_shows_a_key_is_kept_nowhere(tenant: Tenant, ada: Person) -> None:
    with ada.signed_in(tenant=tenant.made.slug) as client:
        answer = submit(client, f"/t/{tenant.made.slug}/keys/new", {"label": "Once", "scope": "read"})
    assert TOKEN.search(answer.text)
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_revoked_key_is_refused_at_once(installation: Installation, tenant: Tenant, ada: Person) -> None:
    with ada.signed_in(tenant=tenant.made.slug) as client:
        token = make_key(client, tenant)
        key_id = "ak_" + token[3:29]
        asked = client.get(f"/t/{tenant.made.slug}/keys/{key_id}/revoke")
        assert "Deploy bot" in asked.text
        with client_with(installation.url, token) as program:
            assert program.post("/api/events", json={"event": EVENT}).is_success
            client.post(f"/t/{tenant.made.slug}/keys/{key_id}/revoke", data={"csrfmiddlewaretoken": csrf_token(asked)})
            assert program.post("/api/events", json={"event": EVENT}).status_code == 401
    assert len(recorded(tenant, "key.revoke", ada.subject)) == 1


@pytest.mark.parametrize("path", ["keys/new", "keys/services/new", "sources/connect/http"])
def test_whoever_may_not_manage_keys_makes_none(installation: Installation, tenant: Tenant, path: str) -> None:
    viewer = make_person(installation, tenant, "viewer")
    with viewer.signed_in(tenant=tenant.made.slug) as client:
        assert client.get(f"/t/{tenant.made.slug}/{path}").status_code == 403
        headers = {"X-CSRFToken": client.cookies["csrftoken"]}
        form = {"label": "x", "scope": "read", "name": "x"}
        assert client.post(f"/t/{tenant.made.slug}/{path}", data=form, headers=headers).status_code == 403
    assert any("key.manage" in entry for entry in recorded(tenant, "access.refuse", viewer.subject))
    assert recorded(tenant, "key.create", viewer.subject) == []


@pytest.mark.parametrize("path", ["keys/new", "keys/services/new", "sources/connect/http"])
def test_a_form_without_its_token_changes_nothing(tenant: Tenant, ada: Person, path: str) -> None:
    with ada.signed_in(tenant=tenant.made.slug) as client:
        answer = client.post(f"/t/{tenant.made.slug}/{path}", data={"label": "x", "scope": "read", "name": "x"})
        assert answer.status_code == 403
    assert recorded(tenant, "key.create", ada.subject) == []


def test_a_key_of_another_tenant_is_not_found(installation: Installation, tenant: Tenant, ada: Person) -> None:
    other = installation.tenant()
    with other.client("read") as program:
        foreign = program.get("/api/keys").json()["keys"][0]["key_id"]
    with ada.signed_in(tenant=tenant.made.slug) as client:
        base = f"/t/{tenant.made.slug}"
        assert client.get(f"{base}/keys/{foreign}/revoke").status_code == 404
        headers = {"X-CSRFToken": client.cookies["csrftoken"]}
        assert client.post(f"{base}/keys/{foreign}/revoke", headers=headers).status_code == 404
        assert client.delete(f"{base}/api/keys/{foreign}", headers=headers).status_code == 404
        assert client.get(f"{base}/sources/waiting/{foreign}").status_code == 404
    with other.client("read") as program:
        assert program.get("/api/log").is_success


def test_the_api_makes_and_revokes_keys(tenant: Tenant, ada: Person) -> None:
    base = f"/t/{tenant.made.slug}/api"
    with ada.signed_in(tenant=tenant.made.slug) as client:
        headers = {"X-CSRFToken": client.cookies["csrftoken"]}
        made = client.post(f"{base}/keys", json={"label": "ci", "scope": "append"}, headers=headers)
        assert made.status_code == 201, made.text
        key = made.json()
        assert TOKEN.fullmatch(key["token"])
        listed = {row["key_id"]: row for row in client.get(f"{base}/keys").json()["keys"]}
        assert listed[key["key_id"]]["open"] is True
        assert client.delete(f"{base}/keys/{key['key_id']}", headers=headers).status_code == 204
        listed = {row["key_id"]: row for row in client.get(f"{base}/keys").json()["keys"]}
        assert listed[key["key_id"]]["open"] is False
        assert client.post(f"{base}/keys", json={"label": "ci", "scope": "append"}).status_code == 403


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"label": "", "scope": "append"}, "label"),
        ({"label": "x" * 65, "scope": "append"}, "label"),
        ({"label": "x", "scope": "all"}, "scope"),
        ({"label": "x", "scope": "append", "admin": True}, "admin"),
    ],
    ids=["no-label", "long-label", "unknown-scope", "unknown-field"],
)
def test_a_key_that_cannot_be_made_names_the_field(
    tenant: Tenant, ada: Person, body: dict[str, object], field: str
) -> None:
    with ada.signed_in(tenant=tenant.made.slug) as client:
        headers = {"X-CSRFToken": client.cookies["csrftoken"]}
        answer = client.post(f"/t/{tenant.made.slug}/api/keys", json=body, headers=headers)
    assert answer.status_code == 422
    assert field in answer.json()["detail"]


def test_a_key_of_a_service_account_does_what_its_roles_allow_until_it_is_closed(
    installation: Installation, tenant: Tenant, ada: Person
) -> None:
    base = f"/t/{tenant.made.slug}"
    with ada.signed_in(tenant=tenant.made.slug) as client:
        headers = {"X-CSRFToken": client.cookies["csrftoken"]}
        form = client.get(f"{base}/keys/services/new").text
        viewer = re.search(r'value="(rol_[0-9A-Z]{26})"[^>]*>\s*Viewer', form)
        assert viewer, form
        made = client.post(
            f"{base}/api/service-accounts", json={"name": "Dashboard", "roles": [viewer[1]]}, headers=headers
        ).json()
        token = make_key(client, tenant, "board", scope="read", service=made["id"])
        with client_with(installation.url, token) as program:
            assert program.get("/api/overview").status_code == 200
            assert program.get("/api/sources").status_code == 403
            page = client.get(f"{base}/keys/services/{made['id']}/close")
            closed = client.post(
                f"{base}/keys/services/{made['id']}/close", data={"csrfmiddlewaretoken": csrf_token(page)}
            )
            assert "Dashboard. Its keys are revoked" in closed.text
            assert program.get("/api/overview").status_code == 401


def test_making_a_key_asks_for_a_fresh_second_factor(
    installation: Installation, tenant: Tenant, ada: Person, browser: Browser
) -> None:
    with visiting(browser) as visitor:
        with ada.signed_in(tenant=tenant.made.slug) as client:
            age_second_factor(installation, client, 301)
            hand_over(client, visitor.context, ada.base)
        page = visitor.page
        page.goto(f"{ada.base}/t/{tenant.made.slug}/keys/new")
        assert "/account/step-up" in page.url
        ada.forget_used_codes()
        page.locator("input[name=code]").fill(ada.code())
        page.locator("main button[type=submit]").first.click()
        page.wait_for_url("**/keys/new")
        page.locator("input[name=label]").fill("Ada's <b>bot</b>")
        page.get_by_role("button", name="Make the key").click()
        page.get_by_text("Copy it now").wait_for()
        token = page.locator("pre code").first.inner_text()
        assert TOKEN.fullmatch(token.strip())
        page.get_by_role("link", name="I have copied it").click()
        page.get_by_text("Ada's <b>bot</b>").wait_for()
        assert token.strip() not in page.content()
