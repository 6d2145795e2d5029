"""Reminders of real exceptions: once, to who is there, in one tenant; and who is told of each step."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from muniment.server.exceptions.models import PolicyException
from muniment.server.notifications.models import Notification
from muniment.server.reminders.models import Mark
from muniment.server.reminders.services import remind, reminded
from muniment.server.tenants.scope import tenant_scope
from tests.exceptions.conftest import Office, in_days
from tests.risks.conftest import Register
from tests.support.people import Person


def later(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def told(office: Office, *events: str) -> list[tuple[str, str]]:
    """Who was told of what, oldest first."""
    with tenant_scope(office.tenant_id):
        rows = Notification.objects.filter(event__in=events) if events else Notification.objects.all()
        return list(rows.order_by("created_at", "user_id").values_list("event", "user_id"))


def marks(office: Office, row: PolicyException) -> list[str]:
    with tenant_scope(office.tenant_id):
        return [one.mark for one in reminded(row.id)]


def ids(office: Office, *names: str) -> list[str]:
    return sorted(office.people[name].user_id for name in names)


def test_an_owner_is_reminded_once_at_each_mark(office: Office) -> None:
    row = office.active(expires_on=in_days(100))
    for day in range(8, 104, 3):
        remind(office.tenant_id, later(day))
    assert marks(office, row) == ["expiring:90", "expiring:60", "expiring:30"]
    assert told(office, "exception.expiring") == [("exception.expiring", office.people["asks"].user_id)] * 3
    entries = [one for one in office.entries("notification.send") if one["facts"]["event"] == "exception.expiring"]
    assert [one["resource"]["id"] for one in entries] == [row.id] * 3


def test_after_a_week_down_the_nearest_reminder_goes_out_and_no_other(office: Office) -> None:
    row = office.active(expires_on=in_days(95))
    assert remind(office.tenant_id, later(70)) == 1
    assert marks(office, row) == ["expiring:30"]
    assert remind(office.tenant_id, later(71)) == 0


def test_two_processes_at_once_remind_once(office: Office) -> None:
    rows = [office.active(expires_on=in_days(20)) for _ in range(3)]
    sent: list[int] = []

    def run() -> None:
        sent.append(remind(office.tenant_id, later(0)))
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sum(sent) == 3
    assert len(told(office, "exception.expiring")) == 3
    assert [marks(office, row) for row in rows] == [["expiring:30"]] * 3


def test_the_database_keeps_a_mark_once_and_for_good(office: Office) -> None:
    row = office.active(expires_on=in_days(20))
    remind(office.tenant_id, later(0))
    with pytest.raises(Exception, match="reminders_mark_once"), tenant_scope(office.tenant_id):
        Mark.objects.create(tenant_id=office.tenant_id, exception=row.id, mark="expiring:30", people=1, at=later(0))
    for statement in ("DELETE FROM reminders_mark", "UPDATE reminders_mark SET mark = 'expiring:60'"):
        with (
            pytest.raises(Exception, match="permission denied"),
            tenant_scope(office.tenant_id),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


def test_where_owner_and_requester_have_left_those_who_keep_the_rules_are_reminded(
    office: Office, keeper: Person
) -> None:
    office.active(expires_on=in_days(20))
    with office.tenant.in_database() as raw:
        raw.execute(
            "DELETE FROM django.members_membership WHERE tenant_id = %s AND user_id = %s",
            [office.tenant_id, office.people["asks"].user_id],
        )
    remind(office.tenant_id, later(0))
    assert told(office, "exception.expiring") == [("exception.expiring", keeper.user_id)]


def test_an_attestation_is_asked_for_once_and_then_told_to_who_keeps_the_rules(office: Office, keeper: Person) -> None:
    row = office.active(expires_on=in_days(364))
    assert remind(office.tenant_id, later(179)) == 0
    assert remind(office.tenant_id, later(181)) == 1
    assert remind(office.tenant_id, later(182)) == 0
    assert remind(office.tenant_id, later(181 + 14)) == 1
    to = [who for _, who in told(office, "attestation.due")]
    assert sorted(to) == sorted([office.people["asks"].user_id] * 2 + [keeper.user_id])
    assert [one.partition(":")[0] for one in marks(office, row)] == ["attest", "attest-overdue"]


def test_a_decision_that_waits_is_escalated_once_to_who_keeps_the_rules(office: Office, keeper: Person) -> None:
    row = office.submitted()
    assert remind(office.tenant_id, later(6)) == 0
    assert remind(office.tenant_id, later(8)) == 1
    assert remind(office.tenant_id, later(9)) == 0
    assert told(office, "approval.escalated") == [("approval.escalated", keeper.user_id)]
    assert marks(office, row) == ["escalate:1:1"]


def test_each_of_two_levels_is_escalated_by_the_time_that_it_waits(office: Office, keeper: Person) -> None:
    row = office.submitted(risk_level="high")
    remind(office.tenant_id, later(8))
    office.does("first", "decide", row.id, "approve", comment="fine")
    assert remind(office.tenant_id, later(6)) == 0
    assert remind(office.tenant_id, later(8)) == 1
    assert marks(office, row) == ["escalate:1:1", "escalate:1:2"]


def test_nothing_of_another_tenant_is_reminded_of(office: Office) -> None:
    office.active(expires_on=in_days(20))
    other = office.installation.tenant()
    assert remind(other.made.tenant_id, later(0)) == 0
    assert told(office, "exception.expiring") == []


def test_who_may_decide_is_told_of_a_submission_and_who_asked_of_the_decision(office: Office) -> None:
    row = office.submitted()
    assert [who for _, who in told(office, "exception.submitted")] == ids(office, "first", "second", "third")
    office.does("first", "decide", row.id, "return", comment="say more")
    assert told(office, "exception.decided") == [("exception.decided", office.people["asks"].user_id)]


def test_at_the_second_level_whoever_approved_before_is_not_asked_again(office: Office) -> None:
    row = office.submitted(risk_level="high")
    office.does("first", "decide", row.id, "approve", comment="fine")
    asked = [who for _, who in told(office, "exception.submitted")]
    assert sorted(asked[3:]) == ids(office, "second", "third")
    assert told(office, "exception.decided") == []


def test_where_nobody_may_decide_those_who_keep_the_rules_are_told(office: Office, keeper: Person) -> None:
    with office.tenant.in_database() as raw:
        raw.execute(
            "DELETE FROM django.members_membership WHERE tenant_id = %s AND user_id = ANY(%s)",
            [office.tenant_id, [*ids(office, "first", "second", "third")]],
        )
        raw.execute(
            "UPDATE django.members_role SET capabilities = array_remove(capabilities, 'exception.approve') "
            "WHERE tenant_id = %s",
            [office.tenant_id],
        )
    office.submitted()
    assert [who for _, who in told(office, "exception.submitted")] == [keeper.user_id]


def test_who_may_accept_a_risk_is_told_of_the_proposal_and_who_asked_of_what_became_of_it(office: Office) -> None:
    register = Register(office)
    row = register.opened("asks")
    made = register.proposed(row, "first")
    assert [who for _, who in told(office, "risk.proposed")] == ids(office, "second", "third")
    register.does("second", "decide", made.id, "accepted", comment="we can bear it")
    asked = sorted(office.people[name].user_id for name in ("asks", "first"))
    assert sorted(who for _, who in told(office, "risk.decided")) == asked
    register.does("asks", "change_risk", row.id, {"title": "Passwords are sprayed"}, reason="seen")
    assert sorted(who for _, who in told(office, "risk.lapsed")) == asked
