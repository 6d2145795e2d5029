"""Signing in through a real OpenID provider, and what a bad one tries."""

import re

import httpx
import pytest

from tests.sso.conftest import Home, signed_in_as, until_callback
from tests.support.oidc import OidcProvider
from tests.support.people import make_person, submit

ATTACKS = {
    "wrong_nonce": "wrong-nonce",
    "no_nonce": "wrong-nonce",
    "wrong_audience": "wrong-audience",
    "more_audiences": "wrong-audience",
    "wrong_issuer": "wrong-issuer",
    "expired": "expired",
    "from_the_future": "from-the-future",
    "bad_signature": "bad-signature",
    "no_signature": "bad-signature",
    "tampered": "bad-signature",
    "no_id_token": "no-id-token",
}


def _start(client: httpx.Client, home: Home, connection: str, query: str = "") -> httpx.Response:
    return client.get(home.at(f"/sso/{connection}/start{query}"))


def test_a_linked_member_signs_in_and_is_asked_for_the_second_factor(
    home: Home, provider: OidcProvider, browser_client: httpx.Client
) -> None:
    connection = home.set_up_oidc(provider)
    person = make_person(home.tenant.installation, home.tenant, "engineer")
    home.link(connection, "anna-1", person)
    provider.user("anna-1", email=person.email)
    provider.sign_in_as("anna-1")
    page = _start(browser_client, home, connection)
    assert page.url.path == home.at("/account/second-factor"), (page.status_code, home.reasons(), page.text)
    assert signed_in_as(browser_client, home) is None
    submit(browser_client, home.at("/account/second-factor"), {"code": person.code()})
    assert signed_in_as(browser_client, home) == person.user_id
    assert home.recorded("idp.claim") == [("success", ["kind=oidc"])]


def test_somebody_of_a_verified_domain_joins_with_the_roles_of_their_groups(
    home: Home, provider: OidcProvider, browser_client: httpx.Client
) -> None:
    connection = home.set_up_oidc(provider, joins="on", group_roles="eng staff = engineer\nreaders = viewer")
    home.verify_domain(f"{home.slug}.test")
    address = f"new@{home.slug}.test"
    provider.user("new-1", email=address.upper(), groups=["eng staff", "unknown"])
    provider.sign_in_as("new-1")
    _start(browser_client, home, connection)
    assert home.members()[address] == {"engineer"}
    assert signed_in_as(browser_client, home) is not None
    assert ("success", [f"through={connection}"]) in home.recorded("member.join")


def test_roles_follow_the_groups_and_others_stay(
    home: Home, provider: OidcProvider, browser_client: httpx.Client
) -> None:
    connection = home.set_up_oidc(provider, group_roles="eng = engineer\nreaders = viewer")
    person = make_person(home.tenant.installation, home.tenant, "analyst", "engineer", second_factor=False)
    home.link(connection, "anna-2", person)
    provider.user("anna-2", email=person.email, groups=["readers"])
    provider.sign_in_as("anna-2")
    _start(browser_client, home, connection)
    assert home.members()[person.email] == {"analyst", "viewer"}
    assert home.recorded("member.change") == [("success", [f"through={connection}"])]


def test_the_last_administrator_keeps_the_role_whatever_the_groups_say(
    home: Home, provider: OidcProvider, browser_client: httpx.Client
) -> None:
    connection = home.set_up_oidc(provider, group_roles="admins = administrator")
    home.link(connection, "admin-1", home.admin)
    provider.user("admin-1", email=home.admin.email, groups=[])
    provider.sign_in_as("admin-1")
    _start(browser_client, home, connection)
    assert home.members()[home.admin.email] == {"administrator"}
    assert home.recorded("member.change")[-1][0] == "denied"


@pytest.fixture(scope="module")
def attacked(shared_home: Home, oidc_process: OidcProvider) -> str:
    """A connection through which anna-3, a member without a second factor, would get in with a good token."""
    connection = shared_home.set_up_oidc(oidc_process)
    person = make_person(shared_home.tenant.installation, shared_home.tenant, "viewer", second_factor=False)
    shared_home.link(connection, "anna-3", person)
    oidc_process.user("anna-3", email=person.email)
    return connection


@pytest.mark.parametrize("attack", sorted(ATTACKS))
def test_a_bad_token_lets_nobody_in(shared_home: Home, attacked: str, provider: OidcProvider, attack: str) -> None:
    provider.sign_in_as("anna-3")
    provider.attack(attack)
    before = len(shared_home.reasons())
    with shared_home.admin.client() as client:
        page = _start(client, shared_home, attacked)
        assert signed_in_as(client, shared_home) is None
    assert page.status_code == 403
    assert "You were not signed in" in page.text
    assert ATTACKS[attack] not in page.text
    assert shared_home.reasons()[before:] == [ATTACKS[attack]]


def test_a_good_token_would_have_let_them_in(shared_home: Home, attacked: str, provider: OidcProvider) -> None:
    provider.sign_in_as("anna-3")
    with shared_home.admin.client() as client:
        _start(client, shared_home, attacked)
        assert signed_in_as(client, shared_home) is not None


def test_the_same_address_is_never_enough_for_an_account_that_is_there(
    home: Home, provider: OidcProvider, browser_client: httpx.Client
) -> None:
    connection = home.set_up_oidc(provider, joins="on", default_role=home.role("viewer"))
    home.verify_domain("people.example")
    person = make_person(home.tenant.installation, home.tenant, "administrator")
    provider.user("mallory", email=person.email)
    provider.sign_in_as("mallory")
    page = _start(browser_client, home, connection)
    assert page.status_code == 403
    assert person.email not in page.text
    assert signed_in_as(browser_client, home) is None
    assert home.reasons() == ["not-linked"]
    assert home.rows("SELECT * FROM django.sso_identity") == []


@pytest.mark.parametrize(
    ("email", "verified", "reason"),
    [
        ("a@{slug}.test", False, "address-unverified"),
        ("b@{slug}.test", None, "address-unverified"),
        ("c@elsewhere.test", True, "domain-unverified"),
        ("d@sub.{slug}.test", True, "domain-unverified"),
        (None, True, "no-address"),
        ("e@{slug}.test\n", True, "no-role"),
    ],
)
def test_nobody_joins_without_a_verified_address_of_a_verified_domain_and_a_role(
    home: Home,
    provider: OidcProvider,
    browser_client: httpx.Client,
    email: str | None,
    verified: bool | None,
    reason: str,
) -> None:
    connection = home.set_up_oidc(provider, joins="on")
    home.verify_domain(f"{home.slug}.test")
    provider.user("who-1", email=email and email.format(slug=home.slug), email_verified=verified)
    provider.sign_in_as("who-1")
    assert _start(browser_client, home, connection).status_code == 403
    assert home.reasons() == [reason]
    assert list(home.members()) == [home.admin.email]


def test_nobody_joins_where_joining_is_off(home: Home, provider: OidcProvider, browser_client: httpx.Client) -> None:
    connection = home.set_up_oidc(provider, default_role=home.role("viewer"))
    home.verify_domain(f"{home.slug}.test")
    provider.user("who-2", email=f"a@{home.slug}.test")
    provider.sign_in_as("who-2")
    assert _start(browser_client, home, connection).status_code == 403
    assert home.reasons() == ["no-joining"]


def test_who_was_removed_from_the_tenant_does_not_come_back_by_signing_in(
    home: Home, provider: OidcProvider, browser_client: httpx.Client
) -> None:
    connection = home.set_up_oidc(provider, joins="on", default_role=home.role("viewer"))
    home.verify_domain("people.example")
    person = make_person(home.tenant.installation)
    home.link(connection, "gone-1", person)
    provider.user("gone-1", email=person.email)
    provider.sign_in_as("gone-1")
    assert _start(browser_client, home, connection).status_code == 403
    assert home.reasons() == ["not-a-member"]


def test_an_answer_in_another_browser_or_twice_is_refused(
    home: Home, provider: OidcProvider, browser_client: httpx.Client
) -> None:
    connection = home.set_up_oidc(provider)
    person = make_person(home.tenant.installation, home.tenant, "viewer", second_factor=False)
    home.link(connection, "anna-4", person)
    provider.user("anna-4", email=person.email)
    provider.sign_in_as("anna-4")
    callback = until_callback(browser_client, home.at(f"/sso/{connection}/start"))
    with home.admin.client() as stranger:
        assert stranger.get(callback).status_code == 403
        assert signed_in_as(stranger, home) is None
    assert browser_client.get(re.sub(r"state=[^&]+", "state=forged", callback)).status_code == 403
    assert browser_client.get(callback).status_code != 403
    assert signed_in_as(browser_client, home) == person.user_id
    assert browser_client.get(callback).status_code == 403
    assert home.reasons() == ["no-sign-in"] * 3


def test_an_answer_for_one_connection_is_not_taken_by_another(
    home: Home, other_home: Home, provider: OidcProvider, browser_client: httpx.Client
) -> None:
    connection, other = home.set_up_oidc(provider), other_home.set_up_oidc(provider)
    provider.user("anna-5", email="anna5@people.example")
    provider.sign_in_as("anna-5")
    query = until_callback(browser_client, home.at(f"/sso/{connection}/start")).partition("?")[2]
    for path in (
        other_home.at(f"/sso/{other}/callback"),
        other_home.at(f"/sso/{connection}/callback"),
        home.at(f"/sso/{other}/callback"),
    ):
        assert browser_client.get(f"{path}?{query}").status_code == 403
    assert other_home.reasons() == ["no-sign-in", "no-connection"]
    assert home.reasons() == ["no-sign-in"]


def test_the_same_subject_at_another_tenants_provider_is_somebody_else(
    home: Home, other_home: Home, provider: OidcProvider, browser_client: httpx.Client
) -> None:
    connection, other = home.set_up_oidc(provider), other_home.set_up_oidc(provider)
    person = make_person(home.tenant.installation, home.tenant, "viewer", second_factor=False)
    person.join(other_home.tenant.made.tenant_id, other_home.slug, "viewer")
    home.link(connection, "anna-6", person)
    provider.user("anna-6", email=person.email)
    provider.sign_in_as("anna-6")
    assert browser_client.get(other_home.at(f"/sso/{other}/start")).status_code == 403
    assert browser_client.get(other_home.at(f"/sso/{connection}/start")).status_code == 403
    assert signed_in_as(browser_client, home) is None
    assert other_home.reasons() == ["not-linked", "no-connection"]


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "/%2f/evil.example"],
)
def test_signing_in_leads_nowhere_else(shared_home: Home, attacked: str, provider: OidcProvider, target: str) -> None:
    provider.sign_in_as("anna-3")
    with shared_home.admin.client() as client:
        page = client.get(shared_home.at(f"/sso/{attacked}/start"), params={"next": target}, follow_redirects=False)
        while page.is_redirect:
            following = page.url.join(page.headers["location"])
            assert following.host in ("localhost", "127.0.0.1"), page.headers["location"]
            page = client.get(following, follow_redirects=False)
        assert signed_in_as(client, shared_home) is not None
    assert "evil" not in str(page.url)


def test_signing_in_leads_to_where_somebody_wanted_to_go(
    shared_home: Home, attacked: str, provider: OidcProvider
) -> None:
    provider.sign_in_as("anna-3")
    wanted = shared_home.at("/ledger?seq=5")
    with shared_home.admin.client() as client:
        callback = until_callback(
            client, str(httpx.URL(shared_home.at(f"/sso/{attacked}/start"), params={"next": wanted}))
        )
        assert client.get(callback, follow_redirects=False).headers["location"] == wanted


def test_the_query_of_the_start_changes_nothing_of_what_the_provider_is_asked(
    home: Home, provider: OidcProvider, browser_client: httpx.Client
) -> None:
    connection = home.set_up_oidc(provider)
    page = browser_client.get(
        home.at(f"/sso/{connection}/start"),
        params={"auth_params": "redirect_uri=https://evil.example", "scope": "offline_access", "redirect_uri": "x"},
        follow_redirects=False,
    )
    asked = httpx.URL(page.headers["location"]).params
    assert asked["redirect_uri"] == f"{home.base}{home.at(f'/sso/{connection}/callback')}"
    assert asked["scope"] == "openid profile email groups"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["nonce"]) >= 32
    assert len(asked["state"]) >= 32


def test_a_provider_that_refuses_or_is_gone_is_a_plain_page(
    home: Home, provider: OidcProvider, browser_client: httpx.Client
) -> None:
    connection = home.set_up_oidc(provider)
    provider.sign_in_as("nobody")
    page = _start(browser_client, home, connection)
    assert page.status_code == 403
    assert "Your identity provider did not sign you in." in page.text
    home.run("UPDATE django.sso_connection SET issuer = 'http://127.0.0.1:9' WHERE id = %s", connection)
    assert "Your identity provider does not answer." in _start(browser_client, home, connection).text
    assert home.reasons() == ["provider-refused", "provider-unreachable"]
