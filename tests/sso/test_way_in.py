"""While single sign-on is demanded, an administrator who needs no provider stays, whatever is changed where."""

import httpx
import pytest

from tests.members.conftest import Acting, member_id
from tests.sso.conftest import Home
from tests.support.oidc import OidcProvider
from tests.support.people import Person, make_person, submit

LAST = "the last administrator with break-glass access"


def give_glass(home: Home, person: Person) -> str:
    """Mark a member for break-glass access; the id of the membership."""
    member = member_id(person, home.slug)
    assert home.post("/sign-in/break-glass", "/sign-in", member=member, allowed="yes").status_code == 200
    return member


def came_through(home: Home, provider: OidcProvider, client: httpx.Client, connection: str, subject: str) -> Acting:
    """Another administrator, who signed in through the provider."""
    person = make_person(home.tenant.installation, home.tenant)
    home.link(connection, subject, person)
    provider.user(subject, email=person.email)
    provider.sign_in_as(subject)
    client.get(home.at(f"/sso/{connection}/start"))
    submit(client, home.at("/account/second-factor"), {"code": person.code()})
    return Acting(person, client, home.slug)


def test_the_last_administrator_with_break_glass_is_not_removed_demoted_or_given_an_end(
    home: Home, provider: OidcProvider, browser_client: httpx.Client
) -> None:
    connection = home.set_up_oidc(provider)
    member = give_glass(home, home.admin)
    assert home.post("/sign-in/policy", "/sign-in", enforced="yes").status_code == 200
    other = came_through(home, provider, browser_client, connection, "way-1")
    administrator = home.role("administrator")
    attempts = (
        ("DELETE", None),
        ("PUT", {"roles": [home.role("viewer")]}),
        ("PUT", {"roles": [administrator], "until": "2099-01-01T00:00:00Z"}),
    )
    for method, body in attempts:
        refused = other.ask(method, f"members/{member}", body)
        assert refused.status_code == 422, (method, refused.text)
        assert LAST in refused.text
    assert LAST in home.post("/leave", "/account").text
    assert home.members()[home.admin.email] == {"administrator"}
    give_glass(home, other.person)
    assert other.ask("DELETE", f"members/{member}").status_code == 204


def test_a_provider_does_not_take_the_role_of_the_last_administrator_with_break_glass(
    home: Home, provider: OidcProvider, browser_client: httpx.Client
) -> None:
    connection = home.set_up_oidc(provider, group_roles="admins = administrator")
    make_person(home.tenant.installation, home.tenant)
    give_glass(home, home.admin)
    assert home.post("/sign-in/policy", "/sign-in", enforced="yes").status_code == 200
    home.link(connection, "way-2", home.admin)
    provider.user("way-2", email=home.admin.email, groups=[])
    provider.sign_in_as("way-2")
    browser_client.get(home.at(f"/sso/{connection}/start"))
    assert home.members()[home.admin.email] == {"administrator"}
    assert "reason=last-break-glass" in home.recorded("member.change")[-1][1]


@pytest.mark.parametrize("broken", ["is_active = false", "password = '!nothing'"], ids=["closed", "no-password"])
def test_who_cannot_come_in_is_no_way_in(home: Home, provider: OidcProvider, broken: str) -> None:
    home.set_up_oidc(provider)
    other = make_person(home.tenant.installation, home.tenant)
    give_glass(home, other)
    with home.tenant.in_database() as raw:
        raw.execute(f"UPDATE django.accounts_user SET {broken} WHERE id = %s", [other.user_id])
    assert home.post("/sign-in/policy", "/sign-in", enforced="yes").status_code == 400
    assert home.rows("SELECT * FROM django.sso_policy WHERE enforced") == []
    member = give_glass(home, home.admin)
    assert home.post("/sign-in/policy", "/sign-in", enforced="yes").status_code == 200
    assert home.post("/sign-in/break-glass", "/sign-in", member=member, allowed="no").status_code == 400
    assert home.row("SELECT break_glass FROM django.members_membership WHERE id = %s", member) == (True,)
