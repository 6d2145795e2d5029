"""The register on a real database: versions and entries, acceptances with their ends, snapshots, other tenants."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from django.db import connection

from muniment.core.errors import Malformed, Refused
from muniment.server.assets import services as assets
from muniment.server.registers.keeping import NoSuch
from muniment.server.risks.job import keep_up
from muniment.server.risks.matrix import Cell, Matrix, default_matrix, read_bands
from muniment.server.risks.models import Acceptance, Snapshot
from muniment.server.risks.question import Question
from muniment.server.tenants.scope import tenant_scope
from tests.exceptions.conftest import Office
from tests.risks.conftest import Register, in_days

LATER = Matrix(tuple("ABCD"), tuple("ABC"), read_bands(["lll", "lmm", "mmh", "hcc"]))
SAME_SIZE = Matrix(default_matrix().likelihood, default_matrix().impact, read_bands(["lmhhh"] * 4 + ["lmhhc"]))


def ids(register: Register, **asked: str) -> list[str]:
    with tenant_scope(register.office.tenant_id):
        from muniment.server.risks import services

        return [row.id for row in services.risks(Question(**asked)).rows]


def state_of(register: Register, made: Acceptance) -> Acceptance:
    found: Acceptance = register.look("acceptance_for", made.id)
    return found


def test_each_version_is_a_row_with_its_digest_and_an_entry_that_commits_to_it(
    office: Office, register: Register
) -> None:
    row = register.opened(assets=("AST-1",), controls=("soc2:CC6.1",))
    assert row.assets == [office.asset]
    changed = register.does("colleague", "change_risk", row.id, {"current": Cell(2, 2)}, reason="MFA is on")
    assert (changed.version, changed.level) == (2, "low")
    versions = register.look("versions_of", changed)
    assert [one.version for one in versions] == [2, 1]
    for one in versions:
        assert hashlib.sha256(one.content.encode()).hexdigest() == one.digest
    opened, moved = office.entries("risk.open")[0], office.entries("risk.change")[0]
    assert opened["facts"]["digest"] == versions[1].digest
    assert (moved["facts"]["changed"], moved["facts"]["level"], moved["facts"]["version"]) == ("current", "low", "2")
    assert [one.rpartition("/")[2] for one in moved["causes"]] == [opened["id"]]
    assert moved["resource"] == {"id": row.id, "type": "risk"}


def test_who_looked_at_an_older_version_and_what_is_not_there_is_refused(office: Office, register: Register) -> None:
    row = register.opened()
    wrong: list[tuple[Callable[[], object], str]] = [
        (lambda: register.does("asks", "change_risk", row.id, {"title": "B"}, reason="x", number=7), "number"),
        (lambda: register.does("asks", "change_risk", row.id, {"title": "B"}, reason=" "), "reason"),
        (lambda: register.opened(current=None), "current"),
        (lambda: register.opened(owner="user:usr_nobody"), "owner"),
        (lambda: register.opened(assets=("AST-99",)), "assets"),
        (lambda: register.opened(controls=("own:NONE",)), "controls[0]"),
        (lambda: register.opened(exceptions=("exc_01K0000000000000000000000A",)), "exceptions"),
        (lambda: register.opened(findings=("fnd_01K0000000000000000000000A",)), "findings"),
        (lambda: register.does("asks", "reopen_risk", row.id, reason="x"), "state"),
    ]
    for attempt, where in wrong:
        with pytest.raises((Malformed, Refused)) as refusal:
            attempt()
        assert refusal.value.where == where
    for nobody in ("rsk_01K0000000000000000000000A", "x\0", ""):
        with pytest.raises(NoSuch):
            register.look("risk_for", nobody)
    register.does("asks", "close_risk", row.id, reason="gone")
    with pytest.raises(Refused, match="open it again"):
        register.does("asks", "change_risk", row.id, {"title": "B"}, reason="x")
    assert register.does("asks", "reopen_risk", row.id, reason="back").state == "open"


def test_an_acceptance_freezes_what_it_is_about_and_is_stale_once_that_changes(
    office: Office, register: Register
) -> None:
    row = register.opened(assets=(office.asset,))
    made = register.accepted(row)
    assert made.state == "accepted"
    (event,) = office.entries("risk.accept")
    decision = register.look("decision_on", made)
    assert event["facts"]["digest"] == decision.digest == hashlib.sha256(decision.content.encode()).hexdigest()
    frozen = orjson.loads(decision.content)
    assert frozen["risk"]["digest"] == row.digest
    assert frozen["risk"]["says"]["current"] == {"likelihood": 3, "impact": 4}
    assert frozen["matrix"] == {
        "digest": default_matrix().digest,
        "version": 0,
        "words": {"current": "Possible × Major"},
    }
    assert [one["id"] for one in frozen["assets"]] == [office.asset]
    assert (frozen["by"], frozen["comment"], frozen["verdict"]) == (
        office.subject("first"),
        "we can bear it",
        "accepted",
    )
    assert ids(register, accepted="yes") == [row.id]
    register.does("asks", "change_risk", row.id, {"plan": "nothing"}, reason="no money")
    stale = state_of(register, made)
    assert (stale.state, stale.ended_by, stale.ended_why) == ("stale", "system:server", "the risk changed: plan")
    assert office.entries("risk.lapse")[-1]["facts"]["why"] == "stale"
    assert ids(register, accepted="yes") == []


def test_an_acceptance_is_stale_once_an_asset_on_which_it_rests_changes(office: Office, register: Register) -> None:
    made = register.accepted(register.opened(assets=(office.asset,)))
    other = register.accepted(register.opened())
    with tenant_scope(office.tenant_id):
        assets.change(office.standing("asks"), office.asset, {"criticality": "critical", "reason": "moved"})
    assert state_of(register, made).state == "stale"
    assert office.asset in state_of(register, made).ended_why
    assert state_of(register, other).state == "accepted"


def test_a_proposal_is_decided_once_by_somebody_else_in_person(office: Office, register: Register) -> None:
    row = register.opened(owner=office.subject("first"))
    made = register.proposed(row, "asks")
    with pytest.raises(Refused, match="waits for a decision already"):
        register.proposed(row)
    for name, where in (("first", "approver"), ("asks", "capability")):
        with pytest.raises(Refused) as refusal:
            register.does(name, "decide", made.id, "accepted", comment="fine")
        assert refusal.value.where == where
    with pytest.raises(Refused, match="another version"):
        register.does("second", "decide", made.id, "accepted", comment="fine", digest="0" * 64)
    outcomes: list[str] = []

    def decide(name: str) -> None:
        try:
            register.does(name, "decide", made.id, "accepted", comment="fine")
            outcomes.append("accepted")
        except Refused as refused:
            outcomes.append(str(refused.where))
        finally:
            connection.close()

    threads = [threading.Thread(target=decide, args=(name,)) for name in ("second", "third")]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(outcomes) == ["accepted", "state"]
    assert len(office.entries("risk.accept")) == 1


def test_a_refusal_a_withdrawal_a_revocation_and_a_later_acceptance_end_what_was_proposed(
    office: Office, register: Register
) -> None:
    row = register.opened()
    refused = register.does("first", "decide", register.proposed(row).id, "refused", comment="too high")
    assert (refused.state, refused.ended_why) == ("refused", "too high")
    withdrawn = register.does("colleague", "withdraw", register.proposed(row).id)
    assert withdrawn.state == "withdrawn"
    first = register.accepted(row)
    second = register.accepted(row, until=in_days(120))
    assert (state_of(register, first).state, second.state) == ("replaced", "accepted")
    with pytest.raises(Malformed):
        register.does("second", "revoke", second.id, comment=" ")
    assert register.does("second", "revoke", second.id, comment="an incident").state == "revoked"
    whys = [one["facts"]["why"] for one in office.entries("risk.lapse")]
    assert whys == ["withdrawn", "replaced", "revoked"]


def test_an_acceptance_that_cannot_be_proposed_names_its_field(office: Office, register: Register) -> None:
    row, avoided = register.opened(), register.opened(treatment="avoid")
    closed = register.opened()
    register.does("asks", "close_risk", closed.id, reason="gone")
    wrong: list[tuple[Any, dict[str, Any], str]] = [
        (row, {"until": in_days(-2)}, "until"),
        (row, {"until": in_days(400)}, "until"),
        (row, {"zone": "Mars/Olympus"}, "zone"),
        (row, {"reason": ""}, "reason"),
        (row, {"number": 9}, "number"),
        (avoided, {}, "treatment"),
        (closed, {}, "state"),
    ]
    for about, change, where in wrong:
        with pytest.raises((Malformed, Refused)) as refusal:
            register.proposed(about, **change)
        assert refusal.value.where == where


def test_the_job_ends_what_is_over_once_however_long_it_was_away(office: Office, register: Register) -> None:
    accepted = register.accepted(register.opened(), until=in_days(1))
    waiting = register.proposed(register.opened(), until=in_days(1))
    longer = register.accepted(register.opened(), until=in_days(200))
    with office.tenant.in_database() as raw:
        raw.execute("SET session_replication_role = replica")
        raw.execute(
            "UPDATE django.risks_acceptance SET until = until - 10 WHERE id = ANY(%s)", [[accepted.id, waiting.id]]
        )
    said = keep_up([office.tenant_id])
    assert said == "2 acceptances of risks ended, 1 registers kept"
    assert [state_of(register, one).state for one in (accepted, waiting, longer)] == ["expired", "expired", "accepted"]
    assert keep_up([office.tenant_id]) == ""
    assert [one["facts"]["why"] for one in office.entries("risk.lapse")] == ["expired", "expired"]


def test_the_register_is_kept_once_a_day_and_on_demand_if_something_changed(office: Office, register: Register) -> None:
    now = datetime.now(UTC)
    assert keep_up([office.tenant_id], now) == ""
    row = register.opened()
    keep_up([office.tenant_id], now)
    keep_up([office.tenant_id], now)
    (daily,) = register.look("snapshots")
    assert daily.daily
    line = f"{row.id} {row.version} {row.digest}\n"
    assert daily.register == hashlib.sha256(line.encode()).hexdigest()
    said = orjson.loads(daily.content)
    assert (said["risks"], said["levels"]["high"], said["scores"]["current"]["cells"]) == (1, 1, {"3x4": 1})
    (event,) = office.entries("risk.snapshot")
    assert event["facts"]["register"] == daily.register
    with tenant_scope(office.tenant_id):
        from muniment.server.risks import services

        by = office.subject("asks")
        assert services.take_snapshot(office.tenant_id, now, by=by).id == daily.id
        services.open_risk(office.standing("asks"), register.said(title="Another"))
        asked = services.take_snapshot(office.tenant_id, now, by=by)
    assert (asked.daily, asked.id == daily.id) == (False, False)
    keep_up([office.tenant_id], now + timedelta(days=9))
    with tenant_scope(office.tenant_id):
        assert Snapshot.objects.count() == 3


def test_a_matrix_of_the_same_size_moves_bands_and_one_of_another_leaves_risks_to_be_placed(
    office: Office, register: Register
) -> None:
    row = register.opened(current=Cell(1, 3))
    assert ids(register, level="low") == [row.id]
    saved = register.does("asks", "save_matrix", SAME_SIZE, reason="our appetite is smaller", number=0)
    assert (saved.version, office.entries("risk.matrix")[0]["facts"]["digest"]) == (1, SAME_SIZE.digest)
    assert ids(register, level="high") == [row.id]
    assert register.look("heat", Question()).levels == {"low": 0, "medium": 0, "high": 1, "critical": 0}
    register.does("asks", "save_matrix", LATER, reason="four by three")
    heat = register.look("heat", Question())
    assert (heat.other, heat.levels["high"]) == (1, 0)
    assert ids(register, matrix="other") == ids(register, level="low") == [row.id]
    register.does("asks", "change_risk", row.id, {"current": Cell(4, 3)}, reason="placed anew")
    assert register.look("heat", Question(level="critical")).cells == {Cell(4, 3): 1}
    for number, wanted, where in ((1, SAME_SIZE, "number"), (None, LATER, "matrix")):
        with pytest.raises(Refused) as refusal:
            register.does("asks", "save_matrix", wanted, reason="again", number=number)
        assert refusal.value.where == where
    assert [row.version for row in register.look("matrix_versions")] == [2, 1]


def test_lists_are_filtered_sorted_and_paged_by_the_server(office: Office, register: Register) -> None:
    made = [register.opened(title=f"Risk {at}", current=Cell(at, at), review_on=in_days(at)) for at in range(1, 6)]
    linked = register.opened(title="Gate", current=Cell(1, 2), controls=("soc2:CC6.1",), assets=(office.asset,))
    assert ids(register, q="risk 3") == [made[2].id]
    assert ids(register, cell="5x5") == [made[4].id]
    assert ids(register, control="soc2:CC6.1") == ids(register, asset=office.asset) == [linked.id]
    assert ids(register, level="critical") == [made[4].id]
    with tenant_scope(office.tenant_id):
        from muniment.server.risks import services

        for sort in ("score", "-score", "title", "-title", "review", "-review", "changed", "-changed"):
            seen: list[str] = []
            cursor = ""
            while True:
                page = services.risks(Question(sort=sort, cursor=cursor), limit=2)
                seen += [row.id for row in page.rows]
                cursor = page.cursor
                if not cursor:
                    break
            assert len(seen) == len(set(seen)) == page.total == 6, sort
        with pytest.raises(Malformed) as refusal:
            services.risks(Question(sort="review", cursor=services.risks(Question(), limit=2).cursor))
        assert refusal.value.where == "cursor"


def test_nothing_of_another_tenant_is_seen_or_linked(office: Office, register: Register) -> None:
    row = register.opened()
    made = register.proposed(row)
    other = office.installation.tenant()
    office.people["first"].join(other.made.tenant_id, other.made.slug, "administrator")
    from muniment.server.access.standing import resolver
    from muniment.server.risks import services

    with tenant_scope(other.made.tenant_id):
        stranger = resolver().of_user(office.people["first"].user_id, other.made.tenant_id)
        assert stranger is not None
        assert services.risks(Question(state="any")).total == 0
        for attempt in (
            lambda: services.risk_for(row.id),
            lambda: services.decide(stranger, made.id, "accepted", comment="mine"),
            lambda: services.propose(stranger, row.id, reason="mine", until=in_days(3)),
            lambda: services.close_risk(stranger, row.id, reason="mine"),
        ):
            with pytest.raises(NoSuch):
                attempt()
        mine = register.said(owner=stranger.subject, assets=(office.asset,))
        with pytest.raises(Malformed) as refusal:
            services.open_risk(stranger, mine)
        assert refusal.value.where == "assets"
