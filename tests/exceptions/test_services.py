"""Exceptions from the draft to their end, with the entries that tell of it."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from muniment.core.errors import Malformed, Refused
from muniment.server.approvals import services as approvals
from muniment.server.approvals.workflow import DEFAULT
from muniment.server.exceptions import services
from muniment.server.exceptions.models import PolicyException
from muniment.server.exceptions.services import run_due
from muniment.server.tenants.scope import tenant_scope
from tests.exceptions.conftest import Office, in_days


def refused(office: Office, name: str, what: str, *given: Any, **more: Any) -> str:
    with pytest.raises((Refused, Malformed)) as found:
        office.does(name, what, *given, **more)
    return str(found.value.where)


def again(office: Office, row: PolicyException) -> PolicyException:
    found: PolicyException = office.look("exception_for", row.id)
    return found


def test_nobody_approves_their_own_and_what_somebody_else_approves_is_active_at_once(office: Office) -> None:
    draft = office.draft()
    assert (draft.state, draft.requested_by, draft.owner) == ("draft", office.subject("asks"), office.subject("asks"))
    handed = office.does("asks", "submit", draft.id)
    assert (handed.state, handed.levels, handed.rules) == ("under_review", 1, "wfv_default")
    assert refused(office, "asks", "decide", draft.id, "approve", comment="mine") == "approver"
    assert refused(office, "first", "decide", draft.id, "approve", comment=" ") == "comment"
    done = office.does("first", "decide", draft.id, "approve", comment="fine")
    assert done.state == "active"
    assert refused(office, "first", "decide", draft.id, "approve", comment="again") == "state"
    steps = office.look("steps_of", done)
    assert [(one.kind, one.source, one.target) for one in steps] == [
        ("create", "", "draft"),
        ("submit", "draft", "under_review"),
        ("approve", "under_review", "approved"),
        ("activate", "approved", "active"),
    ]
    (decision,) = office.look("decisions_of", done)
    (entry,) = office.entries("exception.approve")
    assert entry["facts"]["digest"] == decision.digest
    assert (entry["facts"]["level"], entry["resource"]["id"]) == ("1/1", draft.id)
    applies = json.loads(decision.content)["applies_to"]
    assert (applies["policy"]["id"], applies["policy"]["version"]) == (office.policy, 1)
    assert applies["residual_risk"] == "a stolen password opens it"
    assert [one["criticality"] for one in applies["assets"]] == ["medium"]
    assert "firmware" not in json.dumps(entry)


def test_nobody_approves_twice_and_two_people_give_the_two_approvals_of_a_high_risk(office: Office) -> None:
    row = office.submitted(risk_level="critical")
    assert row.levels == 2
    once = office.does("first", "decide", row.id, "approve", comment="fine")
    assert (once.state, once.level) == ("under_review", 1)
    assert refused(office, "first", "decide", row.id, "approve", comment="and again") == "approver"
    assert office.does("second", "decide", row.id, "approve", comment="fine too").state == "active"
    assert [one["facts"]["level"] for one in office.entries("exception.approve")] == ["1/2", "2/2"]


def test_an_approval_after_a_return_is_refused_and_both_are_given_anew(office: Office) -> None:
    row = office.submitted(risk_level="high")
    office.does("first", "decide", row.id, "approve", comment="fine")
    office.does("second", "decide", row.id, "return", comment="for how long, and why?")
    assert refused(office, "second", "decide", row.id, "approve", comment="now fine") == "state"
    assert refused(office, "colleague", "change", row.id, {"title": "mine now"}) == "requester"
    office.does("asks", "change", row.id, {"expires_on": in_days(30)})
    assert refused(office, "asks", "change", row.id, {"expires_on": in_days(30)}) == "exception"
    office.does("asks", "submit", row.id)
    assert office.does("second", "decide", row.id, "approve", comment="fine").state == "under_review"
    assert office.does("first", "decide", row.id, "approve", comment="fine").state == "active"


def test_what_was_submitted_is_not_edited(office: Office) -> None:
    row = office.submitted()
    for given in ({"expires_on": in_days(300)}, {"scope": "everything"}):
        assert refused(office, "asks", "change", row.id, given) == "state"
    office.does("first", "decide", row.id, "approve", comment="fine")
    assert refused(office, "asks", "change", row.id, {"expires_on": in_days(300)}) == "state"


def test_a_rejected_one_is_over_and_a_withdrawn_one_too(office: Office) -> None:
    row = office.submitted()
    assert office.does("first", "decide", row.id, "reject", comment="never").state == "rejected"
    assert refused(office, "asks", "submit", row.id) == "state"
    other = office.submitted()
    assert refused(office, "colleague", "withdraw", other.id, comment="no") == "requester"
    gone = office.does("asks", "withdraw", other.id, comment="fixed meanwhile")
    assert (gone.state, gone.closed_at is not None) == ("withdrawn", True)
    assert refused(office, "first", "decide", other.id, "approve", comment="fine") == "state"


def test_an_approver_ends_what_stands_and_who_asked_does_not_revoke(office: Office) -> None:
    row = office.active()
    assert refused(office, "asks", "revoke", row.id, comment="no") == "approver"
    assert office.does("second", "revoke", row.id, comment="exploited elsewhere").state == "revoked"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"expires_on": in_days(-1)}, "expires_on"),
        ({"starts_on": in_days(-1)}, "starts_on"),
        ({"expires_on": in_days(365)}, "expires_on"),
        ({"starts_on": in_days(10), "expires_on": in_days(375)}, "expires_on"),
    ],
)
def test_days_that_cannot_be_are_refused_when_it_is_submitted(office: Office, given: Any, field: str) -> None:
    row = office.draft(**given)
    assert refused(office, "asks", "submit", row.id) == field


def test_days_at_the_border_are_taken(office: Office) -> None:
    assert office.submitted(expires_on=in_days(0)).state == "under_review"
    assert office.submitted(expires_on=in_days(364)).state == "under_review"


def test_what_an_exception_names_is_there(office: Office) -> None:
    nowhere = "01K00000000000000000000000"
    for given, field in (
        ({"policy": f"pol_{nowhere}"}, "policy"),
        ({"assets": (f"ast_{nowhere}",)}, "assets"),
        ({"evidence": (f"att_{nowhere}",)}, "evidence"),
        ({"controls": ("own:NONE",)}, "controls"),
        ({"controls": ("nothing:1",)}, "controls"),
        ({"owner": "nobody@nowhere.example"}, "owner"),
    ):
        content = replace(office.content(), **given)
        assert refused(office, "asks", "create", content).partition("[")[0] == field


def test_an_exception_of_a_day_to_come_begins_on_it_and_ends_after_its_last_one(office: Office) -> None:
    row = office.submitted(starts_on=in_days(3), expires_on=in_days(10), zone="Pacific/Kiritimati")
    waiting = office.does("first", "decide", row.id, "approve", comment="fine")
    assert waiting.state == "approved"
    assert waiting.starts_at.hour == 10
    assert run_due(office.tenant_id, waiting.starts_at - timedelta(seconds=1)).activated == 0
    assert run_due(office.tenant_id, waiting.starts_at).activated == 1
    assert again(office, row).state == "active"
    assert run_due(office.tenant_id, waiting.ends_at - timedelta(seconds=1)).expired == 0
    assert run_due(office.tenant_id, waiting.ends_at).expired == 1
    assert again(office, row).state == "expired"


def test_a_job_that_was_down_for_a_week_catches_up_and_closes_nothing_twice(office: Office) -> None:
    missed = office.submitted(starts_on=in_days(1), expires_on=in_days(3))
    office.does("first", "decide", missed.id, "approve", comment="fine")
    running = office.active(expires_on=in_days(2))
    late = datetime.now(UTC) + timedelta(days=10)
    done = run_due(office.tenant_id, late)
    assert (done.activated, done.expired, done.failed) == (1, 2, 0)
    assert run_due(office.tenant_id, late) == replace(done, activated=0, expired=0)
    for row in (missed, running):
        assert [one.kind for one in office.look("steps_of", row)][-2:] == ["activate", "expire"]
    assert len(office.entries("exception.expire")) == 2
    assert all(one["facts"]["due"] for one in office.entries("exception.expire"))


def test_two_jobs_at_once_close_each_exception_once(office: Office) -> None:
    rows = [office.active(expires_on=in_days(2)) for _ in range(4)]
    late = datetime.now(UTC) + timedelta(days=10)
    done = _at_once(lambda: run_due(office.tenant_id, late), lambda: run_due(office.tenant_id, late))
    assert sum(one.expired for one in done) == len(rows)
    assert len(office.entries("exception.expire")) == len(rows)


@pytest.mark.parametrize("levels", [1, 2])
def test_of_two_approvers_at_once_each_counts_once(office: Office, levels: int) -> None:
    row = office.submitted(risk_level="high" if levels == 2 else "low")
    said = _at_once(
        lambda: _tried(office, "first", row.id, steps=row.steps),
        lambda: _tried(office, "second", row.id, steps=row.steps),
    )
    assert set(said) == {"active" if levels == 1 else "under_review", "steps"}
    assert len(office.entries("exception.approve")) == 1


def test_one_person_at_once_by_two_connections_is_one_approval(office: Office) -> None:
    row = office.submitted(risk_level="high")
    said = _at_once(lambda: _tried(office, "first", row.id), lambda: _tried(office, "first", row.id))
    assert sorted(said) == ["approver", "under_review"]


def test_an_exception_expires_on_its_day_while_it_is_being_renewed(office: Office) -> None:
    first = office.active(expires_on=in_days(2))
    second = office.does("asks", "renew", first.id, {"expires_on": in_days(60)})
    assert (second.renews, second.chain, second.starts_on) == (first.id, first.id, in_days(3))
    assert refused(office, "colleague", "renew", first.id, {"expires_on": in_days(9)}) == "renews"
    office.does("asks", "submit", second.id)
    late = first.ends_at
    assert late is not None
    assert run_due(office.tenant_id, late).expired == 1
    office.does("first", "decide", second.id, "approve", comment="once more")
    assert again(office, first).state == "expired"
    assert run_due(office.tenant_id, late).activated == 1
    third = office.does("asks", "renew", second.id, {"expires_on": in_days(90)})
    assert [one.id for one in office.look("chain", third.id)] == [first.id, second.id, third.id]
    assert again(office, first).expires_on == first.expires_on


def test_what_was_rejected_is_asked_for_anew_and_a_refused_renewal_makes_room_for_another(office: Office) -> None:
    first = office.active()
    renewal = office.does("asks", "renew", first.id, {"expires_on": in_days(120)})
    office.does("asks", "submit", renewal.id)
    office.does("first", "decide", renewal.id, "reject", comment="no more")
    assert refused(office, "asks", "renew", renewal.id, {"expires_on": in_days(120)}) == "renews"
    other = office.does("asks", "renew", first.id, {"expires_on": in_days(100)})
    assert other.chain == first.id
    assert refused(office, "asks", "renew", other.id, {}) == "renews"


def test_leap_days_and_the_widest_zones_are_last_days_to_their_very_end(office: Office) -> None:
    administer(office)
    with tenant_scope(office.tenant_id):
        approvals.save_rules(office.standing("third"), replace(DEFAULT, id="", max_days=1826), comment="for longer")
    for zone, last in (
        ("Europe/Warsaw", "2028-02-29T23:00"),
        ("Pacific/Kiritimati", "2028-02-29T10:00"),
        ("Etc/GMT+12", "2028-03-01T12:00"),
    ):
        row = office.active(expires_on=date(2028, 2, 29), zone=zone, title=zone)
        assert row.ends_at is not None
        assert row.soon_at is not None
        assert row.ends_at.isoformat().startswith(last)
        assert row.soon_at == row.ends_at - timedelta(days=91)
        before = office.look("soon", row.soon_at - timedelta(microseconds=1))
        with tenant_scope(office.tenant_id):
            assert not PolicyException.objects.filter(before, id=row.id).exists()
            assert PolicyException.objects.filter(services.soon(row.soon_at), id=row.id).exists()
        assert run_due(office.tenant_id, row.ends_at - timedelta(microseconds=1)).expired == 0
        assert run_due(office.tenant_id, row.ends_at).expired == 1
        assert again(office, row).state == "expired"


def administer(office: Office) -> None:
    """The third approver manages the rules as well."""
    with office.tenant.in_database() as raw:
        raw.execute(
            "UPDATE django.members_membership SET roles = roles || ARRAY(SELECT id FROM django.members_role "
            "WHERE tenant_id = %(tenant)s AND code = 'administrator') "
            "WHERE user_id = %(user)s AND tenant_id = %(tenant)s",
            {"tenant": office.tenant_id, "user": office.people["third"].user_id},
        )


def _tried(office: Office, name: str, wanted: str, **more: Any) -> str:
    try:
        return str(office.does(name, "decide", wanted, "approve", comment="fine", **more).state)
    except Refused as error:
        return str(error.where)


def _at_once(*calls: Any) -> list[Any]:
    """What calls give that are made at the same time, each on a connection of its own."""
    from django.db import connection

    together, found = threading.Barrier(len(calls)), []

    def run(call: Any) -> None:
        try:
            together.wait()
            found.append(call())
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found
