"""Setting up a tenant's sign-in: what an administrator can do, and what nobody can."""

import html
import re

import httpx
import pytest

from tests.sso.conftest import Home, WellKnown, signed_in_as
from tests.support.oidc import OidcProvider
from tests.support.people import csrf_token, make_person, submit
from tests.support.saml import SamlIdp

GENERIC = {
    "name": "Ours",
    "value": "https://id.example",
    "client_id": "c",
    "client_secret": "a secret that must not be seen",
    "groups_claim": "groups",
    "email_claim": "email",
}


def _way_out(page: httpx.Response) -> str:
    """Where the link to the provider leads: a form must not send the browser to another site."""
    found = re.search(r'href="(http://127[^"]+)"', page.text)
    assert found, page.text
    return html.unescape(found[1])


def test_the_client_secret_is_sealed_and_shown_nowhere(home: Home) -> None:
    made = home.post("/sign-in/new/generic", **GENERIC)
    assert made.status_code == 200
    (sealed,) = home.row("SELECT secret FROM django.sso_connection")
    assert GENERIC["client_secret"].encode() not in bytes(sealed)
    assert GENERIC["client_secret"] not in made.text
    bodies = home.rows("SELECT convert_from(body, 'UTF8') FROM ledger.bodies WHERE body IS NOT NULL")
    assert not any(GENERIC["client_secret"] in text for (text,) in bodies)
    assert home.recorded("sso.change")[-1][1][0] == "change=created"


@pytest.mark.parametrize(
    ("preset", "changes", "field"),
    [
        ("generic", {"value": "ftp://id.example"}, "id_value"),
        ("generic", {"value": "https://user:pw@id.example"}, "id_value"),
        ("generic", {"client_secret": ""}, "id_client_secret"),
        ("generic", {"group_roles": "eng = no such role"}, "id_group_roles"),
        ("generic", {"group_roles": "eng = auditor"}, "id_group_roles"),
        ("entra", {"value": "common"}, "id_value"),
        ("google", {"value": "not a domain"}, "id_value"),
        ("okta", {"value": "acme.okta.com/evil"}, "id_value"),
    ],
)
def test_a_wrong_setting_is_shown_at_its_field(
    shared_home: Home, preset: str, changes: dict[str, str], field: str
) -> None:
    page = shared_home.post(f"/sign-in/new/{preset}", **{**GENERIC, **changes})
    assert page.status_code == 422
    assert f'href="#{field}"' in page.text
    assert shared_home.rows("SELECT * FROM django.sso_connection") == []


def test_nobody_gives_through_groups_what_they_do_not_hold(home: Home) -> None:
    home.run(
        "INSERT INTO django.members_role (id, tenant_id, code, name, description, capabilities, known, builtin, "
        "recorded_reads, time_boxed, created_at) VALUES ('rol_signin', %s, 'signin', 'Sign-in', '', "
        "ARRAY['sso.manage'], ARRAY[]::varchar[], false, false, false, now())",
        home.tenant.made.tenant_id,
    )
    person = make_person(home.tenant.installation, home.tenant, "signin")
    with person.signed_in(tenant=home.slug) as client:
        modest = Home(home.tenant, person, client)
        for changes in ({"group_roles": "mine = administrator"}, {"default_role": home.role("administrator")}):
            page = modest.post("/sign-in/new/generic", **{**GENERIC, **changes})
            assert page.status_code == 422
            assert "allows more than you may do yourself" in page.text
    assert home.rows("SELECT * FROM django.sso_connection") == []


def test_settings_are_for_who_manages_sign_in_alone(home: Home) -> None:
    person = make_person(home.tenant.installation, home.tenant, "engineer")
    with person.signed_in(tenant=home.slug) as client:
        for path in ("/sign-in", "/sign-in/new/generic", "/sign-in/connections/sso_1"):
            assert client.get(home.at(path)).status_code == 403


def test_a_connection_of_another_tenant_is_not_there(home: Home, other_home: Home) -> None:
    made = home.post("/sign-in/new/generic", **GENERIC)
    connection = made.url.path.rpartition("/")[2]
    assert other_home.client.get(other_home.at(f"/sign-in/connections/{connection}")).status_code == 404
    for what in ("activate", "disable", "delete", "trial"):
        page = other_home.post(f"/sign-in/connections/{connection}/{what}", "/sign-in")
        assert page.status_code in (400, 404)
    assert home.row("SELECT state FROM django.sso_connection") == ("draft",)


def test_an_untested_connection_is_not_switched_on_and_lets_nobody_in(
    home: Home, provider: OidcProvider, browser_client: httpx.Client
) -> None:
    made = home.post("/sign-in/new/generic", **{**GENERIC, "value": provider.issuer})
    connection = made.url.path.rpartition("/")[2]
    page = home.post(f"/sign-in/connections/{connection}/activate", f"/sign-in/connections/{connection}")
    assert page.status_code == 400
    assert home.row("SELECT state FROM django.sso_connection") == ("draft",)
    assert browser_client.get(home.at(f"/sso/{connection}/start")).status_code == 403
    assert home.reasons() == ["no-connection"]


def test_whose_people_come_in_is_fixed_once_a_connection_is_in_use(home: Home, provider: OidcProvider) -> None:
    connection = home.set_up_oidc(provider)
    page = home.post(f"/sign-in/connections/{connection}", **{**GENERIC, "value": "https://evil.example"})
    assert page.status_code == 422
    assert home.row("SELECT issuer, state FROM django.sso_connection") == (provider.issuer, "active")


def test_a_trial_shows_what_the_provider_says_and_lets_nobody_in(home: Home, provider: OidcProvider) -> None:
    connection = home.set_up_oidc(provider)
    home.run("UPDATE django.sso_connection SET state = 'draft'")
    provider.user("trial-1", email="trial@elsewhere.example", groups=["a group <b>"])
    provider.sign_in_as("trial-1")
    leaving = home.post(f"/sign-in/connections/{connection}/trial", f"/sign-in/connections/{connection}")
    page = home.client.get(_way_out(leaving))
    assert page.status_code == 200, page.text
    assert "trial@elsewhere.example" in page.text
    assert "a group &lt;b&gt;" in page.text
    assert signed_in_as(home.client, home) == home.admin.user_id
    assert home.row("SELECT state FROM django.sso_connection") == ("tested",)
    assert home.rows("SELECT * FROM django.sso_identity") == []


def test_a_member_links_their_account_after_a_fresh_second_factor(home: Home, provider: OidcProvider) -> None:
    connection = home.set_up_oidc(provider)
    person = make_person(home.tenant.installation, home.tenant, "viewer")
    provider.user("link-1", email="another@elsewhere.example")
    provider.sign_in_as("link-1")
    with person.signed_in(tenant=home.slug) as client:
        leaving = submit(client, home.at(f"/sso/{connection}/link"), {})
        client.get(_way_out(leaving))
        assert home.rows("SELECT subject, user_id FROM django.sso_identity") == [("link-1", person.user_id)]
        assert ("success", ["change=identity-linked"]) in home.recorded("user.change")
        submit(client, home.at(f"/sso/{connection}/link"), {"do": "unlink"})
    assert home.rows("SELECT * FROM django.sso_identity") == []
    assert home.recorded("user.change")[-1] == ("success", ["change=identity-unlinked"])


def test_a_subject_is_linked_with_one_account_alone(home: Home, provider: OidcProvider) -> None:
    connection = home.set_up_oidc(provider)
    home.link(connection, "link-2", home.admin)
    person = make_person(home.tenant.installation, home.tenant, "viewer")
    provider.user("link-2", email=person.email)
    provider.sign_in_as("link-2")
    with person.signed_in(tenant=home.slug) as client:
        leaving = submit(client, home.at(f"/sso/{connection}/link"), {})
        assert client.get(_way_out(leaving)).status_code == 403
    assert home.reasons() == ["linked-already"]


def test_single_sign_on_only_keeps_passwords_out_and_breaking_the_glass_is_recorded(
    home: Home, idp: SamlIdp, browser_client: httpx.Client
) -> None:
    refused = home.post("/sign-in/policy", "/sign-in", enforced="yes")
    assert refused.status_code == 400
    connection = home.set_up_saml(idp)
    assert home.post("/sign-in/policy", "/sign-in", enforced="yes").status_code == 400
    (member,) = home.row("SELECT id FROM django.members_membership WHERE user_id = %s", home.admin.user_id)
    home.post("/sign-in/break-glass", "/sign-in", member=member, allowed="yes")
    person = make_person(home.tenant.installation, home.tenant, "engineer", "viewer")
    with person.signed_in() as earlier:
        assert home.post("/sign-in/policy", "/sign-in", enforced="yes").status_code == 200
        # A session that began before, with a password, does not open the tenant any longer; nor does its API.
        page = earlier.get(home.at("/sign-in"))
        assert page.status_code == 403
        assert "single sign-on only" in page.text
        answer = earlier.get(home.at("/api/entries"))
        assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
        # A header makes it a key's request, for which the session is worth nothing.
        assert earlier.get(home.at("/api/entries"), headers={"Authorization": ""}).status_code == 401
        assert earlier.get(home.at("/sign-in"), headers={"Authorization": "Bearer x"}).status_code == 403
    login = home.at("/account/login")
    token = csrf_token(browser_client.get(login))
    page = browser_client.post(
        login, data={"csrfmiddlewaretoken": token, "email": person.email, "password": person.password}
    )
    assert "single sign-on only" in page.text
    assert signed_in_as(browser_client, home) is None
    # The administrator broke the glass by opening the page after the switch.
    home.client.get(home.at("/sign-in"))
    labels = [set(labels) for outcome, labels in home.recorded("user.login") if outcome == "success"]
    assert {"break_glass=used", "reason=break-glass"} in labels
    assert ("denied", ["reason=sso-only"]) in home.recorded("user.login")
    # The last way in stays: neither the connection nor the glass can be taken away.
    assert home.post(f"/sign-in/connections/{connection}/disable", "/sign-in").status_code == 400
    assert home.post("/sign-in/break-glass", "/sign-in", member=member, allowed="no").status_code == 400


def test_a_session_ends_here_with_the_connection_that_it_came_through(
    home: Home, provider: OidcProvider, browser_client: httpx.Client
) -> None:
    first, second = home.set_up_oidc(provider), home.set_up_oidc(provider, name="The other one")
    person = make_person(home.tenant.installation, home.tenant, "viewer")
    home.link(first, "both-1", person)
    provider.user("both-1", email=person.email)
    provider.sign_in_as("both-1")
    browser_client.get(home.at(f"/sso/{first}/start"))
    submit(browser_client, home.at("/account/second-factor"), {"code": person.code()})
    assert browser_client.get(home.at("/ledger")).status_code == 200
    home.run("UPDATE django.members_membership SET break_glass = true WHERE user_id = %s", home.admin.user_id)
    assert home.post("/sign-in/policy", "/sign-in", enforced="yes").status_code == 200
    assert browser_client.get(home.at("/ledger")).status_code == 200
    assert home.post(f"/sign-in/connections/{first}/disable", "/sign-in").status_code == 200
    page = browser_client.get(home.at("/ledger"))
    assert page.status_code == 403
    assert "single sign-on only" in page.text
    assert browser_client.get(home.at("/api/entries")).status_code == 403
    assert home.row("SELECT state FROM django.sso_connection WHERE id = %s", second) == ("active",)


def test_a_domain_is_verified_by_the_token_on_its_own_web_server(home: Home, well_known: WellKnown) -> None:
    domain = f"{home.slug}.test"
    home.post("/sign-in/domains", "/sign-in", domain=f"@{domain.upper()}")
    found, token = home.row("SELECT id, token FROM django.sso_domain")
    for wrong in (None, "another token", token[:-1]):
        well_known.tokens.pop(domain, None)
        if wrong:
            well_known.tokens[domain] = wrong
        assert home.post(f"/sign-in/domains/{found}/verify", "/sign-in").status_code == 400
        assert home.row("SELECT verified_at FROM django.sso_domain") == (None,)
    well_known.tokens[domain] = token + "\n"
    assert home.post(f"/sign-in/domains/{found}/verify", "/sign-in").status_code == 200
    assert home.row("SELECT method FROM django.sso_domain WHERE verified_at IS NOT NULL") == ("well-known",)
    assert home.recorded("sso.change")[-1] == ("success", ["change=domain-verified"])


@pytest.mark.parametrize("domain", ["gmail.com", "localhost", "a b.test", "x@y.test", "-.test", "10.0.0.1"])
def test_what_cannot_be_one_organisations_domain_is_refused(shared_home: Home, domain: str) -> None:
    assert shared_home.post("/sign-in/domains", "/sign-in", domain=domain).status_code == 422
    assert shared_home.rows("SELECT * FROM django.sso_domain") == []
