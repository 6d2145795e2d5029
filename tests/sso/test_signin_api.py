"""Everything that the sign-in pages do, the API does: with the same refusals, and without ever showing a secret."""

import httpx
import pytest

from tests.sso.conftest import Home, WellKnown

WANTED = {
    "name": "Ours",
    "preset": "generic",
    "value": "https://id.example",
    "client_id": "c",
    "client_secret": "a secret that must not be seen",
}


@pytest.fixture
def api(home: Home) -> httpx.Client:
    """The administrator's session as a program uses it."""
    home.client.get(home.at("/sign-in"))
    home.client.headers["X-CSRFToken"] = home.client.cookies["csrftoken"]
    home.client.headers["Referer"] = home.base
    return home.client


def test_a_connection_is_set_up_changed_and_deleted(home: Home, api: httpx.Client) -> None:
    made = api.post(home.at("/api/sign-in/connections"), json=WANTED)
    assert made.status_code == 201, made.text
    assert made.json()["state"] == "draft"
    path = home.at(f"/api/sign-in/connections/{made.json()['id']}")
    changed = api.put(path, json={**WANTED, "client_secret": None, "name": "Renamed"})
    assert changed.json()["name"] == "Renamed", changed.text
    listed = api.get(home.at("/api/sign-in")).json()
    assert [each["name"] for each in listed["connections"]] == ["Renamed"]
    assert all(WANTED["client_secret"] not in answer.text for answer in (made, changed))
    assert api.post(f"{path}/activate").status_code == 422
    home.run("UPDATE django.sso_connection SET state = 'tested'")
    assert api.post(f"{path}/activate").json()["state"] == "active"
    assert api.delete(path).status_code == 422
    assert api.post(f"{path}/disable").json()["state"] == "disabled"
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404
    changes = [labels[0] for _, labels in home.recorded("sso.change")]
    assert changes == [f"change={done}" for done in ("created", "changed", "activated", "disabled", "deleted")]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"value": "gopher://id.example/"}, "value"),
        ({"preset": "none"}, "preset"),
        ({"group_roles": {"g": "rol_of_another"}}, "group_roles"),
        ({"default_role": "rol_of_another"}, "default_role"),
        ({"name": ""}, "name"),
        ({"name": "nul\x00"}, "name"),
        ({"more": 1}, "more"),
        ({"preset": "saml", "idp_entity_id": "e", "idp_sign_in_url": "javascript:1"}, "idp_sign_in_url"),
        (
            {
                "preset": "saml",
                "idp_entity_id": "e",
                "idp_sign_in_url": "https://id.example",
                "idp_certificates": ["none"],
            },
            "idp_certificates",
        ),
    ],
)
def test_a_wrong_field_is_named(home: Home, api: httpx.Client, changes: dict[str, object], field: str) -> None:
    answer = api.post(home.at("/api/sign-in/connections"), json={**WANTED, **changes})
    assert 400 <= answer.status_code < 500, answer.text
    assert field in answer.json()["detail"]
    assert home.rows("SELECT * FROM django.sso_connection") == []


def test_another_tenants_rows_are_not_there(home: Home, other_home: Home, api: httpx.Client) -> None:
    other = other_home.post("/sign-in/new/generic", **{**WANTED, "groups_claim": "groups", "email_claim": "email"})
    theirs = other.url.path.rpartition("/")[2]
    (member,) = other_home.row("SELECT id FROM django.members_membership")
    path = home.at(f"/api/sign-in/connections/{theirs}")
    answers = [
        api.get(path),
        api.put(path, json=WANTED),
        api.delete(path),
        api.post(f"{path}/activate"),
        api.post(f"{path}/disable"),
        api.put(home.at(f"/api/sign-in/break-glass/{member}"), json={"allowed": True}),
        api.post(home.at("/api/sign-in/domains/dom_1/verify")),
        api.delete(home.at("/api/sign-in/domains/dom_1")),
    ]
    assert [answer.status_code for answer in answers] == [404] * 8
    assert other_home.row("SELECT state FROM django.sso_connection") == ("draft",)
    assert other_home.row("SELECT break_glass FROM django.members_membership") == (False,)


def test_domains_and_the_policy(home: Home, api: httpx.Client, well_known: WellKnown) -> None:
    domain = f"api-{home.slug}.test"
    made = api.post(home.at("/api/sign-in/domains"), json={"domain": domain}).json()
    verify = home.at(f"/api/sign-in/domains/{made['id']}/verify")
    assert api.post(verify).status_code == 422
    well_known.tokens[domain] = made["token"]
    assert api.post(verify).json()["verified_at"]
    assert api.put(home.at("/api/sign-in/policy"), json={"enforced": True}).status_code == 422
    assert api.put(home.at("/api/sign-in/policy"), json={"enforced": False}).json() == {"enforced": False}
    (member,) = home.row("SELECT id FROM django.members_membership")
    assert api.put(home.at(f"/api/sign-in/break-glass/{member}"), json={"allowed": True}).status_code == 200
    assert home.row("SELECT break_glass FROM django.members_membership") == (True,)
    assert api.delete(home.at(f"/api/sign-in/domains/{made['id']}")).status_code == 204


def test_a_change_needs_the_token_of_the_session(home: Home, api: httpx.Client) -> None:
    del api.headers["X-CSRFToken"]
    assert api.post(home.at("/api/sign-in/connections"), json=WANTED).status_code == 403
    assert home.rows("SELECT * FROM django.sso_connection") == []
