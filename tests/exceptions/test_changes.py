"""What changes around an exception: what a decision rests on, the rules, and who stands in for whom."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection

from muniment.server.access.standing import Standing
from muniment.server.approvals import services as approvals
from muniment.server.approvals.workflow import DEFAULT, Level
from muniment.server.assets import services as assets
from muniment.server.controls import services as controls
from muniment.server.controls.workflow import Definition
from muniment.server.exceptions import services
from muniment.server.exceptions.job import activate_and_expire
from muniment.server.exceptions.services import stale as stale_services
from muniment.server.policies import services as policies
from muniment.server.policies.workflow import Definition as PolicyText
from muniment.server.risks import services as risks
from muniment.server.risks.matrix import Cell
from muniment.server.risks.models import Risk
from muniment.server.tenants.scope import tenant_scope
from tests.dlp.conftest import IBAN
from tests.exceptions.conftest import Office, in_days
from tests.exceptions.test_services import administer, again, refused
from tests.packet_requests.conftest import Seat


def attach(seat: Seat, text: str, **more: str) -> str:
    """A file that somebody attaches; its id."""
    order = {"name": "segmentation.txt", "kind": "other", "size": len(text), **more}
    upload = seat.done("/api/attachments/uploads", **order)["id"]
    headers = {"X-CSRFToken": str(seat.client.cookies.get("csrftoken", "")), "Referer": str(seat.client.base_url)}
    where = f"/t/{seat.slug}/api/attachments/uploads/{upload}?offset=0"
    assert seat.client.put(where, content=text.encode(), headers=headers).status_code == 200
    return str(seat.done(f"/api/attachments/uploads/{upload}/finish")["id"])


def test_a_later_change_of_any_of_the_seven_things_that_a_decision_froze_makes_it_stale_or_is_refused(
    office: Office, seats: dict[str, Seat]
) -> None:
    file = attach(seats["asks"], "the plant's network is cut off")
    with tenant_scope(office.tenant_id):
        asks = office.standing("asks")
        for code, text in (("SEG-1", "The plant is cut off."), ("VPN-1", "Two factors at the VPN.")):
            controls.define(asks, f"own:{code}", Definition(text, asks.subject, status="in-force"))
    plain: dict[str, Any] = {"assets": (), "controls": (), "policy": policy_beside(office)}
    rows = {
        "policy version": office.active(**plain | {"policy": office.policy}),
        "scope": office.active(**plain),
        "controls": office.active(**plain | {"controls": ("own:VPN-1",)}),
        "assets": office.active(**plain | {"assets": (office.asset,)}),
        "residual risk": office.active(**plain),
        "compensating controls": office.active(**plain | {"compensating_controls": ("own:SEG-1",)}),
        "evidence hashes": office.active(**plain | {"evidence": (file,)}),
    }
    # What an exception itself says is never another text: its scope is changed by a new decision on a renewal.
    assert refused(office, "asks", "change", rows["scope"].id, {"scope": "everything"}) == "state"
    changes: dict[str, Callable[[Standing], object]] = {
        "policy version": lambda asks: policies.change(asks, office.policy, {"text": "Three factors."}),
        "controls": lambda asks: controls.change(asks, "own:VPN-1", {"statement": "One factor at the VPN."}),
        "assets": lambda asks: assets.change(asks, office.asset, {"criticality": "critical"}),
        "residual risk": lambda asks: place(asks, rows["residual risk"], Cell(5, 5)),
        "compensating controls": lambda asks: controls.change(asks, "own:SEG-1", {"statement": "Cut off at night."}),
        "evidence hashes": lambda _: attach(seats["asks"], "it no longer is", replaces=file),
    }
    expected = set[str]()
    for what, change in changes.items():
        with tenant_scope(office.tenant_id):
            change(office.standing("asks"))
        expected.add(what)
        assert stale(office, rows) == expected
    said_so = office.entries("exception.stale")
    assert [one["facts"]["kind"] for one in said_so] == ["policy", "control", "asset", "risk", "control", "attachment"]
    assert all(one["actor"]["id"] == "system:server" for one in said_so)
    # Each asks for a new word of somebody who neither asked for it nor owns it.
    for what in expected:
        assert refused(office, "asks", "attest", rows[what].id, comment="still fine") == "approver", what
        assert office.does("second", "attest", rows[what].id, comment="holds for what there is").stale_at is None, what


def test_a_risk_that_is_placed_in_the_same_band_leaves_the_decision_as_it_is(office: Office) -> None:
    row = office.active()
    for cell, then in ((Cell(1, 2), None), (Cell(4, 5), "stale")):
        with tenant_scope(office.tenant_id):
            place(office.standing("asks"), row, cell)
        assert (again(office, row).stale_at is not None) == (then is not None)


def place(standing: Standing, row: Any, cell: Cell) -> None:
    """Say in the register that the risk of an exception stands elsewhere."""
    risk = Risk.objects.get(chain=row.chain)
    risks.change_risk(standing, risk.id, {"current": cell, "residual": cell}, reason="seen elsewhere")


def test_a_change_on_which_much_rests_is_followed_in_the_background(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stale_services, "AT_ONCE", 1)
    rows = {str(number): office.active() for number in range(3)}
    with tenant_scope(office.tenant_id):
        assets.change(office.standing("asks"), office.asset, {"name": "Another gateway"})
    assert stale(office, rows) == set()
    assert activate_and_expire([office.tenant_id]) == "0 exceptions became active, 0 expired, 3 became stale"
    assert stale(office, rows) == set(rows)
    assert activate_and_expire([office.tenant_id]) == ""


def test_a_change_waits_for_nobody_who_takes_a_step_and_is_followed_after_it(office: Office) -> None:
    row = office.active()

    def rename() -> None:
        with tenant_scope(office.tenant_id):
            assets.change(office.standing("asks"), office.asset, {"name": "Another gateway"})

    with ThreadPoolExecutor(1) as pool, tenant_scope(office.tenant_id):
        services.exception_for(row.id, lock=True)
        # In another connection, while this one has not ended.
        pool.submit(apart, rename).result(timeout=20)
    assert again(office, row).stale_at is None
    assert activate_and_expire([office.tenant_id]).endswith("1 became stale")


def test_what_is_changed_while_somebody_decides_is_not_decided_on_unseen(office: Office) -> None:
    row = office.submitted()
    with ThreadPoolExecutor(1) as pool:
        with tenant_scope(office.tenant_id):
            assets.change(office.standing("asks"), office.asset, {"name": "Another gateway"})
            decided = pool.submit(apart, refused, office, "first", "decide", row.id, "approve", comment="fine")
            # It has frozen the old version by the time that it waits for this change to be recorded.
            with office.tenant.in_database() as raw:
                waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
                until = time.monotonic() + 20
                while raw.execute(waiting).fetchone() is None and time.monotonic() < until:
                    time.sleep(0.01)
        assert decided.result(timeout=20) == "basis"
    assert again(office, row).state == "under_review"


def apart(do: Callable[..., Any], *given: Any, **more: Any) -> Any:
    """What a call gives on a connection of its own."""
    try:
        return do(*given, **more)
    finally:
        connection.close()


def test_a_stale_decision_is_attested_anew_by_an_approver_and_then_rests_on_what_there_is(office: Office) -> None:
    row = office.active()
    with tenant_scope(office.tenant_id):
        assets.change(office.standing("asks"), office.asset, {"name": "Another gateway"})
    assert refused(office, "asks", "attest", row.id, comment="still fine") == "approver"
    assert refused(office, "colleague", "attest", row.id, comment="fine") == "level"
    done = office.does("second", "attest", row.id, comment="holds for the new one too")
    assert (done.stale_at, done.state) == (None, "active")
    first, second = office.look("decisions_of", row)
    versions = [json.loads(one.content)["applies_to"]["assets"][0]["version"] for one in (first, second)]
    assert (versions, second.kind) == ([1, 2], "attest")
    with tenant_scope(office.tenant_id):
        assets.change(office.standing("asks"), office.asset, {"name": "A third one"})
    assert again(office, row).stale_at is not None
    assert [one.kind for one in office.look("steps_of", row)][-3:] == ["stale", "attest", "stale"]


def test_its_owner_attests_while_nothing_has_changed(office: Office) -> None:
    row = office.active()
    done = office.does("asks", "attest", row.id, comment="looked at the firewall's rules")
    assert done.attested_at is not None
    (entry,) = office.entries("exception.attest")
    assert (entry["facts"]["stale"], len(entry["facts"]["digest"])) == ("no", 64)


def test_evidence_that_is_withdrawn_makes_a_decision_stale_and_is_not_approved_nor_is_what_is_in_quarantine(
    office: Office, seats: dict[str, Seat]
) -> None:
    held_back = attach(seats["asks"], f"pay to {IBAN}")
    assert refused(office, "asks", "create", office.content(evidence=(held_back,))) == "evidence"
    assert refused(office, "asks", "change", office.draft().id, {"evidence": (held_back,)}) == "evidence"
    file = attach(seats["asks"], "a letter")
    row, waits = office.active(evidence=(file,)), office.submitted(evidence=(file,))
    seats["asks"].done(f"/api/attachments/{file}/withdraw", reason="forged")
    assert again(office, row).stale_at is not None
    assert refused(office, "first", "decide", waits.id, "approve", comment="fine") == "evidence"
    assert office.does("first", "decide", waits.id, "return", comment="the letter is gone").state == "returned"
    assert office.does("second", "revoke", row.id, comment="the letter is gone").state == "revoked"


def test_what_changes_between_two_approvals_lets_neither_of_them_stand(office: Office) -> None:
    row = office.submitted(risk_level="high")
    office.does("first", "decide", row.id, "approve", comment="fine")
    with tenant_scope(office.tenant_id):
        policies.change(office.standing("asks"), office.policy, {"text": "Three factors."})
    assert refused(office, "second", "decide", row.id, "approve", comment="fine") == "basis"
    assert office.does("first", "decide", row.id, "return", comment="the policy is another one").state == "returned"
    office.does("asks", "submit", row.id)
    office.does("second", "decide", row.id, "approve", comment="fine")
    assert office.does("first", "decide", row.id, "approve", comment="fine").state == "active"


def test_a_running_case_keeps_its_rules_and_a_new_one_has_the_new_ones(office: Office) -> None:
    before, draft = office.submitted(), office.draft()
    named = (office.subject("first"), office.subject("second"))
    stricter = replace(DEFAULT, id="", clauses=(), otherwise=(Level(1, people=named), Level(2)), max_days=30)
    administer(office)
    with tenant_scope(office.tenant_id):
        written = approvals.save_rules(office.standing("third"), stricter, comment="two for everything")
    assert office.does("first", "decide", before.id, "approve", comment="fine").state == "active"
    assert refused(office, "asks", "submit", draft.id) == "expires_on"
    office.does("asks", "change", draft.id, {"expires_on": in_days(29)})
    handed = office.does("asks", "submit", draft.id)
    assert (handed.rules, handed.levels) == (written.id, 2)
    assert refused(office, "third", "decide", draft.id, "approve", comment="no approver") == "level"
    assert office.does("first", "decide", draft.id, "approve", comment="fine").state == "under_review"
    assert office.does("third", "decide", draft.id, "approve", comment="fine").state == "active"


def test_who_stands_in_is_one_more_person_and_never_a_second_word_of_the_first(office: Office) -> None:
    both = (office.subject("first"), office.subject("second"))
    named = replace(DEFAULT, id="", clauses=(), otherwise=(Level(1, people=both), Level(2, people=both)))
    administer(office)
    with tenant_scope(office.tenant_id):
        approvals.save_rules(office.standing("third"), named, comment="by name")
        for away in ("first", "second"):
            approvals.delegate(
                office.standing(away), first_day=in_days(0), last_day=in_days(9), zone="UTC", to=office.subject("third")
            )
    row = office.submitted()
    once = office.does("third", "decide", row.id, "approve", comment="for the first")
    (step,) = [one for one in office.look("steps_of", once) if one.kind == "approve"]
    assert (step.by, step.on_behalf_of) == (office.subject("third"), office.subject("first"))
    assert refused(office, "third", "decide", row.id, "approve", comment="for the second") == "approver"
    assert refused(office, "first", "decide", row.id, "approve", comment="back") == "approver"
    assert office.does("second", "decide", row.id, "approve", comment="back").state == "active"
    (entry, _) = office.entries("exception.approve")
    assert entry["facts"]["behalf"] == office.subject("first")
    assert entry["facts"]["delegation"].startswith("dlg_")


def test_a_delegate_of_who_asks_has_no_say_through_them(office: Office) -> None:
    asks = office.subject("first")
    named = replace(DEFAULT, id="", clauses=(), otherwise=(Level(1, people=(asks, office.subject("second"))),))
    administer(office)
    with tenant_scope(office.tenant_id):
        approvals.save_rules(office.standing("third"), named, comment="by name")
        given = {"first_day": in_days(0), "last_day": in_days(9), "zone": "UTC", "to": office.subject("third")}
        approvals.delegate(office.standing("first"), **given)  # type: ignore[arg-type]
    row = office.submitted("first")
    assert refused(office, "third", "decide", row.id, "approve", comment="for them") == "approver"
    assert refused(office, "first", "decide", row.id, "approve", comment="mine") == "approver"
    assert office.does("second", "decide", row.id, "approve", comment="fine").state == "active"


def test_who_is_shown_something_else_than_there_is_decides_nothing(office: Office) -> None:
    row = office.submitted()
    with tenant_scope(office.tenant_id):
        seen = services.basis_of(services.exception_for(row.id)).basis
        policies.change(office.standing("asks"), office.policy, {"text": "Three factors."})
    assert refused(office, "first", "decide", row.id, "approve", comment="fine", seen=seen) == "basis"


def policy_beside(office: Office) -> str:
    with tenant_scope(office.tenant_id):
        said = PolicyText("Another policy", "Lock the door.", "", office.subject("asks"), in_days(0))
        return str(policies.create(office.standing("asks"), said).policy)


def stale(office: Office, rows: dict[str, Any]) -> set[str]:
    return {name for name, row in rows.items() if again(office, row).stale_at is not None}
