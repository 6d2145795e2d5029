"""Whatever is tried in whatever order, nothing is handed over without an approval of somebody else and a signature."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.core.errors import Malformed, MunimentError, Refused
from muniment.server.capabilities import Capability
from muniment.server.packets.scope import SLOTS, scope_of, stored_scope
from muniment.server.packets.workflow import (
    APPROVED,
    BUILT,
    DELIVERED,
    REQUESTED,
    STATES,
    TRANSITIONS,
    Matter,
    Rules,
    advance,
    clock,
    due_at,
)

DESK = frozenset({Capability.PACKET_REQUEST, Capability.PACKET_APPROVE, Capability.PACKET_DELIVER})
ASKER = frozenset({Capability.PACKET_REQUEST})
PEOPLE = {"user:a": DESK, "user:b": DESK, "user:c": ASKER, "rcp_1": None}
STEPS = ("approve", "refuse", "withdraw", "build", "deliver")
TRIED = st.lists(st.tuples(st.sampled_from([*STEPS, "sign"]), st.sampled_from(sorted(PEOPLE))), max_size=25)


@given(TRIED, st.sampled_from(["user:a", "user:c"]), st.sampled_from(["user:a", "user:c", "rcp_1"]), st.booleans())
def test_no_path_leads_to_a_delivery_without_approval_and_signature(
    tried: list[tuple[str, str]], asker: str, party: str, asks: bool
) -> None:
    matter = Matter(REQUESTED, asker, party, asks_signature=asks)
    approver, signer, done = "", "", []
    for step, by in tried:
        if step == "sign":
            # Only whom it is for can sign: `services.sign` and the database hold that.
            if by == party:
                matter, signer = replace(matter, signed=True), by
            continue
        if step == "build":
            try:
                state = advance(replace(matter, packet=True), "build", by=by, capabilities=PEOPLE[by])
            except MunimentError:
                continue
            matter = replace(matter, state=state, packet=True)
        else:
            try:
                state = advance(matter, step, by=by, capabilities=PEOPLE[by], reason="because")  # type: ignore[arg-type]
            except MunimentError:
                continue
            matter = replace(matter, state=state)
        approver = by if step == "approve" else approver
        done.append(step)
        if step == "deliver":
            assert approver
            assert approver not in (asker, party)
            assert not asks or signer == party
            assert matter.packet
            assert "withdraw" not in done
            assert "refuse" not in done


def test_the_table_names_states_that_there_are_and_no_step_twice() -> None:
    assert {one for row in TRANSITIONS for one in (row.source, row.target)} == set(STATES)
    assert len({(row.step, row.source) for row in TRANSITIONS}) == len(TRANSITIONS)


@pytest.mark.parametrize(
    ("matter", "step", "by", "where"),
    [
        (Matter(REQUESTED, "user:a", "rcp_1", True), "approve", "user:a", "approver"),
        (Matter(REQUESTED, "user:c", "user:a", True), "approve", "user:a", "approver"),
        (Matter(REQUESTED, "user:a", "rcp_1", True), "approve", "user:c", "capability"),
        (Matter(APPROVED, "user:a", "rcp_1", True), "build", "user:a", "packet"),
        (Matter(BUILT, "user:a", "rcp_1", True, packet=True), "deliver", "rcp_1", "signature"),
        (Matter(BUILT, "user:a", "rcp_1", True, signed=True, packet=True), "deliver", "user:c", "party"),
        (Matter(DELIVERED, "user:a", "rcp_1", False, packet=True), "withdraw", "user:c", "requester"),
        (Matter(REQUESTED, "user:a", "rcp_1", True), "withdraw", "rcp_1", "party"),
    ],
)
def test_what_stands_against_a_step_is_named(matter: Matter, step: str, by: str, where: str) -> None:
    with pytest.raises(Refused) as refused:
        advance(matter, step, by=by, capabilities=PEOPLE[by], reason="because")  # type: ignore[arg-type]
    assert refused.value.where == where


def test_a_refusal_without_a_reason_is_none() -> None:
    with pytest.raises(Malformed) as refused:
        advance(Matter(REQUESTED, "user:c", "user:c", True), "refuse", by="user:a", capabilities=DESK, reason=" ")
    assert refused.value.where == "reason"


@given(st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)), st.integers(1, 2160), st.booleans())  # noqa: DTZ001
def test_what_is_due_is_due_on_a_working_day_after_at_least_that_many_hours(
    asked: datetime, hours: int, working: bool
) -> None:
    rules, at = Rules(due_hours=hours, working_days=working, zone="Europe/Warsaw"), asked.replace(tzinfo=UTC)
    due = due_at(at, rules)
    assert due - at >= timedelta(hours=hours)
    if not working:
        assert due - at == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("asked", "hours", "due"),
    [
        # A Friday at noon in Warsaw; the weekend does not count.
        ("2026-05-08T10:00:00+00:00", 24, "2026-05-11T10:00:00+00:00"),
        # On a Saturday nothing runs before Monday begins.
        ("2026-05-09T10:00:00+00:00", 8, "2026-05-11T06:00:00+00:00"),
        # Over the night in which clocks go forward, on a Sunday: Monday begins an hour earlier in UTC.
        ("2026-03-28T12:00:00+00:00", 1, "2026-03-29T23:00:00+00:00"),
    ],
)
def test_working_days_are_those_of_the_tenants_zone(asked: str, hours: int, due: str) -> None:
    rules = Rules(due_hours=hours, working_days=True, zone="Europe/Warsaw")
    assert due_at(datetime.fromisoformat(asked), rules) == datetime.fromisoformat(due)


def test_the_clock_runs_is_overdue_met_late_or_stopped() -> None:
    due = datetime(2026, 5, 8, 10, tzinfo=UTC)
    hour = timedelta(hours=1)
    assert clock(REQUESTED, due, None, due - hour).word == "running"
    assert clock(BUILT, due, None, due + hour).word == "overdue"
    assert clock(BUILT, due, None, due + hour).hours == "1 h 00 min"
    assert clock(DELIVERED, due, due - hour, due + hour).word == "met"
    assert clock("withdrawn", due, due + hour, due + 2 * hour).word == "late"
    assert clock("refused", due, None, due + hour).word == "stopped"


@pytest.mark.parametrize(
    ("field", "wanted"),
    [
        ("zone", {"zone": "Europe/Nowhere"}),
        ("zone", {"zone": "../../etc/passwd"}),
        ("due_hours", {"due_hours": 0}),
        ("link_hours", {"link_hours": 9999}),
    ],
)
def test_rules_out_of_bounds_are_refused_by_name(field: str, wanted: dict[str, object]) -> None:
    with pytest.raises(Malformed) as refused:
        Rules(**wanted)  # type: ignore[arg-type]
    assert refused.value.where == field


def test_a_scope_keeps_the_slots_that_nobody_filled_and_is_read_back_as_it_was_written() -> None:
    scope = scope_of(name="Q1", controls=["soc2:CC6.1", "soc2:CC6.1", "own:1"], slots={"policy": ["att_2", "att_1"]})
    assert scope.controls == ("own:1", "soc2:CC6.1")
    assert scope.missing == tuple(slot for slot in SLOTS if slot != "policy")
    assert stored_scope(scope.text()) == scope
    assert len(scope.digest) == 64


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ("name", {"name": " "}),
        ("name", {"name": "two\nlines"}),
        ("controls", {"name": "Q1"}),
        ("slots", {"name": "Q1", "controls": ["own:1"], "slots": {"exploits": ["att_1"]}}),
        ("controls", {"name": "Q1", "controls": ["CC6.1"]}),
        ("samples", {"name": "Q1", "samples": ["smp_\u202e"]}),
    ],
)
def test_a_scope_that_cannot_be_is_refused_by_name(where: str, wanted: dict[str, object]) -> None:
    with pytest.raises(Malformed) as refused:
        scope_of(**wanted)  # type: ignore[arg-type]
    assert refused.value.where == where
