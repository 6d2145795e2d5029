"""Members, roles and groups as the API and the pages show and change them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.members.conftest import Acting, Told, member_id, roles_of
from tests.support.people import make_person
from tests.support.servers import Installation, Tenant


def in_days(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def test_a_member_gets_and_loses_capabilities_at_once_and_it_is_recorded(
    admin: Acting, signed_in: Callable[..., Acting], tenant: Tenant, told: Callable[..., list[Told]]
) -> None:
    other = signed_in(tenant, "viewer")
    roles = roles_of(admin)
    assert other.ask("GET", "members").status_code == 403
    admin.did("PUT", f"members/{other.member_id}", {"roles": [roles["analyst"]]})
    assert other.ask("GET", "members").status_code == 200
    admin.did("DELETE", f"members/{other.member_id}", status=None)
    assert other.ask("GET", "members").status_code == 404
    (changed,) = told(admin.slug, "member.change")
    (removed,) = told(admin.slug, "member.remove")
    assert (changed.actor, changed.labels["user"]) == (admin.person.subject, other.person.user_id)
    assert removed.labels["user"] == other.person.user_id
    assert other.person.email not in changed.text + removed.text


def test_a_membership_that_ends_opens_nothing(admin: Acting, signed_in: Callable[..., Acting], tenant: Tenant) -> None:
    other = signed_in(tenant, "analyst", until="2027-06-01T00:00:00Z")
    assert other.ask("GET", "members").status_code == 200
    with tenant.in_database() as connection:
        connection.execute(
            "UPDATE django.members_membership SET until = now() - interval '1 second' WHERE user_id = %s",
            [other.person.user_id],
        )
    assert other.ask("GET", "members").status_code == 404
    assert other.page("members").status_code == 404
    ended = admin.did("GET", "members?state=ended")["members"]
    assert [row["id"] for row in ended] == [other.member_id]


def test_a_role_with_a_time_limit_demands_an_end_within_90_days(admin: Acting, tenant: Tenant) -> None:
    person = make_person(admin.person.served, tenant, "viewer")
    path, role = f"members/{member_id(person, admin.slug)}", roles_of(admin)["auditor"]
    for until in (None, in_days(91), in_days(-1)):
        answer = admin.ask("PUT", path, {"roles": [role], "until": until})
        assert (answer.status_code, answer.json()["field"]) == (422, "until"), answer.text
    assert admin.did("PUT", path, {"roles": [role], "until": in_days(89)})["recorded_reads"] is True
    answer = admin.ask("POST", "invitations", {"email": "a@b.example", "roles": [role]})
    assert (answer.status_code, answer.json()["field"]) == (422, "until")


def test_a_time_limit_does_not_come_in_through_a_group_or_a_role_without_an_end(admin: Acting, tenant: Tenant) -> None:
    roles = roles_of(admin)
    person = make_person(admin.person.served, tenant, "viewer")
    group = admin.did("POST", "groups", {"name": "Audit", "roles": [roles["auditor"]]})["id"]
    assert admin.ask("PUT", f"groups/{group}/members/{member_id(person, admin.slug)}").status_code == 422
    boxed = {"name": "Viewer", "capabilities": ["ledger.read"], "time_boxed": True}
    assert admin.ask("PUT", f"roles/{roles['viewer']}", boxed).status_code == 422
    answer = admin.ask("POST", "service-accounts", {"name": "bot", "roles": [roles["auditor"]]})
    assert answer.status_code == 422


def test_a_role_in_use_is_deleted_only_when_another_takes_its_place(
    admin: Acting, tenant: Tenant, told: Callable[..., list[Told]]
) -> None:
    roles = roles_of(admin)
    person = make_person(admin.person.served, tenant, "engineer")
    group = admin.did("POST", "groups", {"name": "Team", "roles": [roles["engineer"]]})["id"]
    path = f"roles/{roles['engineer']}"
    answer = admin.ask("DELETE", path)
    assert (answer.status_code, answer.json()["field"]) == (422, "replacement")
    assert admin.ask("DELETE", f"{path}?replacement={roles['engineer']}").status_code == 422
    admin.did("DELETE", f"{path}?replacement={roles['viewer']}")
    assert admin.did("GET", f"members/{member_id(person, admin.slug)}")["roles"] == [roles["viewer"]]
    assert admin.did("GET", f"groups/{group}")["roles"] == [roles["viewer"]]
    (entry,) = told(admin.slug, "role.change")
    assert (entry.labels["what"], entry.labels["code"], entry.labels["replacement"]) == ("delete", "engineer", "viewer")


def test_groups_inherit_from_what_they_are_part_of_and_never_from_themselves(admin: Acting, tenant: Tenant) -> None:
    roles = roles_of(admin)
    person = make_person(admin.person.served, tenant, "viewer")
    top = admin.did("POST", "groups", {"name": "Top", "roles": [roles["analyst"]]})["id"]
    middle = admin.did("POST", "groups", {"name": "Middle", "parent": top})["id"]
    low = admin.did("POST", "groups", {"name": "Low", "parent": middle})["id"]
    admin.did("PUT", f"groups/{low}/members/{member_id(person, admin.slug)}")
    shown = admin.did("GET", f"members/{member_id(person, admin.slug)}")
    (trail,) = [allowed for allowed in shown["may"] if allowed["capability"] == "trail.read"]
    assert trail["through"] == ["Analyst (group Top)"]
    for group in (top, middle, low):
        name = {top: "Top", middle: "Middle", low: "Low"}[group]
        answer = admin.ask("PUT", f"groups/{group}", {"name": name, "roles": [], "parent": low})
        if group != middle:
            assert (answer.status_code, answer.json().get("field")) == (422, "parent"), answer.text
    admin.did("DELETE", f"groups/{middle}")
    assert admin.did("GET", f"groups/{low}")["parent"] in (top, "")


def test_lists_are_searched_filtered_and_paged(admin: Acting, installation: Installation, tenant: Tenant) -> None:
    people = [make_person(installation, tenant, "viewer", name=f"Zed {number}") for number in range(5)]
    role = roles_of(admin)["viewer"]
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        answer = admin.did("GET", f"members?role={role}&limit=2{cursor and '&cursor=' + cursor}")
        seen += [row["user_id"] for row in answer["members"]]
        cursor = answer["cursor"]
    assert seen == [person.user_id for person in people]
    assert [row["name"] for row in admin.did("GET", "members?q=zED%203")["members"]] == ["Zed 3"]
    assert [row["email"] for row in admin.did("GET", f"members?q={people[1].email}")["members"]] == [people[1].email]
    assert admin.ask("GET", "members?cursor=%27;--").status_code == 400
    page = admin.page("members?sort=-name&q=zed")
    assert re.findall(r"Zed \d", page.text) == [f"Zed {number}" for number in (4, 3, 2, 1, 0)]


def test_names_are_shown_as_text(admin: Acting, installation: Installation, tenant: Tenant) -> None:
    person = make_person(installation, tenant, "viewer", name='<script>alert(1)</script>"')
    for path in (
        "members",
        f"members/{member_id(person, admin.slug)}",
        f"members/{member_id(person, admin.slug)}/change",
    ):
        text = admin.page(path).text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert(1)" in text


@pytest.mark.parametrize("kind", ["member", "role", "group", "invitation", "service"])
def test_ids_of_other_tenants_are_not_found(
    admin: Acting, signed_in: Callable[..., Acting], installation: Installation, kind: str
) -> None:
    other = signed_in(installation.tenant())
    roles = roles_of(other)
    group = other.did("POST", "groups", {"name": "G", "roles": [roles["viewer"]]})["id"]
    invited = other.did("POST", "invitations", {"email": "x@y.example", "roles": [roles["viewer"]]})["id"]
    service = other.did("POST", "service-accounts", {"name": "s", "roles": [roles["viewer"]]})["id"]
    holding = {"roles": [], "groups": []}
    attempts = {
        "member": [("GET", f"members/{other.member_id}", None), ("PUT", f"members/{other.member_id}", holding),
                   ("DELETE", f"members/{other.member_id}", None)],
        "role": [("GET", f"roles/{roles['viewer']}", None), ("DELETE", f"roles/{roles['viewer']}", None),
                 ("PUT", f"roles/{roles['viewer']}", {"name": "x", "capabilities": []})],
        "group": [("GET", f"groups/{group}", None), ("DELETE", f"groups/{group}", None),
                  ("PUT", f"groups/{group}", {"name": "x"}),
                  ("PUT", f"groups/{group}/members/{admin.member_id}", None)],
        "invitation": [("DELETE", f"invitations/{invited}", None)],
        "service": [("DELETE", f"service-accounts/{service}", None)],
    }  # fmt: skip
    for method, path, body in attempts[kind]:
        answer = admin.ask(method, path, body)
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:muniment:problem:not-found"), (method, path)
    if kind == "role":
        answer = admin.ask("POST", "groups", {"name": "borrowed", "roles": [roles["viewer"]]})
        assert (answer.status_code, answer.json()["field"]) == (422, "roles")
        assert admin.page(f"roles/{roles['viewer']}").status_code == 404
    if kind == "group":
        answer = admin.ask("POST", "groups", {"name": "child", "parent": group})
        assert (answer.status_code, answer.json()["field"]) == (422, "parent")
    assert len(other.did("GET", "invitations")["invitations"]) == 1


def test_an_odd_id_in_an_address_is_not_found(admin: Acting) -> None:
    for path in ("members/%00", "roles/%C3%A4", f"groups/{'g' * 300}", "members/mem_01KAY9M2Z7Q4WXYH3J8V5T6R0C"):
        assert admin.ask("GET", path).status_code == 404, path
        assert admin.page(path).status_code == 404, path


def test_forms_change_members_roles_and_groups(admin: Acting, tenant: Tenant) -> None:
    roles = roles_of(admin)
    person = make_person(admin.person.served, tenant, "viewer")
    mem = member_id(person, admin.slug)
    page = admin.send("groups/new", {"name": "Night watch", "roles": [roles["viewer"]], "parent": ""})
    group = re.search(r"groups/(grp_\w+)", str(page.url))
    assert group, page.text
    page = admin.send(f"groups/{group[1]}/put", {"email": person.email.upper()})
    assert person.email in page.text
    page = admin.send(f"members/{mem}/change", {"roles": [roles["engineer"]], "groups": [group[1]], "until": ""})
    assert page.status_code == 200
    assert admin.did("GET", f"members/{mem}")["roles"] == [roles["engineer"]]
    page = admin.send(f"members/{mem}/change", {"roles": [roles["auditor"]], "until": "2035-01-01"})
    assert page.status_code == 422
    assert "at most 90 days" in page.text
    page = admin.send("roles/new", {"code": "night", "name": "Night", "capabilities": ["ledger.read"]})
    role = re.search(r"roles/(rol_\w+)", str(page.url))
    assert role, page.text
    page = admin.send(f"roles/{role[1]}/change", {"name": "Nights", "capabilities": ["ledger.read", "body.read"]})
    assert "See the payloads" in page.text
    assert admin.send(f"roles/{role[1]}/delete", {"replacement": ""}).status_code == 200
    assert admin.send(f"members/{mem}/remove", {}).status_code == 200
    assert admin.page(f"members/{mem}").status_code == 404


def test_who_may_only_read_members_sees_no_form_and_sends_none(
    signed_in: Callable[..., Acting], tenant: Tenant, admin: Acting
) -> None:
    reader = signed_in(tenant, "engineer")
    assert reader.page("members").status_code == 200
    assert "members/invite" not in reader.page("members").text
    for path in ("members/invite", f"members/{admin.member_id}/change", "roles/new", "groups/new"):
        assert reader.page(path).status_code == 403, path
        assert reader.send(path, {}).status_code == 403, path
