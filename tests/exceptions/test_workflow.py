"""The rules of an exception's steps, without a database: a machine of steps finds no path around an approval."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from muniment.core.errors import Malformed, Refused
from muniment.server.exceptions import workflow
from muniment.server.exceptions.content import Content, checked, differences
from muniment.server.exceptions.days import days_left, ends_at, starts_at, today
from muniment.server.exceptions.workflow import (
    PAIRS,
    STATES,
    SYSTEM,
    TRANSITIONS,
    Kind,
    Matter,
    Party,
    advance,
    expiring_soon,
)

NOON = datetime(2028, 2, 1, 12, tzinfo=UTC)
ENDS = datetime(2028, 3, 1, tzinfo=UTC)
ANN, BEN, CAT, DAN = (f"user:usr_{name}" for name in ("ann", "ben", "cat", "dan"))
KEY = "key:ak_robot"
PEOPLE = (ANN, BEN, CAT, DAN, KEY, SYSTEM)
# Mostly oneself.
STOOD_IN_FOR = ("", "", "", ANN, BEN, CAT, DAN)
KINDS: tuple[Kind, ...] = tuple(kind for kind in get_args(Kind) if kind != "create")


def matter(state: str = "under_review", *approvals: Party, levels: int = 1, **more: object) -> Matter:
    said = {"starts_at": NOON - timedelta(days=1), "ends_at": ENDS, **more}
    return Matter(state, ANN, ANN, levels, approvals, **said)  # type: ignore[arg-type]


def step(
    before: Matter, kind: Kind, by: str, on_behalf_of: str = "", *, also: tuple[str, ...] = (), **more: object
) -> Matter:
    given = {"at": NOON, "comment": "looked at", **more}
    party = Party(by, on_behalf_of, frozenset(also))
    return advance(before, kind, party, **given)  # type: ignore[arg-type]


def refused(before: Matter, kind: Kind, by: str, on_behalf_of: str = "", **more: object) -> str:
    with pytest.raises((Refused, Malformed)) as found:
        step(before, kind, by, on_behalf_of, **more)  # type: ignore[arg-type]
    return str(found.value.where)


def test_one_approval_of_somebody_else_approves_what_needs_one() -> None:
    assert step(matter(), "approve", BEN).state == "approved"
    assert refused(matter(), "approve", ANN) == "approver"
    assert refused(matter(), "approve", CAT, ANN) == "approver"
    assert refused(matter(), "approve", KEY) == "by"


def test_the_owner_named_by_a_key_does_not_decide_either() -> None:
    asked = Matter("under_review", KEY, ANN, 1, (), ends_at=ENDS)
    assert refused(asked, "approve", ANN) == "approver"
    assert refused(asked, "approve", BEN, ANN) == "approver"
    assert step(asked, "approve", BEN).state == "approved"


def test_two_approvals_are_two_people_whoever_acts_for_whom() -> None:
    once = step(matter(levels=2), "approve", BEN)
    assert (once.state, len(once.approvals)) == ("under_review", 1)
    assert refused(once, "approve", BEN) == "approver"
    assert refused(once, "approve", CAT, BEN) == "approver"
    assert refused(once, "approve", BEN, CAT) == "approver"
    assert refused(once, "approve", ANN) == "approver"
    assert refused(once, "approve", CAT, ANN) == "approver"
    assert step(once, "approve", CAT).state == "approved"
    stood_in = step(matter(levels=2), "approve", BEN, DAN)
    assert refused(stood_in, "approve", DAN) == "approver"
    assert refused(stood_in, "approve", CAT, DAN) == "approver"
    assert step(stood_in, "approve", CAT).state == "approved"


def test_who_stands_in_for_who_asks_or_for_who_approved_first_has_no_say_of_their_own() -> None:
    for kind in ("approve", "return", "reject"):
        assert refused(matter(), kind, BEN, also=(ANN,)) == "approver"
    assert refused(matter("active"), "revoke", BEN, also=(ANN,)) == "approver"
    assert refused(matter("active", stale=True), "attest", BEN, also=(ANN,)) == "approver"
    once = step(matter(levels=2), "approve", BEN)
    assert refused(once, "approve", CAT, also=(BEN,)) == "approver"
    assert refused(step(matter(levels=2), "approve", BEN, DAN), "approve", CAT, also=(DAN,)) == "approver"
    assert step(once, "return", CAT, also=(BEN,)).state == "returned"
    assert step(once, "approve", CAT, also=(DAN,)).state == "approved"


def test_an_approval_given_before_a_return_does_not_count_after_it() -> None:
    once = step(matter(levels=2), "approve", BEN)
    returned = step(once, "return", CAT)
    assert refused(returned, "approve", CAT) == "state"
    again = step(returned, "submit", ANN)
    assert again.approvals == ()
    assert step(again, "approve", CAT).state == "under_review"


def test_return_and_reject_are_different() -> None:
    assert step(step(matter(), "return", BEN), "submit", ANN).state == "under_review"
    assert refused(step(matter(), "reject", BEN), "submit", ANN) == "state"


@pytest.mark.parametrize("kind", ["approve", "return", "reject", "withdraw", "revoke", "attest"])
def test_every_decision_needs_a_comment(kind: Kind) -> None:
    before = matter("active" if kind in ("revoke", "attest") else "under_review")
    by = ANN if kind in ("withdraw", "attest") else BEN
    assert refused(before, kind, by, comment=" \n") == "comment"


def test_a_level_at_which_the_rules_give_no_say_is_not_decided() -> None:
    assert refused(matter(), "approve", BEN, mandated=False) == "level"


def test_nothing_is_approved_whose_last_day_has_passed() -> None:
    assert refused(matter(), "approve", BEN, at=ENDS) == "expires_on"
    assert step(matter(), "return", BEN, at=ENDS).state == "returned"


def test_the_server_alone_activates_and_expires_and_on_the_day() -> None:
    ahead = matter("approved", starts_at=NOON + timedelta(days=3))
    assert refused(ahead, "activate", SYSTEM) == "starts_on"
    assert refused(ahead, "activate", BEN, at=NOON + timedelta(days=3)) == "by"
    assert step(ahead, "activate", SYSTEM, at=NOON + timedelta(days=3)).state == "active"
    assert refused(matter("active"), "expire", SYSTEM, at=ENDS - timedelta(microseconds=1)) == "expires_on"
    assert step(matter("active"), "expire", SYSTEM, at=ENDS).state == "expired"
    assert refused(matter("expired"), "expire", SYSTEM, at=ENDS) == "state"


def test_a_stale_decision_is_attested_by_an_approver_and_not_by_who_asked() -> None:
    assert step(matter("active"), "attest", ANN).state == "active"
    assert refused(matter("active"), "attest", BEN) == "owner"
    stale = step(matter("active"), "stale", SYSTEM)
    assert stale.stale
    assert refused(stale, "attest", ANN) == "approver"
    assert refused(stale, "attest", BEN, mandated=False) == "level"
    assert not step(stale, "attest", BEN).stale


@given(st.sampled_from(sorted(STATES)), st.sampled_from(KINDS), st.sampled_from(PEOPLE), st.sampled_from(["", *PEOPLE]))
def test_no_step_outside_the_table_is_taken(state: str, kind: Kind, by: str, on_behalf_of: str) -> None:
    before = matter(state)
    try:
        after = step(before, kind, by, on_behalf_of, at=ENDS if kind == "expire" else NOON)
    except Refused:
        return
    assert (kind, before.state, after.state) in PAIRS


def test_every_state_is_reached_and_what_is_over_stays_over() -> None:
    assert {one.target for one in TRANSITIONS} == set(STATES)
    over = set(STATES) - workflow.OPEN
    assert not [one for one in TRANSITIONS if one.source in over]


class Machine(RuleBasedStateMachine):
    """Anybody tries any step at any time; a book beside it remembers who said yes to what was submitted last."""

    @initialize(levels=st.integers(1, 2), requester=st.sampled_from([ANN, KEY]), owner=st.sampled_from([ANN, BEN]))
    def draft(self, levels: int, requester: str, owner: str) -> None:
        self.now, self.levels = NOON, levels
        self.matter = advance(Matter(requested_by=requester, owner=owner), "create", Party(requester), at=self.now)
        self.said_yes: list[set[str]] = []

    @rule(
        kind=st.sampled_from(KINDS),
        by=st.sampled_from(PEOPLE),
        behalf=st.sampled_from(STOOD_IN_FOR),
        also=st.sampled_from(STOOD_IN_FOR),
    )
    def attempt(self, kind: Kind, by: str, behalf: str, also: str) -> None:
        self.take(kind, by, behalf, also=also)

    @rule(
        by=st.sampled_from(PEOPLE),
        behalf=st.sampled_from(STOOD_IN_FOR),
        also=st.sampled_from(STOOD_IN_FOR),
        comment=st.sampled_from(["fine", ""]),
    )
    def approve(self, by: str, behalf: str, also: str, comment: str) -> None:
        self.take("approve", by, behalf, also=also, comment=comment)

    @rule(by=st.sampled_from(PEOPLE))
    def approve_unasked(self, by: str) -> None:
        self.take("approve", by, "", mandated=False)

    @rule()
    def hand_in(self) -> None:
        if self.matter.state not in workflow.OPEN:
            # The next case of the same people.
            self.matter, self.said_yes = replace(self.matter, state="draft", approvals=(), stale=False), []
        self.take("submit", self.matter.requested_by, "")

    @rule(by=st.sampled_from([BEN, CAT, DAN]))
    def hand_back(self, by: str) -> None:
        self.take("return", by, "")

    @rule(by=st.sampled_from([BEN, CAT, DAN]))
    def go_back_and_forth(self, by: str) -> None:
        self.take("approve", by, "")
        self.take("return", by, "")
        self.hand_in()

    def take(
        self, kind: Kind, by: str, behalf: str, *, also: str = "", comment: str = "fine", mandated: bool = True
    ) -> None:
        before = self.matter
        if kind == "submit":
            before = replace(before, levels=self.levels, starts_at=self.now, ends_at=self.now + timedelta(days=20))
        try:
            party = Party(by, behalf, frozenset({also, behalf} - {""}))
            after = advance(before, kind, party, at=self.now, comment=comment, mandated=mandated)
        except (Refused, Malformed):
            return
        if kind in ("approve", "return", "reject", "revoke"):
            asked = {self.matter.requested_by, self.matter.owner, *self.matter.involved}
            assert not asked & {by, behalf, also}, "who asks decided, or who stands in for them"
        if kind == "submit":
            self.said_yes = []
        if kind == "approve":
            assert mandated
            assert comment
            assert all(also not in said for said in self.said_yes), "who stands in for the first one was the second"
            self.said_yes.append({one for one in (by, behalf) if one})
        self.matter = after

    @rule(days=st.integers(0, 3))
    def time_goes_by(self, days: int) -> None:
        self.now += timedelta(days=days)

    @invariant()
    def nothing_stands_that_was_not_approved(self) -> None:
        if self.matter.state in ("approved", "active", "expired", "revoked"):
            assert len(self.said_yes) == self.levels
        everybody = [one for said in self.said_yes for one in said]
        assert len(everybody) == len(set(everybody)), "somebody's word counted twice"
        assert not set(everybody) & {self.matter.requested_by, self.matter.owner}
        assert all(one.startswith("user:") for one in everybody)


Machine.TestCase.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
TestNoPathAroundAnApproval = Machine.TestCase


@pytest.mark.parametrize(
    ("day", "zone", "last"),
    [
        (date(2028, 2, 29), "Europe/Warsaw", "2028-02-29T23:00:00+00:00"),
        (date(2028, 2, 28), "UTC", "2028-02-29T00:00:00+00:00"),
        (date(2027, 2, 28), "UTC", "2027-03-01T00:00:00+00:00"),
        (date(2027, 12, 31), "Pacific/Kiritimati", "2027-12-31T10:00:00+00:00"),
        (date(2027, 12, 31), "Pacific/Pago_Pago", "2028-01-01T11:00:00+00:00"),
        # The clocks go forward in the night after, and on this very midnight.
        (date(2026, 3, 28), "Europe/Warsaw", "2026-03-28T23:00:00+00:00"),
        (date(2026, 3, 29), "Europe/Warsaw", "2026-03-29T22:00:00+00:00"),
        (date(2026, 4, 23), "Africa/Cairo", "2026-04-23T22:00:00+00:00"),
    ],
)
def test_an_exception_holds_to_the_end_of_its_last_day_where_it_was_asked_for(day: date, zone: str, last: str) -> None:
    assert ends_at(day, zone).isoformat() == last
    assert today(ends_at(day, zone) - timedelta(seconds=1), zone) == day
    assert today(ends_at(day, zone), zone) > day


def test_there_is_no_29_february_in_other_years() -> None:
    with pytest.raises(ValueError, match="day"):
        date(2027, 2, 29)


@given(st.dates(date(1980, 1, 1), date(2199, 1, 1)), st.sampled_from(["UTC", "Europe/Warsaw", "America/St_Johns"]))
def test_days_follow_each_other_without_a_gap(day: date, zone: str) -> None:
    assert ends_at(day, zone) == starts_at(day + timedelta(days=1), zone)
    assert starts_at(day, zone).astimezone(ZoneInfo(zone)).date() == day


def test_expiring_soon_is_told_from_the_first_reminder_on() -> None:
    soon = ENDS - timedelta(days=90)
    assert expiring_soon("active", soon, soon)
    assert not expiring_soon("active", soon, soon - timedelta(microseconds=1))
    assert not expiring_soon("approved", soon, ENDS)
    assert not expiring_soon("active", None, ENDS)
    assert days_left(ENDS - timedelta(hours=1), ENDS) == 0


def content(**more: object) -> Content:
    said = {
        "title": "MFA on the old VPN",
        "policy": "pol_01K00000000000000000000000",
        "scope": "the VPN of the plant",
        "reason": "it cannot",
        "risk_level": "high",
        "residual_risk": "stolen passwords",
        "expires_on": date(2028, 2, 29),
        "owner": "user:usr_01K00000000000000000000000",
    }
    return Content(**{**said, **more})  # type: ignore[arg-type]


def test_what_an_exception_says_is_kept_stripped_and_sorted() -> None:
    kept = checked(content(title="  MFA ", controls=("soc2:CC6.2", "own:AI-7", "soc2:CC6.2"), scope=" a\r\nb "))
    assert (kept.title, kept.controls, kept.scope) == ("MFA", ("own:AI-7", "soc2:CC6.2"), "a\nb")
    assert kept.frameworks == ("soc2",)
    assert differences(kept, checked(content(title="MFA"))) == ("scope", "controls")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", " "),
        ("title", "two\nlines"),
        ("title", "x" * 201),
        ("policy", "pol_1"),
        ("scope", " "),
        ("reason", "a\0b"),
        ("residual_risk", ""),
        ("residual_risk", "x" * 8_001),
        ("risk_level", "huge"),
        ("zone", "Europe/Nowhere"),
        ("zone", "../../etc/passwd"),
        ("expires_on", date(1900, 1, 1)),
        ("owner", "key:ak_1"),
        ("assets", ("ast_1",)),
        ("evidence", ("x",)),
        ("controls", tuple(f"soc2:CC{number}" for number in range(65))),
    ],
)
def test_what_an_exception_cannot_say_names_the_field(field: str, value: object) -> None:
    with pytest.raises(Malformed) as found:
        checked(content(**{field: value}))
    assert found.value.where == field


def test_a_first_day_after_the_last_one_is_refused() -> None:
    with pytest.raises(Malformed) as found:
        checked(content(starts_on=date(2028, 3, 1)))
    assert found.value.where == "expires_on"
