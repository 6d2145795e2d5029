"""Rules of approval: no case is without a level, and what is wrong with rules is found, whatever they are."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.core.errors import Malformed
from muniment.server.approvals.document import digest_of, document_of, rules_from, text_of
from muniment.server.approvals.periods import checked_period
from muniment.server.approvals.roster import Absence, Mandate, Roster
from muniment.server.approvals.validation import Fault, validate
from muniment.server.approvals.wording import compared, lines_of
from muniment.server.approvals.workflow import (
    CRITICALITIES,
    DEFAULT,
    RISK_LEVELS,
    Case,
    Clause,
    Level,
    Person,
    Rules,
    clause_for,
    decides,
    levels_for,
)

FRAMEWORKS, ASSETS = ("soc2", "hipaa", "own"), ("ast_1", "ast_2", "ast_3")
ROLES, GROUPS, PEOPLE = ("approver", "officer"), ("grp_1", "grp_2"), ("user:a", "user:b", "user:c", "user:d")
ONE = (Level(1),)
TWO = (Level(1), Level(2))


def some(values: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), unique=True, max_size=len(values)).map(tuple)


named = st.tuples(some(ROLES), some(PEOPLE), some(GROUPS))
levels = st.lists(named, min_size=1, max_size=2).map(
    lambda given: tuple(Level(place + 1, *one) for place, one in enumerate(given))
)
clauses = st.builds(
    Clause,
    levels=levels,
    risk_levels=some(RISK_LEVELS),
    frameworks=some(FRAMEWORKS),
    assets=some(ASSETS),
    criticalities=some(CRITICALITIES),
)
rules = st.builds(
    Rules,
    id=st.just(""),
    version=st.just(0),
    clauses=st.lists(clauses, max_size=5).map(tuple),
    otherwise=levels,
    max_days=st.integers(1, 1826),
    reminder_days=st.sets(st.integers(1, 365), max_size=9).map(
        lambda days: tuple(sorted(days | {30, 60, 90}, reverse=True))
    ),
    reattest_days=st.integers(7, 366),
    escalate_days=st.integers(1, 90),
)
people = st.lists(
    st.builds(
        Person,
        subject=st.sampled_from(PEOPLE),
        roles=some(ROLES).map(frozenset),
        groups=some(GROUPS).map(frozenset),
        approves=st.booleans(),
        requests=st.booleans(),
    ),
    unique_by=lambda one: one.subject,
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A case whose assets have criticalities: there are none without an asset."""
    assets = draw(st.dictionaries(st.sampled_from((*ASSETS, "ast_other")), st.sampled_from(CRITICALITIES)))
    return Case(
        draw(st.sampled_from(RISK_LEVELS)),
        frozenset(draw(some((*FRAMEWORKS, "nist")))),
        frozenset(assets),
        frozenset(assets.values()),
    )


@settings(max_examples=40)
@given(rules, cases())
def test_every_case_has_one_level_or_two_numbered_in_order(given_rules: Rules, case: Case) -> None:
    found = levels_for(given_rules, case)
    assert [level.number for level in found] in ([1], [1, 2])


@settings(max_examples=40)
@given(rules)
def test_what_is_written_down_is_read_again_and_no_text_has_two_digests(given_rules: Rules) -> None:
    text = text_of(given_rules)
    assert rules_from(orjson.loads(text)) == given_rules
    assert text_of(rules_from(orjson.loads(text))) == text
    assert len(digest_of(text)) == 64
    assert len(lines_of(given_rules, {})) == len(given_rules.clauses) + 5


@settings(max_examples=40)
@given(rules)
def test_exactly_the_rows_that_take_no_case_are_said_to_be_out_of_reach(given_rules: Rules) -> None:
    lost = {one.where for one in validate(given_rules, []) if one.kind == "unreachable"}
    assets: list[dict[str, str]] = [{}]
    assets += [{one: how} for one in (*ASSETS, "ast_other") for how in CRITICALITIES]
    every = [
        Case(risk, frozenset(framework), frozenset(held), frozenset(held.values()))
        for risk in RISK_LEVELS
        for framework in ((), *((one,) for one in FRAMEWORKS))
        for held in assets
    ]
    taken = {clause_for(given_rules, case) for case in every}
    assert {f"clauses[{place}]" for place in range(len(given_rules.clauses)) if place not in taken} == lost


@settings(max_examples=40)
@given(rules, people)
def test_without_a_fault_whoever_asks_finds_other_people_for_every_level(
    given_rules: Rules, present: list[Person]
) -> None:
    faulty = {one.where.partition(".levels")[0] for one in validate(given_rules, present) if one.kind != "unreachable"}
    for where, path in given_rules.paths():
        if where in faulty:
            continue
        for asking in [one.subject for one in present if one.requests] or [""]:
            deciding = [[one.subject for one in present if decides(level, one)] for level in path]
            chosen = [pick for pick in itertools.product(*deciding) if asking not in pick]
            assert any(len(set(pick)) == len(pick) for pick in chosen), (where, asking)


SOUND = [
    Person("user:a", frozenset({"approver"}), approves=True, requests=True),
    Person("user:b", frozenset({"approver"}), approves=True),
    Person("user:c", frozenset({"officer"}), frozenset({"grp_1"}), approves=True),
    Person("user:d", frozenset({"analyst"}), requests=True),
]


@pytest.mark.parametrize(
    ("planted", "kind", "where"),
    [
        (Rules("", 0, (Clause(ONE), Clause(TWO, risk_levels=("high",))), ONE), "unreachable", "clauses[1]"),
        (
            Rules(
                "",
                0,
                (
                    Clause(ONE, risk_levels=("low", "medium")),
                    Clause(TWO, risk_levels=("high", "critical")),
                    Clause(TWO, frameworks=("soc2",)),
                ),
                ONE,
            ),
            "unreachable",
            "clauses[2]",
        ),
        (
            Rules("", 0, (Clause(TWO, criticalities=CRITICALITIES), Clause(ONE, assets=("ast_1",))), ONE),
            "unreachable",
            "clauses[1]",
        ),
        (Rules("", 0, (), (Level(1, roles=("analyst",)),)), "nobody", "otherwise.levels[0]"),
        (Rules("", 0, (), (Level(1), Level(2, people=("user:d",)))), "nobody", "otherwise.levels[1]"),
        (Rules("", 0, (), (Level(1, groups=("grp_gone",)),)), "nobody", "otherwise.levels[0]"),
        (Rules("", 0, (), (Level(1, people=("user:a",)),)), "self-approving", "otherwise.levels[0]"),
        (
            Rules("", 0, (Clause((Level(1), Level(2, people=("user:a",)))),), ONE),
            "self-approving",
            "clauses[0].levels[1]",
        ),
        (
            Rules("", 0, (), (Level(1, people=("user:c",)), Level(2, groups=("grp_1",)))),
            "one-person",
            "otherwise",
        ),
        (
            Rules("", 0, (), (Level(1, roles=("approver",)), Level(2, people=("user:a", "user:b")))),
            "stuck",
            "otherwise",
        ),
    ],
)
def test_each_planted_fault_is_found_where_it_is(planted: Rules, kind: str, where: str) -> None:
    assert [(one.kind, one.where) for one in validate(planted, SOUND)] == [(kind, where)]


def test_the_default_has_no_fault_where_three_may_approve_and_never_changes() -> None:
    assert validate(DEFAULT, SOUND) == []
    assert digest_of(text_of(DEFAULT)) == "dbbab33d2e150f9b461c7dd8fd4e97aea4b451e570836dcee1a0e583b1193068"
    assert [len(levels_for(DEFAULT, Case(risk))) for risk in RISK_LEVELS] == [1, 1, 2, 2]
    assert not Fault("stuck", "otherwise", "").blocks


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"max_days": 0}, "max_days"),
        ({"max_days": 1827}, "max_days"),
        ({"max_days": True}, "max_days"),
        ({"reminder_days": [90, 60]}, "reminder_days"),
        ({"reminder_days": [90, 60, 30, 366]}, "reminder_days"),
        ({"reminder_days": [90, 60, 30, 30]}, "reminder_days"),
        ({"reminder_days": [90, 60, 30, *range(1, 11)]}, "reminder_days"),
        ({"reattest_days": 6}, "reattest_days"),
        ({"escalate_days": 91}, "escalate_days"),
        ({"otherwise": {"levels": []}}, "otherwise.levels"),
        ({"otherwise": {"levels": [{}, {}, {}]}}, "otherwise.levels"),
        ({"otherwise": {"levels": [{"people": "user:a"}]}}, "otherwise.levels[0].people"),
        ({"otherwise": {}}, "otherwise.levels"),
        ({"clauses": [{"levels": [{}], "risk_levels": ["grave"]}]}, "clauses[0].risk_levels"),
        ({"clauses": [{"levels": [{}], "risks": ["high"]}]}, "clauses[0].risks"),
        ({"clauses": [{"levels": [{}], "assets": ["a\0b"]}]}, "clauses[0].assets"),
        ({"clauses": [{"levels": [{"roles": ["x"] * 51}]}]}, "clauses[0].levels[0].roles"),
        ({"clauses": [{"levels": [{}]}] * 21}, "clauses"),
        ({"clauses": {"levels": [{}]}}, "clauses"),
        ({"approvers": []}, "approvers"),
    ],
)
def test_a_document_that_breaks_a_bound_is_refused_by_its_field(change: dict[str, object], where: str) -> None:
    with pytest.raises(Malformed) as refused:
        rules_from({**document_of(DEFAULT), **change})
    assert refused.value.where == where


def test_a_case_has_a_risk_level_that_there_is() -> None:
    with pytest.raises(Malformed):
        levels_for(DEFAULT, Case("grave"))


def test_a_comparison_says_what_comes_and_goes() -> None:
    before, after = DEFAULT, replace(DEFAULT, max_days=180, otherwise=(Level(1, people=("user:a",)),))
    said = [(one.sign, one.text) for one in compared(lines_of(before, {}), lines_of(after, {"user:a": "Ada"}))]
    assert ("removed", "Otherwise: anybody who may approve exceptions") in said
    assert ("added", "Otherwise: Ada") in said
    assert ("added", "An exception lasts at most 180 days") in said
    assert said[0][0] == "same"


LEVEL = Level(1, people=("user:a",))
ROSTER = {one: Person(one, approves=True) for one in PEOPLE}


def test_who_stands_in_decides_for_who_is_away_and_nobody_further_down() -> None:
    roster = Roster(ROSTER, (Absence("dlg_1", "user:a", "user:b"), Absence("dlg_2", "user:b", "user:c")))
    assert roster.mandate(LEVEL, "user:a") == Mandate()
    assert roster.mandate(LEVEL, "user:b") == Mandate("user:a", "dlg_1")
    assert roster.mandate(LEVEL, "user:c") is None
    assert [(one.subject, one.away) for one in roster.deciders(LEVEL)] == [("user:a", True), ("user:b", True)]


def test_neither_the_requester_nor_anybody_who_stands_in_for_them_decides() -> None:
    roster = Roster(ROSTER, (Absence("dlg_1", "user:a", "user:b"),))
    assert roster.mandate(LEVEL, "user:a", {"user:a"}) is None
    assert roster.mandate(LEVEL, "user:b", {"user:a"}) is None
    assert roster.mandate(LEVEL, "user:b", {"user:b"}) is None
    # A right of their own counts for nothing while they stand in; that they are stood in for does not bar the other.
    assert roster.mandate(Level(1), "user:b", {"user:a"}) is None
    assert roster.mandate(Level(1), "user:b") == Mandate()
    assert roster.mandate(Level(1), "user:a", {"user:b"}) == Mandate()


def test_who_may_not_approve_decides_for_nobody() -> None:
    weak = {**ROSTER, "user:b": Person("user:b")}
    assert Roster(weak, (Absence("dlg_1", "user:a", "user:b"),)).mandate(LEVEL, "user:b") is None
    gone = {one: person for one, person in ROSTER.items() if one != "user:a"}
    assert Roster(gone, (Absence("dlg_1", "user:a", "user:b"),)).mandate(LEVEL, "user:b") is None


NOW = datetime(2028, 2, 29, 11, 30, tzinfo=UTC)


def test_days_are_those_of_the_persons_zone() -> None:
    # In Auckland it is the first of March already, in Honolulu still the 29th of February.
    with pytest.raises(Malformed, match="has passed"):
        checked_period(date(2028, 2, 29), date(2028, 3, 1), "Pacific/Auckland", NOW)
    found = checked_period(date(2028, 2, 29), date(2028, 2, 29), "Pacific/Honolulu", NOW)
    assert (found.begins.isoformat(), found.ends.isoformat()) == (
        "2028-02-29T10:00:00+00:00",
        "2028-03-01T10:00:00+00:00",
    )
    spring = checked_period(date(2028, 3, 26), date(2028, 3, 26), "Europe/Warsaw", NOW)
    assert spring.ends - spring.begins == timedelta(hours=23)


@pytest.mark.parametrize(
    ("first", "last", "zone", "where"),
    [
        (date(2028, 3, 2), date(2028, 3, 1), "UTC", "last_day"),
        (date(2028, 3, 1), date(2029, 3, 2), "UTC", "last_day"),
        (date(2029, 3, 3), date(2029, 3, 4), "UTC", "first_day"),
        (date(9999, 12, 31), date(9999, 12, 31), "UTC", "first_day"),
        (date(2028, 3, 1), date(2028, 3, 1), "Europe/Atlantis", "zone"),
        (date(2028, 3, 1), date(2028, 3, 1), "../../etc/passwd", "zone"),
    ],
)
def test_a_period_that_cannot_be_is_refused_by_its_field(first: date, last: date, zone: str, where: str) -> None:
    with pytest.raises(Malformed) as refused:
        checked_period(first, last, zone, NOW)
    assert refused.value.where == where
