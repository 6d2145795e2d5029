"""Nobody gives, or gets, more than they hold: every way that was thought of, through the API of a real server."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.members.conftest import Acting, Told, member_id, roles_of
from tests.support.people import make_person
from tests.support.servers import Installation, Tenant

PEOPLE = ["member.read", "member.manage", "role.manage", "key.manage", "ledger.read"]


@pytest.fixture
def manager(admin: Acting, signed_in: Callable[..., Acting], tenant: Tenant) -> Acting:
    """Somebody who manages people, roles and keys, and may not manage sign-in or the tenant, or see payloads."""
    admin.did("POST", "roles", {"code": "people", "name": "People", "capabilities": PEOPLE}, status=201)
    return signed_in(tenant, "people")


def refused_as_escalation(acting: Acting, told: Callable[..., list[Told]], method: str, path: str, body: object) -> str:
    """The reason; the attempt stands in the ledger under its maker's name."""
    before = len(told(acting.slug, "access.refuse"))
    answer = acting.ask(method, path, body)
    assert answer.status_code == 403, answer.text
    assert answer.json()["type"] == "urn:muniment:problem:missing-capability"
    entries = told(acting.slug, "access.refuse")[before:]
    assert [(entry.actor, entry.labels["reason"]) for entry in entries] == [(acting.person.subject, "escalation")]
    return str(answer.json()["detail"])


def test_nobody_changes_their_own_roles(manager: Acting, told: Callable[..., list[Told]]) -> None:
    roles = roles_of(manager)
    for body in ({"roles": [roles["administrator"]]}, {"roles": [roles["viewer"]]}, {"roles": []}):
        reason = refused_as_escalation(manager, told, "PUT", f"members/{manager.member_id}", body)
        assert "nobody changes their own" in reason


def test_an_administrator_does_not_change_their_own_roles_either(
    admin: Acting, told: Callable[..., list[Told]]
) -> None:
    viewer = roles_of(admin)["viewer"]
    refused_as_escalation(admin, told, "PUT", f"members/{admin.member_id}", {"roles": [viewer]})


def test_a_role_with_more_than_one_holds_is_not_given(
    manager: Acting, tenant: Tenant, told: Callable[..., list[Told]]
) -> None:
    friend = make_person(manager.person.served, tenant, "viewer")
    path = f"members/{member_id(friend, manager.slug)}"
    reason = refused_as_escalation(manager, told, "PUT", path, {"roles": [roles_of(manager)["analyst"]]})
    assert "body.read" in reason
    assert manager.did("GET", path)["roles"] == [roles_of(manager)["viewer"]]


def test_what_one_does_not_hold_is_not_taken_from_others(
    admin: Acting, manager: Acting, told: Callable[..., list[Told]]
) -> None:
    path = f"members/{admin.member_id}"
    refused_as_escalation(manager, told, "PUT", path, {"roles": [roles_of(manager)["viewer"]]})
    refused_as_escalation(manager, told, "DELETE", path, None)
    refused_as_escalation(
        manager, told, "PUT", path, {"roles": [roles_of(manager)["administrator"]], "until": "2099-01-01T00:00:00Z"}
    )


def test_ones_own_role_is_not_widened(manager: Acting, told: Callable[..., list[Told]]) -> None:
    wider = {"name": "People", "capabilities": [*PEOPLE, "sso.manage"]}
    reason = refused_as_escalation(manager, told, "PUT", f"roles/{roles_of(manager)['people']}", wider)
    assert "what you may do yourself" in reason


def test_a_role_of_others_is_not_widened_or_narrowed_beyond_what_one_holds(
    manager: Acting, told: Callable[..., list[Told]]
) -> None:
    role = roles_of(manager)["viewer"]
    more = {"name": "Viewer", "capabilities": ["ledger.read", "export.create"]}
    refused_as_escalation(manager, told, "PUT", f"roles/{role}", more)
    analyst = roles_of(manager)["analyst"]
    refused_as_escalation(manager, told, "PUT", f"roles/{analyst}", {"name": "Analyst", "capabilities": []})


def test_a_role_with_more_than_one_holds_is_not_made(manager: Acting, told: Callable[..., list[Told]]) -> None:
    body = {"code": "backdoor", "name": "Backdoor", "capabilities": ["tenant.manage"]}
    refused_as_escalation(manager, told, "POST", "roles", body)
    assert "backdoor" not in roles_of(manager)


def test_a_group_does_not_give_more_than_its_maker_holds(manager: Acting, told: Callable[..., list[Told]]) -> None:
    admin_role = roles_of(manager)["administrator"]
    refused_as_escalation(manager, told, "POST", "groups", {"name": "Back door", "roles": [admin_role]})


def test_a_group_one_is_in_does_not_get_a_parent_that_gives_more(
    admin: Acting, manager: Acting, told: Callable[..., list[Told]]
) -> None:
    roles = roles_of(admin)
    top = admin.did("POST", "groups", {"name": "Top", "roles": [roles["administrator"]]})
    low = admin.did("POST", "groups", {"name": "Low", "roles": []})
    admin.did("PUT", f"groups/{low['id']}/members/{manager.member_id}")
    refused_as_escalation(
        manager, told, "PUT", f"groups/{low['id']}", {"name": "Low", "roles": [], "parent": top["id"]}
    )


def test_one_does_not_put_oneself_or_others_into_a_group_that_gives_more(
    admin: Acting, manager: Acting, tenant: Tenant, told: Callable[..., list[Told]]
) -> None:
    top = admin.did("POST", "groups", {"name": "Top", "roles": [roles_of(admin)["administrator"]]})["id"]
    friend = make_person(manager.person.served, tenant, "viewer")
    refused_as_escalation(manager, told, "PUT", f"groups/{top}/members/{manager.member_id}", None)
    refused_as_escalation(manager, told, "PUT", f"groups/{top}/members/{member_id(friend, manager.slug)}", None)


def test_an_invitation_does_not_offer_more_than_the_inviter_holds(
    admin: Acting, manager: Acting, told: Callable[..., list[Told]]
) -> None:
    roles = roles_of(admin)
    top = admin.did("POST", "groups", {"name": "Top", "roles": [roles["administrator"]]})["id"]
    for body in ({"roles": [roles["administrator"]]}, {"groups": [top]}, {"roles": [roles["engineer"]]}):
        refused_as_escalation(manager, told, "POST", "invitations", {"email": "friend@evil.example", **body})
    assert admin.did("GET", "invitations")["invitations"] == []


def test_a_role_is_not_replaced_by_one_that_gives_more(
    admin: Acting, manager: Acting, tenant: Tenant, told: Callable[..., list[Told]]
) -> None:
    roles = roles_of(admin)
    make_person(manager.person.served, tenant, "viewer")
    path = f"roles/{roles['viewer']}?replacement={roles['administrator']}"
    refused_as_escalation(manager, told, "DELETE", path, None)
    assert "viewer" in roles_of(manager)


def test_a_service_account_and_its_key_get_no_more_than_their_maker_has(
    admin: Acting, manager: Acting, told: Callable[..., list[Told]]
) -> None:
    roles = roles_of(admin)
    answer = manager.ask("POST", "service-accounts", {"name": "bot", "roles": [roles["analyst"]]})
    assert answer.status_code in (403, 422), answer.text
    strong = admin.did("POST", "service-accounts", {"name": "strong", "roles": [roles["analyst"]]})["id"]
    for body in ({"service": strong}, {}):
        answer = manager.ask("POST", "keys", {"label": "k", "scope": "read", **body})
        assert answer.status_code in (403, 422), answer.text
        assert "body.read" in answer.json()["detail"]
    assert manager.ask("POST", "keys", {"label": "k", "scope": "append"}).status_code == 201


def test_a_person_whose_reading_is_recorded_gives_no_standing_whose_reading_is_not(
    admin: Acting, signed_in: Callable[..., Acting], tenant: Tenant, told: Callable[..., list[Told]]
) -> None:
    body = {"code": "watched", "name": "Watched", "capabilities": PEOPLE, "recorded_reads": True}
    watched_role = admin.did("POST", "roles", body)["id"]
    watched = signed_in(tenant, "watched")
    viewer = roles_of(admin)["viewer"]
    refused_as_escalation(watched, told, "POST", "invitations", {"email": "me@else.example", "roles": [viewer]})
    unwatched = {"name": "Watched", "capabilities": PEOPLE, "recorded_reads": False}
    assert "what you may do yourself" in refused_as_escalation(watched, told, "PUT", f"roles/{watched_role}", unwatched)


def test_a_person_with_an_end_gives_nothing_that_lasts_longer(
    admin: Acting, signed_in: Callable[..., Acting], tenant: Tenant, told: Callable[..., list[Told]]
) -> None:
    leaving = signed_in(tenant, "administrator", until="2027-06-01T00:00:00Z")
    viewer = roles_of(admin)["viewer"]
    body = {"email": "me@else.example", "roles": [viewer]}
    refused_as_escalation(leaving, told, "POST", "invitations", body)
    refused_as_escalation(leaving, told, "POST", "invitations", {**body, "until": "2028-01-01T00:00:00Z"})


def test_recording_events_is_given_by_no_role(admin: Acting) -> None:
    answer = admin.ask("POST", "roles", {"code": "append", "name": "Append", "capabilities": ["ledger.append"]})
    assert (answer.status_code, answer.json()["field"]) in ((422, "capabilities"), (403, "capabilities"))


def test_the_administrators_role_is_fixed(admin: Acting) -> None:
    role = roles_of(admin)["administrator"]
    whole = admin.did("GET", f"roles/{role}")
    narrowed = {"name": "Administrator", "capabilities": ["ledger.read"]}
    for method, path, body in (
        ("PUT", f"roles/{role}", narrowed),
        ("PUT", f"roles/{role}", {"name": "Boss", "capabilities": whole["capabilities"]}),
        ("DELETE", f"roles/{role}?replacement={roles_of(admin)['viewer']}", None),
    ):
        assert admin.ask(method, path, body).status_code in (403, 422)
    assert admin.did("GET", f"roles/{role}") == whole


@pytest.mark.parametrize("limit", ["recorded_reads", "time_boxed"])
def test_a_provider_gives_nothing_beyond_the_limits_of_who_sets_it_up(
    admin: Acting, installation: Installation, tenant: Tenant, limit: str
) -> None:
    body = {"code": limit.replace("_", "-"), "name": limit, "capabilities": ["sso.manage", "ledger.read"], limit: True}
    admin.did("POST", "roles", body)
    until = str(datetime.now(UTC) + timedelta(days=10)) if limit == "time_boxed" else None
    person = make_person(installation, tenant, str(body["code"]), until=until)
    wanted = {
        "name": "Mine",
        "preset": "generic",
        "value": "https://id.example.com",
        "client_id": "c",
        "client_secret": "s",
    }
    with person.signed_in(tenant=tenant.made.slug) as client:
        manager = Acting(person, client, tenant.made.slug)
        for more in ({"default_role": roles_of(admin)["viewer"]}, {"group_roles": {"all": roles_of(admin)["viewer"]}}):
            answer = manager.ask("POST", "sign-in/connections", {**wanted, "joins": True, **more})
            assert answer.status_code == 422, answer.text
            assert "your own membership ends" in answer.text or "what you read is recorded" in answer.text
        made = manager.did("POST", "sign-in/connections", wanted)
        answer = manager.ask(
            "PUT",
            f"sign-in/connections/{made['id']}",
            {**wanted, "client_secret": None, "default_role": roles_of(admin)["viewer"]},
        )
        assert answer.status_code == 422, answer.text
