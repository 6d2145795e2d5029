"""What people are shown: their own list, the bell, what is read."""

from __future__ import annotations

import re

import pytest
from django.db import connection, transaction

from muniment.core.errors import Malformed, Refused
from muniment.server.notifications import services
from muniment.server.notifications.models import Notification
from muniment.server.tenants.scope import tenant_scope
from tests.notifications.conftest import Office
from tests.support.people import csrf_token


def test_who_is_told_sees_it_at_once_and_the_bell_counts_it(office: Office) -> None:
    person = office.person(name="Ada Byron")
    slug = office.tenant.made.slug
    with person.signed_in() as client:
        before = client.get(f"/t/{slug}/notifications")
        assert 'aria-label="Notifications"' in before.text
        (told,) = office.notify(person.user_id, facts={"days_left": 30})
        page = client.get(f"/t/{slug}/notifications")
        assert 'aria-label="Notifications: 1 not read"' in page.text
        assert "MFA on the legacy VPN" in page.text
        assert "days left: <bdi>30</bdi>" in page.text
        followed = client.get(f"/t/{slug}/notifications/{told}", follow_redirects=False)
        assert followed.headers["location"] == f"/t/{slug}/exceptions/exc_01K0000000000000000000000A"
        after = client.get(f"/t/{slug}/notifications")
        assert 'aria-label="Notifications"' in after.text
        assert "Nothing that you have not read" in after.text
        assert "MFA on the legacy VPN" in client.get(f"/t/{slug}/notifications?show=all").text
    (entry,) = office.entries()
    assert entry["resource"] == {"type": "exception", "id": "exc_01K0000000000000000000000A"}
    assert set(entry["labels"]) == {"channel=in-app", "event=exception.expiring", "people=1"}


def test_everything_that_was_seen_is_marked_read_and_nothing_that_came_after(office: Office) -> None:
    person = office.person()
    slug = office.tenant.made.slug
    with person.signed_in() as client:
        office.notify(person.user_id, title="First")
        page = client.get(f"/t/{slug}/notifications")
        newest = re.search(r'name="up_to" value="(ntf_[0-9A-Z]{26})"', page.text)
        assert newest is not None
        office.notify(person.user_id, title="Second")
        client.post(
            f"/t/{slug}/notifications/read",
            data={"csrfmiddlewaretoken": csrf_token(page), "up_to": newest[1]},
            headers={"Referer": f"{person.base}/t/{slug}/notifications"},
        )
    with tenant_scope(office.tenant_id):
        assert [row.title for row in services.listed(person.user_id, only_unread=True).rows] == ["Second"]
        assert services.unread(person.user_id) == 1


def test_one_person_neither_sees_nor_marks_what_another_was_told(office: Office) -> None:
    ada, bo = office.person(name="Ada"), office.person(name="Bo")
    (told,) = office.notify(ada.user_id)
    with tenant_scope(office.tenant_id):
        with pytest.raises(services.NoSuch):
            services.find(bo.user_id, told)
        assert services.mark_read(bo.user_id, [told]) == 0
        assert services.listed(bo.user_id).rows == []
        assert services.unread(ada.user_id) == 1


def test_strangers_and_former_members_are_told_nothing(office: Office) -> None:
    other = office.installation.tenant()
    elsewhere = Office(office.installation, other).person()
    former = office.person(until="2020-01-01")
    assert office.notify(elsewhere.user_id, former.user_id, "usr_01K0000000000000000000000A") == ()
    assert office.entries() == []


def test_a_person_named_twice_is_told_once(office: Office) -> None:
    person = office.person()
    assert len(office.notify(person.user_id, person.subject)) == 1


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"event": "exception.unheard"}, "event"),
        ({"title": " \n\t "}, "title"),
        ({"url": "https://elsewhere.example/"}, "url"),
        ({"url": "//elsewhere.example/"}, "url"),
        ({"url": "/a\nb"}, "url"),
        ({"url": "/" + "a" * 600}, "url"),
        ({"facts": {"why": "x" * 301}}, "facts"),
    ],
)
def test_what_cannot_be_told_names_its_field(office: Office, given: dict[str, object], field: str) -> None:
    with pytest.raises(Malformed) as refused:
        office.notify("usr_01K0000000000000000000000A", **given)  # type: ignore[arg-type]
    assert refused.value.where == field


def test_nobody_is_told_outside_of_the_transaction_in_which_it_happens(office: Office) -> None:
    with pytest.raises(Refused):
        services.notify("exception.expired", [], "exception", "exc_1", "A title", "/exceptions/exc_1")


def test_what_was_told_goes_when_what_it_tells_of_is_rolled_back(office: Office) -> None:
    person = office.person()
    with tenant_scope(office.tenant_id):
        services.notify("exception.expired", [person.user_id], "exception", "exc_1", "A title", "/exceptions/exc_1")
        transaction.set_rollback(True)
    with tenant_scope(office.tenant_id):
        assert services.unread(person.user_id) == 0
    assert office.entries() == []


@pytest.mark.parametrize(
    ("column", "value"),
    [("title", "Another"), ("user_id", "usr_01K0000000000000000000000A"), ("event", "exception.decided")],
)
def test_the_database_refuses_to_tell_it_otherwise_later(office: Office, column: str, value: str) -> None:
    person = office.person()
    (told,) = office.notify(person.user_id)
    with pytest.raises(Exception, match="what somebody was told is not changed"), tenant_scope(office.tenant_id):
        Notification.objects.filter(id=told).update(**{column: value})


def test_the_application_may_not_remove_what_was_told(office: Office) -> None:
    person = office.person()
    (told,) = office.notify(person.user_id)
    with (
        pytest.raises(Exception, match="permission denied"),
        tenant_scope(office.tenant_id),
        connection.cursor() as cursor,
    ):
        cursor.execute("DELETE FROM notifications_notification WHERE id = %s", [told])
