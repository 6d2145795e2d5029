"""Invitations: who can accept them, once, and for how long."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

import httpx
import pytest

from tests.members.conftest import Acting, Told, roles_of
from tests.support.people import csrf_token, make_person
from tests.support.servers import Installation, Tenant

PASSWORD = "horse-battery-9-staple-quux"


def invited(admin: Acting, email: str, *roles: str) -> tuple[str, str]:
    """(id, path of the link) of an invitation."""
    known = roles_of(admin)
    made = admin.did("POST", "invitations", {"email": email, "roles": [known[role] for role in roles or ("viewer",)]})
    return made["id"], "/t/" + made["link"].split("/t/", 1)[1]


def accepting(client: httpx.Client, path: str, **fields: str) -> httpx.Response:
    page = client.get(path)
    token = csrf_token(page)
    return client.post(path, data={"csrfmiddlewaretoken": token, **fields}, headers={"Referer": str(page.url)})


def test_somebody_new_sets_name_and_password_and_is_led_to_the_second_factor(
    admin: Acting, told: Callable[..., list[Told]]
) -> None:
    number, path = invited(admin, "New.One@people.example", "viewer")
    with admin.person.client() as client:
        page = accepting(client, path, name="New One", password=PASSWORD)
        assert "/account/second-factors/new" in str(page.url), page.text
        assert client.get(f"/t/{admin.slug}/").status_code in (200, 404)
    (member,) = admin.did("GET", "members?q=new.one")["members"]
    assert (member["name"], member["email"]) == ("New One", "new.one@people.example")
    (joined,) = told(admin.slug, "member.join")
    assert (joined.actor, joined.labels["invitation"]) == (f"user:{member['user_id']}", number)
    entries = [*told(admin.slug, "member.invite"), joined, *told("installation", "user.create")]
    assert all("new.one" not in entry.text and "New One" not in entry.text for entry in entries)


def test_a_weak_password_makes_no_account(admin: Acting) -> None:
    _, path = invited(admin, "weak@people.example")
    with admin.person.client() as client:
        for password in ("short", "password1234", "weak@people.example"):
            page = accepting(client, path, name="Weak", password=password)
            assert page.status_code == 422
    assert admin.did("GET", "members?q=weak")["members"] == []


def test_a_link_works_once(admin: Acting) -> None:
    _, path = invited(admin, "once@people.example")
    with admin.person.client() as client:
        accepting(client, path, name="Once", password=PASSWORD)
    with admin.person.client() as client:
        page = client.get(path)
        assert page.status_code == 404
        assert "once@people.example" not in page.text


def test_a_withdrawn_and_an_expired_link_lead_nowhere(admin: Acting, tenant: Tenant) -> None:
    number, withdrawn = invited(admin, "first@people.example")
    admin.did("DELETE", f"invitations/{number}")
    number, expired = invited(admin, "second@people.example")
    with tenant.in_database() as connection:
        connection.execute("UPDATE django.members_invitation SET expires_at = now() WHERE id = %s", [number])
    with admin.person.client() as client:
        for path in (withdrawn, expired, f"/t/{admin.slug}/join/{'A' * 43}", f"/t/{admin.slug}/join/x"):
            assert client.get(path).status_code == 404, path
            assert client.post(path).status_code in (403, 404)


def test_a_link_of_another_tenant_leads_nowhere_here(
    admin: Acting, signed_in: Callable[..., Acting], installation: Installation
) -> None:
    other = signed_in(installation.tenant())
    _, path = invited(other, "there@people.example")
    with admin.person.client() as client:
        assert client.get(path.replace(other.slug, admin.slug)).status_code == 404
        assert client.get("/join/" + path.rsplit("/", 1)[1]).status_code == 404


def test_the_token_is_stored_as_its_hash_alone(admin: Acting, tenant: Tenant) -> None:
    number, path = invited(admin, "hashed@people.example")
    token = path.rsplit("/", 1)[1]
    with tenant.in_database() as connection:
        row = connection.execute("SELECT * FROM django.members_invitation WHERE id = %s", [number]).fetchone()
    assert row is not None
    assert hashlib.sha256(token.encode()).hexdigest() in row
    assert all(token not in str(value) for value in row)
    assert token not in admin.page("members/invitations").text
    assert "link" not in admin.did("GET", "invitations")["invitations"][0]


def test_somebody_with_an_account_signs_in_and_the_address_must_be_theirs(
    admin: Acting, installation: Installation
) -> None:
    known, stranger = make_person(installation), make_person(installation)
    _, path = invited(admin, known.email.upper(), "viewer")
    with known.client() as client:
        page = client.get(path)
        assert "password" not in re.findall(r'name="(\w+)"', page.text)
        assert "/account/login?next=" in page.text
    with stranger.signed_in() as client:
        page = client.get(path)
        assert "you are signed in as" in page.text
        answer = client.post(path, data={"csrfmiddlewaretoken": csrf_token(page)}, headers={"Referer": str(page.url)})
        assert answer.status_code == 422
    assert admin.did("GET", f"members?q={stranger.email}")["members"] == []
    with known.signed_in() as client:
        assert accepting(client, path).status_code in (200, 404)
    assert [row["user_id"] for row in admin.did("GET", f"members?q={known.email}")["members"]] == [known.user_id]


def test_an_invitation_falls_with_the_rights_of_its_maker(
    admin: Acting, signed_in: Callable[..., Acting], tenant: Tenant, told: Callable[..., list[Told]]
) -> None:
    second = signed_in(tenant)
    before = len(told("installation", "user.create"))
    _, path = invited(second, "accomplice@people.example", "administrator")
    admin.did("PUT", f"members/{second.member_id}", {"roles": [roles_of(admin)["viewer"]]})
    with admin.person.client() as client:
        page = accepting(client, path, name="Accomplice", password=PASSWORD)
        assert page.status_code == 422
        assert "may not do that any more" in page.text
    assert admin.did("GET", "members?q=accomplice")["members"] == []
    # No account is left behind, so whose address it is can still be invited.
    with tenant.in_database() as connection:
        for table in ("accounts_user", "account_emailaddress"):
            query = f"SELECT * FROM django.{table} WHERE email = 'accomplice@people.example'"
            assert connection.execute(query).fetchall() == []
    assert len(told("installation", "user.create")) == before
    withdrawn = admin.did("GET", "invitations")["invitations"][0]["id"]
    admin.did("DELETE", f"invitations/{withdrawn}")
    _, again = invited(admin, "accomplice@people.example")
    with admin.person.client() as client:
        page = accepting(client, again, name="Honest", password=PASSWORD)
        assert "/account/second-factors/new" in str(page.url), page.text
    created = told("installation", "user.create")
    assert len(created) == before + 1
    assert (created[-1].labels["how"], created[-1].labels["address"]) == ("invitation", "vouched-for")


@pytest.mark.parametrize("end", ["revoked", "closed", "demoted"])
def test_an_invitation_falls_with_the_key_that_made_it(admin: Acting, tenant: Tenant, end: str) -> None:
    roles = roles_of(admin)
    body = {"code": "inviter", "name": "Inviter", "capabilities": ["member.manage", "member.read", "ledger.read"]}
    inviter = admin.did("POST", "roles", body)["id"]
    service = admin.did("POST", "service-accounts", {"name": "bot", "roles": [inviter]})["id"]
    key = admin.did("POST", "keys", {"label": "bot", "scope": "read", "service": service})
    with tenant.with_token(key["token"]) as bot:
        made = bot.post("/api/invitations", json={"email": f"late-{end}@people.example", "roles": [roles["viewer"]]})
        assert made.status_code == 201, made.text
        still = bot.post("/api/invitations", json={"email": f"still-{end}@people.example", "roles": [roles["viewer"]]})
    with admin.person.client() as client:
        path = "/t/" + still.json()["link"].split("/t/", 1)[1]
        assert accepting(client, path, name="Still", password=PASSWORD).status_code == 200
    if end == "revoked":
        admin.did("DELETE", f"keys/{key['key_id']}")
    elif end == "closed":
        admin.did("DELETE", f"service-accounts/{service}")
    else:
        admin.did("PUT", f"roles/{inviter}", {"name": "Inviter", "capabilities": ["member.read"]})
    with admin.person.client() as client:
        page = accepting(client, "/t/" + made.json()["link"].split("/t/", 1)[1], name="Late", password=PASSWORD)
        assert page.status_code == 422
        assert "may not do that any more" in page.text
    assert admin.did("GET", f"members?q=late-{end}")["members"] == []


def test_members_and_those_who_are_invited_are_not_invited_again(admin: Acting) -> None:
    invited(admin, "again@people.example")
    role = roles_of(admin)["viewer"]
    for email in ("AGAIN@people.example", admin.person.email, "no address", "a@b", "x" * 250 + "@b.example"):
        answer = admin.ask("POST", "invitations", {"email": email, "roles": [role]})
        assert answer.status_code == 422, email
        assert answer.json()["field"].endswith("email")
    assert admin.ask("POST", "invitations", {"email": "roleless@people.example"}).json()["field"] == "roles"


def test_the_page_shows_the_link_once_where_no_mail_is_configured(admin: Acting) -> None:
    page = admin.send("members/invite", {"email": "shown@people.example", "roles": [roles_of(admin)["viewer"]]})
    link = re.search(r"http://[^\"<\s]+/join/[\w-]{43}", page.text)
    assert link, page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert "link was shown" in admin.page("members/invitations").text
    assert link[0] not in admin.page("members/invitations").text


def test_two_who_accept_one_link_at_once_make_one_member(admin: Acting) -> None:
    from concurrent.futures import ThreadPoolExecutor

    _, path = invited(admin, "race@people.example")

    def run(_: int) -> int:
        with admin.person.client() as client:
            return accepting(client, path, name="Racer", password=PASSWORD).status_code

    with ThreadPoolExecutor(2) as pool:
        assert all(status < 500 for status in pool.map(run, range(2)))
    assert len(admin.did("GET", "members?q=race@")["members"]) == 1
