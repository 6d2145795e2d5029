"""Single sign-on as a browser lives it: cookies that stay at home, the content security policy, forms."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.sso.conftest import Home
from tests.support.browser import PHONE, Visitor
from tests.support.oidc import OidcProvider
from tests.support.people import Person, make_person
from tests.support.saml import SamlIdp

pytestmark = pytest.mark.long


def _give_code(visitor: Visitor, home: Home, person: Person) -> None:
    visitor.page.wait_for_url(f"**{home.at('/account/second-factor')}**")
    visitor.page.fill("input[name=code]", person.code())
    visitor.page.press("input[name=code]", "Enter")
    visitor.page.wait_for_url(lambda url: "/account/" not in url)


def _accessible(visitor: Visitor) -> None:
    found = Axe().run(visitor.page)
    assert found.violations_count == 0, found.generate_report()


def test_through_openid_and_the_second_factor(home: Home, provider: OidcProvider, visitor: Visitor) -> None:
    connection = home.set_up_oidc(provider)
    person = make_person(home.tenant.installation, home.tenant, "engineer")
    home.link(connection, "bro-1", person)
    provider.user("bro-1", email=person.email)
    visitor.expect("favicon")
    visitor.page.goto(f"{home.base}{home.at('/sso/')}")
    _accessible(visitor)
    visitor.page.click("text=Our OpenID")
    visitor.page.click("button[value=bro-1]")
    _give_code(visitor, home, person)
    assert visitor.page.url == f"{home.base}{home.at('/')}"


def test_through_saml_whose_post_brings_no_cookie_along(home: Home, idp: SamlIdp, visitor: Visitor) -> None:
    connection = home.set_up_saml(idp)
    person = make_person(home.tenant.installation, home.tenant, "engineer")
    home.link(connection, "bro-2", person)
    idp.user("bro-2", mail=person.email)
    posted: list[dict[str, str]] = []
    visitor.page.on("request", lambda sent: posted.append(sent.all_headers()) if sent.url.endswith("/acs") else None)
    visitor.expect("favicon")
    visitor.page.goto(f"{home.base}{home.at('/sso/')}")
    visitor.page.click("text=Our SAML")
    visitor.page.click("text=bro-2")
    _give_code(visitor, home, person)
    assert [headers for headers in posted if "muniment_session" in headers.get("cookie", "")] == []
    assert len(posted) == 1


@pytest.mark.parametrize("size", [PHONE, (1440, 900)], ids=["phone", "desktop"])
def test_an_administrator_sets_a_connection_up_tries_it_and_switches_it_on(
    home: Home, provider: OidcProvider, visitors: Callable[..., Visitor], size: tuple[int, int]
) -> None:
    visitor = visitors(size=size)
    visitor.expect("favicon")
    home.admin.sign_in_context(visitor.context, tenant=home.slug)
    page = visitor.page
    page.goto(f"{home.base}{home.at('/sign-in')}")
    _accessible(visitor)
    page.click("text=Add OpenID Connect")
    page.fill("#id_name", "Our provider")
    page.fill("#id_value", provider.issuer)
    page.fill("#id_client_id", "not known yet")
    page.fill("#id_client_secret", "not known yet")
    _accessible(visitor)
    page.click("text=Save")
    page.wait_for_selector("text=Redirect URI")
    redirect = page.inner_text("pre >> nth=0").strip()
    client = provider.client(redirect)
    page.fill("#id_client_id", client.client_id)
    page.fill("#id_client_secret", client.client_secret)
    with page.expect_navigation():
        page.click("text=Save")
    provider.user("bro-3", email="bro@elsewhere.example", groups=["one", "two"])
    page.click("button:has-text('Try it out')")
    page.wait_for_selector("#continue")
    _accessible(visitor)
    page.click("#continue")
    page.click("button[value=bro-3]")
    page.wait_for_selector("text=The connection works")
    assert page.is_visible("text=bro@elsewhere.example")
    _accessible(visitor)
    page.click("text=Back to the connection")
    page.click("button:has-text('Switch on')")
    page.wait_for_selector("text=People can sign in.")
    _accessible(visitor)


def test_a_refusal_is_a_clear_page(home: Home, provider: OidcProvider, visitor: Visitor) -> None:
    connection = home.set_up_oidc(provider)
    provider.user("bro-4", email="bro4@elsewhere.example")
    visitor.expect("status of 403|favicon")
    visitor.page.goto(f"{home.base}{home.at(f'/sso/{connection}/start')}")
    visitor.page.click("button[value=bro-4]")
    visitor.page.wait_for_selector("text=You were not signed in")
    _accessible(visitor)
    assert home.reasons() == ["no-joining"]
