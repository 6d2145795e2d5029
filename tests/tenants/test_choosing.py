"""The choice between one's tenants: exactly one's own, and one sees where one is."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.members.conftest import Acting
from tests.support.people import Person, make_person
from tests.support.servers import Installation, Tenant
from tests.tenants.conftest import Visitor

CARD = re.compile(r'<a class="card" href="([^"]*)"([^>]*)>(.*?)</a>', re.DOTALL)


def cards(text: str) -> dict[str, str]:
    """Addresses of the tenants that a page offers, and what is said about each."""
    return {href: more + said for href, more, said in CARD.findall(text)}


def member_of(installation: Installation, *tenants: Tenant) -> Person:
    """Somebody who is a viewer in each tenant."""
    person = make_person(installation, tenants[0], "viewer")
    for tenant in tenants[1:]:
        person.join(tenant.made.tenant_id, tenant.made.slug, "analyst")
    return person


def test_it_lists_exactly_ones_tenants(installation: Installation, tenant: Tenant, other: Tenant) -> None:
    third, ended = installation.tenant(), installation.tenant()
    person = member_of(installation, tenant, other)
    person.join(ended.made.tenant_id, ended.made.slug, "auditor", until="2020-01-01")
    with person.signed_in() as client:
        for path in ("/tenants", f"/t/{tenant.made.slug}/tenants"):
            page = client.get(path)
            assert page.status_code == 200
            assert set(cards(page.text)) == {f"/t/{tenant.made.slug}/", f"/t/{other.made.slug}/"}
            assert third.made.slug not in page.text
            assert ended.made.slug not in page.text
        asked = client.get(f"/t/{tenant.made.slug}/api/tenants").json()["tenants"]
        assert {(row["slug"], *row["roles"]) for row in asked} == {
            (tenant.made.slug, "Viewer"),
            (other.made.slug, "Analyst"),
        }


def test_switching_shows_where_one_is(installation: Installation, tenant: Tenant, other: Tenant) -> None:
    with other.in_database() as raw:
        raw.execute("UPDATE ledger.tenants SET name = 'The <b>Other</b> One' WHERE slug = %s", [other.made.slug])
    with member_of(installation, tenant, other).signed_in() as client:
        here = client.get(f"/t/{tenant.made.slug}/")
        assert "A tenant of the tests" in here.text
        assert "Other" not in here.text
        assert f'href="/t/{tenant.made.slug}/tenants"' in here.text
        choice = cards(client.get(f"/t/{tenant.made.slug}/tenants").text)
        assert "you are here" in choice[f"/t/{tenant.made.slug}/"]
        assert 'aria-current="true"' in choice[f"/t/{tenant.made.slug}/"]
        assert "you are here" not in choice[f"/t/{other.made.slug}/"]
        there = client.get(f"/t/{other.made.slug}/")
        assert there.status_code == 200
        assert "The &lt;b&gt;Other&lt;/b&gt; One" in there.text
        assert "A tenant of the tests" not in there.text
        assert "you are here" not in client.get("/tenants").text


def test_whoever_has_one_tenant_is_sent_straight_there(installation: Installation, tenant: Tenant) -> None:
    with make_person(installation, tenant, "viewer").signed_in() as client:
        answer = client.get("/tenants", follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (302, f"/t/{tenant.made.slug}/")
        page = client.get("/")
        assert page.status_code == 200
        assert page.url.path == f"/t/{tenant.made.slug}/"


def test_signing_in_without_a_tenant_leads_to_it(installation: Installation, tenant: Tenant, other: Tenant) -> None:
    one, two = make_person(installation, tenant, "viewer"), member_of(installation, tenant, other)
    with one.client() as client:
        assert one.sign_in(client).url.path == f"/t/{tenant.made.slug}/"
    with two.client() as client:
        assert set(cards(two.sign_in(client).text)) == {f"/t/{tenant.made.slug}/", f"/t/{other.made.slug}/"}


def test_whoever_has_none_is_told_so(installation: Installation) -> None:
    with make_person(installation).signed_in() as client:
        page = client.get("/tenants")
    assert page.status_code == 200
    assert "You belong to no tenant" in page.text
    assert not cards(page.text)


def test_nobody_sees_it_without_signing_in(visitor: Visitor) -> None:
    assert visitor.get("/tenants").headers["location"].startswith("/account/login?")


def test_a_membership_that_ends_leaves_the_list(
    installation: Installation, admin: Acting, tenant: Tenant, other: Tenant
) -> None:
    person = member_of(installation, other, tenant)
    with person.signed_in() as client:
        assert len(cards(client.get("/tenants").text)) == 2
        (member,) = [row["id"] for row in admin.did("GET", "members")["members"] if row["user_id"] == person.user_id]
        admin.did("DELETE", f"members/{member}")
        assert client.get("/tenants", follow_redirects=False).headers["location"] == f"/t/{other.made.slug}/"
        assert client.get(f"/t/{tenant.made.slug}/").status_code == 404


def test_under_a_subdomain_the_others_are_at_theirs(
    installation: Installation, visitor: Visitor, tenant: Tenant, other: Tenant
) -> None:
    """A path that names another tenant than its host leads nowhere, so it is not offered."""
    person = member_of(installation, tenant, other)
    host = f"{tenant.made.slug}.localhost"
    visitor.sign_in(person, host)
    offered = cards(visitor.get("/tenants", host).text)
    assert set(offered) == {f"/t/{tenant.made.slug}/", f"http://{other.made.slug}.localhost:{visitor.port}/"}
    assert visitor.get(f"/t/{tenant.made.slug}/", host).status_code == 200
    answer = visitor.get("/", f"{other.made.slug}.localhost")
    assert answer.status_code in (200, 302)


def test_under_a_host_name_of_one_tenant_another_is_named_without_a_dead_link(
    installation: Installation, admin: Acting, visitor: Visitor, tenant: Tenant, other: Tenant
) -> None:
    name = f"{tenant.made.slug}.customers.example"
    admin.did("POST", "hosts", {"host": name}, status=201)
    stranger = make_person(installation, other, "viewer")
    visitor.sign_in(stranger, name)
    page = visitor.get("/tenants", name)
    assert page.status_code == 200, "there is no address under this name to be sent to"
    assert other.made.slug in page.text
    assert not cards(page.text)
    assert "own address" in page.text


def test_a_person_of_two_tenants_has_no_sight_of_one_from_the_other(
    signed_in: Callable[..., Acting], installation: Installation, tenant: Tenant, other: Tenant
) -> None:
    person = member_of(installation, tenant, other)
    admin = signed_in(other)
    hidden = admin.did("POST", "groups", {"name": "Hidden group", "roles": [], "parent": ""}, status=201)["id"]
    with person.signed_in() as client:
        assert client.get(f"/t/{other.made.slug}/api/groups/{hidden}").status_code in (200, 405)
        assert client.get(f"/t/{tenant.made.slug}/groups/{hidden}").status_code in (403, 404)
        assert "Hidden group" not in client.get(f"/t/{tenant.made.slug}/").text
