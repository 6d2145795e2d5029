"""A tenant that has an administrator keeps one, whatever is tried and however many try at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from tests.members.conftest import Acting, member_id, roles_of
from tests.support.people import make_person
from tests.support.servers import Tenant


def administrators(acting: Acting) -> list[str]:
    """Ids of the members who are administrators, as the API lists them."""
    role = roles_of(acting)["administrator"]
    return [row["id"] for row in acting.did("GET", f"members?role={role}&state=active")["members"]]


def is_refused_as_the_last(answer: object) -> bool:
    return "the last administrator without an end" in str(getattr(answer, "text", ""))


def test_the_last_administrator_does_not_leave(admin: Acting) -> None:
    assert is_refused_as_the_last(admin.ask("DELETE", f"members/{admin.member_id}"))
    page = admin.send("leave", {})
    assert page.status_code == 422
    assert is_refused_as_the_last(page) or "last administrator" in page.text
    assert administrators(admin) == [admin.member_id]


def test_one_of_two_administrators_leaves(signed_in: Callable[..., Acting], tenant: Tenant) -> None:
    first, second = signed_in(tenant), signed_in(tenant)
    page = first.send("leave", {})
    assert page.status_code == 200, page.text
    assert first.ask("GET", "members").status_code == 404
    assert administrators(second) == [second.member_id]


def test_the_last_one_without_an_end_gets_none(signed_in: Callable[..., Acting], tenant: Tenant) -> None:
    lasting, leaving = signed_in(tenant), signed_in(tenant, until="2027-06-01T00:00:00Z")
    role = roles_of(lasting)["administrator"]
    path = f"members/{lasting.member_id}"
    end = (datetime.now(UTC) + timedelta(days=9)).isoformat()
    for body in ({"roles": [role], "until": end}, {"roles": []}):
        assert is_refused_as_the_last(leaving.ask("PUT", path, body)), "the other one has an end"
    assert is_refused_as_the_last(leaving.ask("DELETE", path))


def test_an_administrator_whose_account_is_off_does_not_count(signed_in: Callable[..., Acting], tenant: Tenant) -> None:
    first, second = signed_in(tenant), signed_in(tenant)
    with tenant.in_database() as connection:
        connection.execute("UPDATE django.accounts_user SET is_active = false WHERE id = %s", [second.person.user_id])
    assert is_refused_as_the_last(first.ask("DELETE", f"members/{first.member_id}"))


def test_administrators_through_a_group_count_and_the_group_is_kept(admin: Acting, tenant: Tenant) -> None:
    slug = tenant.made.slug
    role = roles_of(admin)["administrator"]
    group = admin.did("POST", "groups", {"name": "Admins", "roles": [role]})["id"]
    other = make_person(admin.person.served, tenant, "viewer")
    admin.did("PUT", f"groups/{group}/members/{member_id(other, slug)}")
    with other.signed_in(tenant=slug) as client:
        through = Acting(other, client, slug)
        through.did("PUT", f"members/{admin.member_id}", {"roles": [roles_of(through)["viewer"]]})
        assert administrators(through) == [through.member_id]
        for method, path, body in (
            ("DELETE", f"groups/{group}", None),
            ("DELETE", f"groups/{group}/members/{through.member_id}", None),
            ("PUT", f"groups/{group}", {"name": "Admins", "roles": []}),
            ("DELETE", f"members/{through.member_id}", None),
        ):
            assert through.ask(method, path, body).status_code in (403, 422), (method, path)
        assert administrators(through) == [through.member_id]


def test_two_administrators_who_remove_each_other_at_once_leave_one(
    signed_in: Callable[..., Acting], tenant: Tenant
) -> None:
    first, second = signed_in(tenant), signed_in(tenant)
    viewer = roles_of(first)["viewer"]
    pairs = ((first, second), (second, first))
    for one, _ in pairs:
        one.ask("GET", "members")
    with ThreadPoolExecutor(2) as pool:
        answers = list(
            pool.map(lambda pair: pair[0].ask("PUT", f"members/{pair[1].member_id}", {"roles": [viewer]}), pairs)
        )
    assert sorted(answer.status_code < 300 for answer in answers) == [False, True], [a.text for a in answers]
    left = first if answers[0].status_code < 300 else second
    assert administrators(left) == [left.member_id]


def test_many_who_leave_at_once_leave_one(signed_in: Callable[..., Acting], tenant: Tenant) -> None:
    everybody = [signed_in(tenant) for _ in range(4)]
    for one in everybody:
        one.ask("GET", "members")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda one: one.ask("DELETE", f"members/{one.member_id}"), everybody))
    stayed = [one for one, answer in zip(everybody, answers, strict=True) if answer.status_code != 204]
    assert len(stayed) == 1, [answer.text for answer in answers]
    assert administrators(stayed[0]) == [stayed[0].member_id]
