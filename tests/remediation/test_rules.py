"""How tasks, findings and incidents go on, as rules alone; and that the database holds the same ones."""

from datetime import date
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.core.errors import Malformed, Refused
from muniment.server.remediation.recurrence import MONTHS, next_due
from muniment.server.remediation.workflow import STATES, TRANSITIONS, UNFINISHED, Actor, Kind, advance
from tests.support.servers import Installation

KEEPER = Actor("user:usr_keeper", manages=True, owns=False)
OWNER = Actor("user:usr_owner", manages=False, owns=True)
KINDS: tuple[Kind, ...] = ("task", "finding", "incident")
EVERYTHING = frozenset(
    {
        "title",
        "owner",
        "due_on",
        "comment",
        "recurrence",
        "exception",
        "started_at",
        "entries",
        "resolved_at",
        "lessons",
    }
)


def test_every_state_is_reached_and_only_unfinished_ones_wait() -> None:
    for kind in KINDS:
        reached = {one.after for one in TRANSITIONS if one.kind == kind}
        assert reached == set(STATES[kind])
        assert UNFINISHED[kind] <= reached
    ends = {one.after for one in TRANSITIONS} - {one.before for one in TRANSITIONS}
    assert ends == {"done", "skipped", "dropped", "closed"}


def test_who_resolved_a_finding_does_not_verify_it_and_no_program_does() -> None:
    there = {"comment", "title"}
    with pytest.raises(Refused, match="ask somebody else"):
        advance("finding", "resolved", "verify", KEEPER, there, resolved_by=KEEPER.subject)
    with pytest.raises(Refused, match="only a person"):
        advance("finding", "resolved", "verify", Actor("key:ak_1", manages=True, owns=False), there)
    assert advance("finding", "resolved", "verify", KEEPER, there, resolved_by="user:usr_other").after == "verified"


def test_an_owner_does_their_own_and_decides_nothing() -> None:
    allowed = {
        (one.kind, one.step) for one in TRANSITIONS if one.before and _goes(one.kind, one.before, one.step, OWNER)
    }
    assert allowed == {("task", "finish"), ("finding", "start"), ("finding", "resolve")}


def test_what_is_missing_is_named() -> None:
    for kind, state, step, field in (
        ("finding", "open", "accept", "exception"),
        ("finding", "resolved", "reopen", "comment"),
        ("incident", "resolved", "close", "lessons"),
        ("task", "open", "skip", "recurrence"),
    ):
        with pytest.raises(Malformed) as refusal:
            advance(kind, state, step, KEEPER, EVERYTHING - {field})  # type: ignore[arg-type]
        assert refusal.value.where == field


@given(
    st.lists(st.tuples(st.sampled_from(["change", "start", "resolve", "verify", "accept", "reopen"]), st.booleans()))
)
def test_no_way_leads_to_verified_but_through_a_resolution_of_somebody_else(steps: list[tuple[str, bool]]) -> None:
    state, resolver = "open", ""
    for step, other in steps:
        actor = Actor("user:usr_b" if other else "user:usr_a", manages=True, owns=False)
        try:
            after = advance("finding", state, step, actor, EVERYTHING, resolved_by=resolver).after
        except (Refused, Malformed):
            continue
        if step == "resolve":
            resolver = actor.subject
        if after == "verified":
            assert state == "resolved"
            assert resolver not in ("", actor.subject)
        state = after


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.sampled_from(sorted(MONTHS)), st.integers(1, 40))
def test_turns_come_back_to_their_day_or_the_last_one_of_a_shorter_month(
    first: date, recurrence: str, turns: int
) -> None:
    due, day = first, first.day
    for turn in range(1, turns + 1):
        following = next_due(due, day, recurrence)
        if recurrence == "none":
            assert following is None
            return
        assert following is not None
        assert following > due
        months = (following.year - first.year) * 12 + following.month - first.month
        assert months == MONTHS[recurrence] * turn
        assert following.day == day or (following.day < day and (following.month == 2 or following.day == 30))
        due = following


def test_the_database_knows_the_same_steps(installation: Installation) -> None:
    steps = {one.step for one in TRANSITIONS}
    with installation.database.connect("app", autocommit=True) as app:
        for kind in KINDS:
            states = ["", *STATES[kind]]
            for step, before, after in product(sorted(steps), states, states):
                known = [
                    one
                    for one in TRANSITIONS
                    if (one.kind, one.step, one.before, one.after) == (kind, step, before, after)
                ]
                row = app.execute(
                    "SELECT django.remediation_step_sets(%s, %s, %s, %s)", [kind, step, before, after]
                ).fetchone()
                assert row is not None
                assert (row[0] is None) == (not known), (kind, step, before, after)
                if known:
                    assert set(row[0]) == set(known[0].sets), (kind, step)


def _goes(kind: Kind, state: str, step: str, actor: Actor) -> bool:
    try:
        advance(kind, state, step, actor, EVERYTHING)
    except Refused:
        return False
    return True
