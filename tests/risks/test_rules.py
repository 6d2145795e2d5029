"""The rules of the register without a database: matrices, what a risk may say, acceptances, what a step mirrors."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.core.errors import Malformed, Refused
from muniment.server.capabilities import Capability
from muniment.server.exceptions.workflow import TRANSITIONS as EXCEPTION_STEPS
from muniment.server.risks import acceptance
from muniment.server.risks.acceptance import Matter, advance
from muniment.server.risks.matrix import BANDS, Cell, Matrix, default_matrix, read_bands, stored_matrix
from muniment.server.risks.mirroring import EFFECTS, Told, ended, opened
from muniment.server.risks.question import Question, read_cursor, read_question, write_cursor
from muniment.server.risks.workflow import CLOSED, OPEN, RESIDUAL, SCORES, STATES, Definition, Unchanged, checked, step

DAY = date(2026, 11, 22)
SAID = Definition(title="Passwords are guessed", owner="user:usr_1", review_on=DAY, plan="MFA", current=Cell(3, 4))
ALL = frozenset({Capability.RISK_ACCEPT, Capability.RISK_MANAGE})
MATTER = Matter("proposed", frozenset({"user:owner"}), "user:proposer", DAY + timedelta(days=30), 1, 1)
TOLD = Told("exc_1", "MFA", "guessing", "medium", "", "user:usr_1", DAY, ("soc2:CC6.1",), ("ast_1",))


@st.composite
def matrices(draw: st.DrawFn) -> Matrix:
    """Matrices that hold the rules: thresholds over the sum of both sides never fall."""
    rows, columns = draw(st.integers(3, 5)), draw(st.integers(3, 5))
    steps = sorted(draw(st.sets(st.integers(3, rows + columns), min_size=3, max_size=3)))
    bands = tuple(
        tuple(BANDS[sum(one + two >= limit for limit in steps)] for two in range(1, columns + 1))
        for one in range(1, rows + 1)
    )
    labels = [f"L{at}" for at in range(5)]
    return Matrix(tuple(labels[:rows]), tuple(labels[:columns]), bands)


@given(matrices())
def test_each_level_of_an_exception_has_a_place_on_every_matrix(matrix: Matrix) -> None:
    for band in BANDS:
        assert matrix.band(matrix.place_of(band)) == band
    assert {cell for band in BANDS for cell in matrix.cells(band)} == set(matrix.cells())
    assert stored_matrix(matrix.text()) == matrix


@given(matrices(), st.integers(1, 5), st.integers(1, 5), st.sampled_from(BANDS))
def test_a_matrix_on_which_a_higher_risk_has_a_lower_band_is_refused(
    matrix: Matrix, one: int, two: int, band: str
) -> None:
    cell = Cell(min(one, len(matrix.likelihood)), min(two, len(matrix.impact)))
    bands = [list(row) for row in matrix.bands]
    bands[cell.likelihood - 1][cell.impact - 1] = band
    changed = tuple(tuple(row) for row in bands)
    falls = any(
        BANDS.index(changed[a - 1][b - 1]) > BANDS.index(changed[c - 1][d - 1])
        for a, b in ((x.likelihood, x.impact) for x in matrix.cells())
        for c, d in ((x.likelihood, x.impact) for x in matrix.cells())
        if a <= c and b <= d
    )
    lacks = {band for row in changed for band in row} != set(BANDS)
    if falls or lacks:
        with pytest.raises(Malformed, match="bands"):
            Matrix(matrix.likelihood, matrix.impact, changed)
    else:
        Matrix(matrix.likelihood, matrix.impact, changed)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"likelihood": ("A", "B")}, "likelihood"),
        ({"impact": tuple("ABCDEF")}, "impact"),
        ({"likelihood": ("A", "B", "C", "D", "d")}, "likelihood"),
        ({"impact": ("", "B", "C", "D", "E")}, "impact[0]"),
        ({"impact": ("A", "B\n", "C", "D", "E")}, "impact[1]"),
        ({"impact": ("A", "B", "C" * 41, "D", "E")}, "impact[2]"),
        ({"bands": read_bands(["lmhc"] * 5)}, "bands"),
        ({"bands": read_bands(["llllx", "lllmm", "llmmh", "lmmhh", "mmhhc"])}, "bands[0][4]"),
        ({"bands": read_bands(["lllll"] * 5)}, "bands"),
    ],
)
def test_a_matrix_that_cannot_be_names_its_fault(change: dict[str, Any], where: str) -> None:
    before = default_matrix()
    said = {"likelihood": before.likelihood, "impact": before.impact, "bands": before.bands, **change}
    with pytest.raises(Malformed) as refusal:
        Matrix(**said)
    assert refusal.value.where == where


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"title": " "}, "title"),
        ({"title": "two\nlines"}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"description": "bell\a"}, "description"),
        ({"owner": ""}, "owner"),
        ({"treatment": "ignore"}, "treatment"),
        ({"plan": ""}, "plan"),
        ({"treatment": "avoid", "plan": " "}, "plan"),
        ({"review_on": date(2999, 1, 1)}, "review_on"),
        ({"current": Cell(6, 1)}, "current"),
        ({"residual": Cell(0, 3)}, "residual"),
        ({"inherent": Cell(2, 5)}, "current"),
        ({"residual": Cell(4, 1)}, "residual"),
        ({"assets": ("exc_1",)}, "assets"),
        ({"controls": ("x" * 97,)}, "controls"),
        ({"findings": tuple(f"fnd_{one}" for one in range(65))}, "findings"),
    ],
)
def test_a_risk_that_cannot_be_names_its_fault(change: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed) as refusal:
        checked(replace(SAID, **change), default_matrix())
    assert refusal.value.where == where


def test_scores_of_an_earlier_matrix_stay_until_one_is_placed_anew() -> None:
    small = Matrix(tuple("ABC"), tuple("ABC"), read_bands(["lmh", "mmh", "hhc"]))
    assert checked(replace(SAID, title="Another"), small, SAID).current == Cell(3, 4)
    with pytest.raises(Malformed, match="3 × 4 is not on the matrix"):
        checked(replace(SAID, residual=Cell(1, 1)), small, SAID)


def test_a_reason_alone_is_no_change() -> None:
    with pytest.raises(Unchanged):
        checked(replace(SAID, reason="because"), default_matrix(), SAID)


def test_only_an_exceptions_end_leaves_a_residual_risk_and_only_its_approval_opens_it_again() -> None:
    by_people = {(before, after) for before in STATES for after in STATES if _goes(before, after, "person")}
    by_exceptions = {(before, after) for before in STATES for after in STATES if _goes(before, after, "mirror")}
    assert by_people == {(OPEN, OPEN), (OPEN, CLOSED), (RESIDUAL, RESIDUAL), (RESIDUAL, CLOSED), (CLOSED, OPEN)}
    assert by_exceptions - by_people == {(OPEN, RESIDUAL), (RESIDUAL, OPEN)}
    for after in (RESIDUAL, CLOSED):
        with pytest.raises(Refused, match="still holds"):
            step(after, OPEN, by="mirror", live=True)


def _goes(before: str, after: str, by: str) -> bool:
    try:
        step(after, before, by=by)
    except Refused:
        return False
    return True


@pytest.mark.parametrize("verdict", ["accept", "refuse"])
@pytest.mark.parametrize(
    ("by", "where"),
    [("user:owner", "approver"), ("user:proposer", "approver"), ("key:ak_1", "person"), ("system:server", "person")],
)
def test_neither_who_owns_nor_who_proposes_nor_a_program_decides(verdict: Any, by: str, where: str) -> None:
    with pytest.raises(Refused) as refusal:
        advance(MATTER, verdict, today=DAY, by=by, capabilities=ALL, comment="fine")
    assert refusal.value.where == where


def test_a_decision_needs_a_comment_the_capability_a_day_to_come_and_a_risk_that_did_not_change() -> None:
    other = {"today": DAY, "by": "user:other", "capabilities": ALL, "comment": "fine"}
    assert advance(MATTER, "accept", **other) == "accepted"  # type: ignore[arg-type]
    wrong: list[tuple[Matter, dict[str, Any], str]] = [
        (MATTER, {"comment": " \n"}, "comment"),
        (MATTER, {"capabilities": frozenset({Capability.RISK_MANAGE})}, "capability"),
        (MATTER, {"today": MATTER.until + timedelta(days=1)}, "until"),
        (replace(MATTER, risk_version=2), {}, "version"),
        (replace(MATTER, state="accepted"), {}, "state"),
        (replace(MATTER, state="stale"), {}, "state"),
    ]
    for matter, change, where in wrong:
        with pytest.raises((Refused, Malformed)) as refusal:
            advance(matter, "accept", **{**other, **change})
        assert refusal.value.where == where


def test_what_ended_takes_no_step_any_more() -> None:
    over = set(acceptance.STATES) - {acceptance.PROPOSED, acceptance.ACCEPTED}
    assert not over & {one.source for one in acceptance.TRANSITIONS}
    assert {one.source for one in acceptance.TRANSITIONS if one.target == acceptance.ACCEPTED} == {acceptance.PROPOSED}


@pytest.mark.parametrize(("days", "fine"), [(-1, False), (0, True), (365, True), (366, False)])
def test_an_acceptance_ends_within_the_tenants_maximum(days: int, fine: bool) -> None:
    until = DAY + timedelta(days=days)
    if fine:
        assert acceptance.checked_until(until, DAY, 365) == until
    else:
        with pytest.raises(Malformed) as refusal:
            acceptance.checked_until(until, DAY, 365)
        assert refusal.value.where == "until"


def test_a_leap_day_is_a_last_day_like_others() -> None:
    assert acceptance.checked_until(date(2028, 2, 29), date(2028, 2, 28)) == date(2028, 2, 29)


def test_every_step_of_an_exception_is_mirrored_or_changes_no_risk() -> None:
    """A new step of exceptions must be thought of here: those that put one in force or end one are in the table."""
    standing = {"approved", "active"}
    moves = {
        (one.source, one.target) for one in EXCEPTION_STEPS if (one.source in standing) != (one.target in standing)
    }
    assert moves == set(EFFECTS)


@given(
    st.sampled_from(BANDS),
    st.sampled_from(BANDS),
    st.none() | st.builds(Cell, st.integers(1, 5), st.integers(1, 5)),
    matrices(),
    matrices(),
)
def test_whatever_people_and_tenants_did_meanwhile_an_approval_has_its_risk(
    first: str, second: str, inherent: Cell | None, old: Matrix, new: Matrix
) -> None:
    before = checked(opened(replace(TOLD, level=first), old, None), old, by="mirror")
    place = before.current
    assert place is not None
    if inherent is not None and inherent in old and place.within(inherent):
        before = replace(before, inherent=inherent)
    renewal = replace(TOLD, id="exc_2", level=second, owner="")
    after = checked(opened(renewal, new, before, TOLD), new, before, by="mirror")
    assert after.exceptions == ("exc_1", "exc_2")
    if any(getattr(after, one) != getattr(before, one) for one in SCORES):
        assert after.current is not None
        assert new.band(after.current) == second


def test_what_never_began_closes_and_what_began_leaves_a_risk_to_be_reviewed() -> None:
    before = opened(TOLD, default_matrix(), None)
    assert ended(TOLD, "withdrawn", before, today=DAY, began=False).state == CLOSED
    left = ended(TOLD, "expired", replace(before, review_on=DAY + timedelta(days=9)), today=DAY, began=True)
    assert (left.state, left.review_on, left.reason) == (RESIDUAL, DAY, "exc_1 expired")


@pytest.mark.parametrize(
    ("given_", "where"),
    [
        ({"level": "huge"}, "level"),
        ({"cell": "6x1"}, "cell"),
        ({"cell": "3"}, "cell"),
        ({"score": "worst"}, "score"),
        ({"sort": "owner"}, "sort"),
        ({"colour": "red"}, "colour"),
        ({"q": "x\0"}, "q"),
        ({"q": "x" * 201}, "q"),
        ({"state": "gone"}, "state"),
    ],
)
def test_a_question_that_cannot_be_asked_names_its_parameter(given_: dict[str, str], where: str) -> None:
    with pytest.raises(Malformed) as refusal:
        read_question(given_)
    assert refusal.value.where == where


def test_what_a_question_says_is_in_its_address_and_comes_back() -> None:
    asked = Question(level="high", cell="3x5", score="residual", sort="title", q="vpn gate")
    assert read_question(asked.given()) == asked
    assert Question().given() == {}


@given(st.text(), st.text(alphabet="abc_0", min_size=1))
def test_a_cursor_is_read_back_and_another_text_is_refused(value: str, wanted: str) -> None:
    value = value.replace("\0", "").encode("utf-8", "ignore").decode()
    assert read_cursor(write_cursor(value, wanted)) == (value, wanted)
    for wrong in ("!", "AA", "Zm9v"):
        with pytest.raises(Malformed):
            read_cursor(wrong)
