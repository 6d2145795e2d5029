"""Exceptions mirror into the register: at once, one risk a chain; and what each end of an exception leaves."""

from __future__ import annotations

import sys
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection

from muniment.core.errors import Refused
from muniment.server.exceptions import services as exceptions
from muniment.server.exceptions.models import PolicyException
from muniment.server.risks.matrix import Cell
from muniment.server.risks.models import Risk, RiskVersion
from muniment.server.risks.services import mirror
from muniment.server.tenants.scope import tenant_scope
from tests.exceptions.conftest import Office
from tests.risks.conftest import Register, in_days


def count(office: Office, model: Any = Risk) -> int:
    with tenant_scope(office.tenant_id):
        return int(model.objects.count())


def run_due(office: Office, days: int) -> None:
    exceptions.run_due(office.tenant_id, datetime.now(UTC) + timedelta(days=days))


def renewed(office: Office, row: PolicyException, **given: Any) -> PolicyException:
    """A renewal of an exception, approved."""
    draft = office.does("asks", "renew", row.id, {"expires_on": in_days(200), **given})
    submitted = office.does("asks", "submit", draft.id)
    made: PolicyException = office.does("first", "decide", submitted.id, "approve", comment="once more")
    return made


def test_an_approval_opens_a_risk_with_all_that_the_exception_says(office: Office, register: Register) -> None:
    submitted = office.submitted()
    assert count(office) == 0
    row = office.does("first", "decide", submitted.id, "approve", comment="fine")
    risk = register.of_chain(row.chain)
    assert (risk.origin, risk.state, risk.title, risk.description) == (
        "exception",
        "open",
        "MFA on the old VPN",
        "a stolen password opens it",
    )
    assert (risk.treatment, risk.plan, risk.owner) == ("mitigate", "only from the plant's network", row.owner)
    assert (risk.current, risk.residual, risk.inherent, risk.level) == (22, 22, None, "low")
    assert (risk.exceptions, risk.controls, risk.assets) == ([row.id], ["soc2:CC6.1"], [office.asset])
    assert risk.review_on == row.expires_on
    (event,) = office.entries("risk.open")
    (approved,) = office.entries("exception.approve")
    assert event["actor"]["id"] == "system:server"
    assert event["facts"]["exception"] == row.id
    assert [one.rpartition("/")[2] for one in event["causes"]] == [approved["id"]]


def test_what_the_register_refuses_takes_the_approval_back(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    submitted = office.submitted()

    def refuse(*_given: Any, **_more: Any) -> None:
        raise Refused("the register is closed", "risk")

    monkeypatch.setattr(sys.modules["muniment.server.risks.services.mirror"], "keep", refuse)
    with pytest.raises(Refused, match="the register is closed"):
        office.does("first", "decide", submitted.id, "approve", comment="fine")
    assert office.look("exception_for", submitted.id).state == "under_review"
    assert office.entries("exception.approve") == []
    assert count(office) == 0


def test_a_rejection_a_return_and_the_first_of_two_approvals_open_nothing(office: Office) -> None:
    for verdict in ("reject", "return"):
        office.does("first", "decide", office.submitted().id, verdict, comment="no")
    critical = office.submitted(risk_level="critical")
    first = office.does("first", "decide", critical.id, "approve", comment="fine")
    assert first.state == "under_review"
    assert count(office) == 0
    office.does("second", "decide", critical.id, "approve", comment="fine")
    assert count(office) == 1


def test_a_step_that_is_told_twice_opens_one_risk(office: Office, register: Register) -> None:
    row = office.active()
    before = register.of_chain(row.chain)
    from muniment.server.exceptions.models import Step
    from muniment.server.exceptions.steps import Stepped

    with tenant_scope(office.tenant_id):
        step = Step.objects.get(exception=row.id, target="approved")
        with pytest.raises(Refused, match="nothing would be changed"):
            mirror(Stepped(row, step, None))
    assert count(office) == 1
    assert register.now(before).version == before.version


def test_the_database_keeps_one_risk_a_chain(office: Office, register: Register) -> None:
    row = office.active()
    risk = register.of_chain(row.chain)
    with office.tenant.in_database() as raw:
        raw.execute("SET session_replication_role = replica")
        with pytest.raises(psycopg.errors.UniqueViolation, match="risks_risk_chain"):
            raw.execute(
                "INSERT INTO django.risks_risk SELECT (r).* FROM (SELECT jsonb_populate_record(r, "
                "jsonb_build_object('id', 'rsk_another')) AS r FROM django.risks_risk r WHERE id = %s) AS s",
                [risk.id],
            )


def test_two_who_approve_renewals_of_one_chain_at_once_change_one_risk(office: Office, register: Register) -> None:
    """Only one renewal of an exception can stand; the other approver is refused, and the risk has one more version."""
    row = office.active()
    draft = office.does("asks", "renew", row.id, {"expires_on": in_days(200)})
    submitted = office.does("asks", "submit", draft.id)
    outcomes: list[str] = []

    def approve(name: str) -> None:
        try:
            office.does(name, "decide", submitted.id, "approve", comment="once more")
            outcomes.append("approved")
        except Refused:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=approve, args=(name,)) for name in ("first", "second")]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(outcomes) == ["approved", "refused"]
    assert count(office) == 1
    assert register.of_chain(row.chain).version == 2


def test_what_expires_leaves_a_residual_risk_to_be_reviewed_at_once(office: Office, register: Register) -> None:
    row = office.active(expires_on=in_days(10))
    run_due(office, 20)
    risk = register.of_chain(row.chain)
    assert (risk.state, risk.version, risk.current, risk.level) == ("residual", 2, 22, "low")
    assert risk.exceptions == [row.id]
    assert risk.review_on <= in_days(10)
    assert office.entries("risk.change")[-1]["facts"]["exception"] == row.id
    run_due(office, 20)
    assert register.now(risk).version == 2


def test_what_is_revoked_or_withdrawn_while_active_leaves_a_residual_risk(office: Office, register: Register) -> None:
    revoked, withdrawn = office.active(), office.active()
    office.does("second", "revoke", revoked.id, comment="too dangerous")
    office.does("asks", "withdraw", withdrawn.id, comment="not needed")
    for row, said in ((revoked, "was revoked"), (withdrawn, "was withdrawn")):
        risk = register.of_chain(row.chain)
        assert risk.state == "residual"
        newest = register.look("versions_of", risk)[0]
        assert f"{row.id} {said}" in newest.content


@pytest.mark.parametrize("end", ["withdraw", "revoke"])
def test_what_ends_before_its_first_day_closes_its_risk(office: Office, register: Register, end: str) -> None:
    row = office.does(
        "first",
        "decide",
        office.submitted(starts_on=in_days(10)).id,
        "approve",
        comment="from then on",
    )
    assert row.state == "approved"
    risk = register.of_chain(row.chain)
    assert risk.state == "open"
    office.does("asks" if end == "withdraw" else "second", end, row.id, comment="the vendor delivered")
    assert register.now(risk).state == "closed"
    assert office.entries("risk.close")[-1]["facts"]["exception"] == row.id


def test_a_renewal_updates_the_same_risk_and_keeps_it_open(office: Office, register: Register) -> None:
    first = office.active(expires_on=in_days(10))
    opened = register.of_chain(first.chain)
    second = renewed(office, first, residual_risk="a stolen laptop opens it", risk_level="low")
    risk = register.of_chain(first.chain)
    assert (risk.id, risk.version, risk.state) == (opened.id, 2, "open")
    assert risk.exceptions == sorted([first.id, second.id])
    assert (risk.description, risk.review_on) == ("a stolen laptop opens it", second.expires_on)
    # The old one ends while the new one holds: nothing of the risk changes.
    run_due(office, 20)
    assert office.look("exception_for", first.id).state == "expired"
    assert register.now(risk).version == 2
    assert count(office) == 1


def test_a_chain_of_three_whose_last_one_ends_leaves_one_residual_risk(office: Office, register: Register) -> None:
    first = office.active(expires_on=in_days(10))
    second = renewed(office, first, expires_on=in_days(20))
    run_due(office, 15)
    third = renewed(office, office.look("exception_for", second.id), expires_on=in_days(30))
    run_due(office, 25)
    assert register.of_chain(first.chain).state == "open"
    run_due(office, 40)
    risk = register.of_chain(first.chain)
    assert (risk.state, sorted(risk.exceptions)) == ("residual", sorted([first.id, second.id, third.id]))
    assert count(office) == 1


def test_a_renewal_after_the_end_opens_the_risk_again(office: Office, register: Register) -> None:
    first = office.active(expires_on=in_days(10))
    run_due(office, 20)
    risk = register.of_chain(first.chain)
    register.does("asks", "close_risk", risk.id, reason="the VPN is gone")
    renewed(office, office.look("exception_for", first.id))
    assert register.now(risk).state == "open"


def test_a_renewal_keeps_what_people_placed_and_linked_unless_its_level_is_another(
    office: Office, register: Register
) -> None:
    first = office.active()
    risk = register.of_chain(first.chain)
    register.does(
        "asks",
        "change_risk",
        risk.id,
        {
            "current": Cell(1, 3),
            "residual": Cell(1, 2),
            "inherent": Cell(5, 5),
            "controls": ("soc2:CC6.1", "soc2:CC7.2"),
        },
        reason="assessed",
    )
    second = renewed(office, first, controls=("soc2:CC6.6",))
    same = register.now(risk)
    assert (same.inherent, same.current, same.residual) == (55, 13, 12)
    assert same.controls == ["soc2:CC6.6", "soc2:CC7.2"]
    third = office.does(
        "asks", "submit", office.does("asks", "renew", second.id, {"expires_on": in_days(300), "risk_level": "high"}).id
    )
    third = office.does("first", "decide", third.id, "approve", comment="higher now")
    if third.state == "under_review":
        office.does("second", "decide", third.id, "approve", comment="higher now")
    moved = register.now(risk)
    assert (moved.inherent, moved.current, moved.residual, moved.level) == (55, 44, 44, "high")


def test_as_long_as_its_exception_holds_a_risk_is_open(office: Office, register: Register) -> None:
    row = office.active()
    risk = register.of_chain(row.chain)
    with pytest.raises(Refused, match="still holds") as refusal:
        register.does("asks", "close_risk", risk.id, reason="I do not like it")
    assert refusal.value.where == "exceptions"
    with pytest.raises(Refused, match="stays linked"):
        register.does("asks", "change_risk", risk.id, {"exceptions": ()}, reason="away with it")


def test_texts_that_the_register_would_not_keep_stand_against_no_approval(office: Office, register: Register) -> None:
    row = office.active(residual_risk="one\x85two\x7f", compensating="x" * 8_000)
    risk = register.of_chain(row.chain)
    assert (risk.description, len(risk.plan)) == ("one two", 8_000)
    assert count(office, RiskVersion) == 1
