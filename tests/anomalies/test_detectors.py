"""What each detector finds, and what it lets pass."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from muniment.anomalies.localtime import wall
from muniment.anomalies.memory import Memory
from muniment.anomalies.watched import Watched
from muniment.core.errors import Malformed
from tests.anomalies.events import ANNA, BEN, CARL, Story, kinds


@pytest.fixture(scope="module")
def known() -> Story:
    """Eight quiet weeks."""
    story = Story()
    story.weeks_at_work(8)
    assert story.found == []
    return story


@pytest.fixture
def story(known: Story) -> Story:
    """The Monday after eight quiet weeks: a memory of its own with the same content."""

    class Copied(Memory):
        def kept(self, name: str) -> dict[str, object]:
            return rows.get(name, {})

    known.memory._changed.update(known.memory._parts)
    rows = dict(known.memory.taken())
    return Story(known.watched, Copied(), known.seq)


MONDAY = 56


def test_approvals_that_pile_up_are_found_with_their_numbers_and_their_entries(story: Story) -> None:
    for number in range(17):
        story.tell(story.at(MONDAY, 14 + number * 0.05), "exception.approve", ANNA, f"exc_x{number}")
    (found,) = story.found
    assert (found.detector, found.about) == ("approval-spike", (ANNA,))
    assert found.numbers["count"] == found.numbers["bound"]
    assert len(found.entries) == found.numbers["count"]
    assert "between 14:00 and 14:" in found.sentence
    assert f"an alert is raised from {found.numbers['bound']} on" in found.sentence
    assert "Monday 30 March 2026 (Europe/Warsaw)" in found.sentence


def test_an_hour_is_any_sixty_minutes_and_not_one_of_the_clock(story: Story) -> None:
    for number in range(14):
        story.tell(story.at(MONDAY, 13.6 + number * 0.055), "exception.approve", ANNA, f"exc_x{number}")
    assert kinds(story.found) == [("approval-spike", "tenant-hour")]


def test_what_is_spread_over_the_day_is_found_by_the_day(story: Story) -> None:
    for number in range(30):
        story.tell(story.at(MONDAY, 8.5 + number * 0.29), "member.remove", BEN)
    assert [one.pattern.endswith("-day") for one in story.found] == [True]
    assert story.found[0].detector == "mass-delete"


def test_what_the_server_does_by_itself_is_no_mass_delete(story: Story) -> None:
    for number in range(100):
        story.tell(story.at(MONDAY, 12 + number / 1000), "exception.revoke", "system:server", f"exc_{number}")
    assert story.found == []


def test_refusals_are_no_approvals(story: Story) -> None:
    for number in range(40):
        story.tell(story.at(MONDAY, 12 + number / 100), "exception.approve", ANNA, f"exc_{number}", "denied")
    assert story.found == []


def test_an_alert_is_raised_once_for_its_day_and_again_on_the_next(story: Story) -> None:
    for day in (MONDAY, MONDAY + 1):
        for number in range(60):
            story.tell(story.at(day, 10 + number * 0.02), "exception.approve", ANNA, f"exc_{day}_{number}")
    assert len(story.found) == 2


def test_an_incident_teaches_nothing_until_it_is_acknowledged_as_expected(story: Story) -> None:
    bounds = []
    for week in range(4):
        day = MONDAY + 7 * week
        before = len(story.found)
        for number in range(60):
            story.tell(story.at(day, 10 + number * 0.014), "exception.approve", ANNA, f"exc_{day}_{number}")
        bounds += [found.numbers["bound"] for found in story.found[before:]]
        if week >= 2 and story.found[before:]:
            raised = story.found[-1].numbers
            facts = {name: str(raised[name]) for name in ("deed", "who", "day")}
            story.tell(
                story.at(day, 18), "alert.acknowledge", BEN, verdict="expected", detector="approval-spike", **facts
            )
    assert len(bounds) >= 3
    # Held back: the second and the third time are no less odd than the first.
    assert max(bounds[:3]) <= 2 * min(bounds[:3])


def test_what_was_expected_is_no_news_the_third_time(story: Story) -> None:
    for week in range(3):
        day = MONDAY + 7 * week
        for number in range(20):
            story.tell(story.at(day, 10 + number * 0.04), "exception.approve", ANNA, f"exc_{day}_{number}")
        for found in story.found:
            facts = {name: str(found.numbers[name]) for name in ("deed", "who", "day")}
            story.tell(
                story.at(day, 18), "alert.acknowledge", BEN, verdict="expected", detector=found.detector, **facts
            )
    assert len(story.found) < 3


def test_an_approval_in_the_night_says_which_hours_are_usual(story: Story) -> None:
    story.tell(story.at(MONDAY, 27.2), "exception.approve", ANNA, "exc_x")
    (found,) = story.found
    assert (found.detector, found.pattern, found.about) == ("off-hours", "own-hours", (ANNA,))
    assert "An approval at 03:12 on Tuesday 31 March 2026" in found.sentence
    assert "active between 09:00 and 17:00" in found.sentence


def test_a_sign_in_has_to_be_further_off_than_an_approval(story: Story) -> None:
    assert story.tell(story.at(MONDAY, 20), "user.login", ANNA) == []
    assert kinds(story.tell(story.at(MONDAY, 20.1), "exception.approve", ANNA, "exc_x")) == [("off-hours", "own-hours")]
    assert kinds(story.tell(story.at(MONDAY, 26), "user.login", BEN)) == [("off-hours", "own-hours")]


def test_a_day_off_is_odd_for_approvals_and_not_for_signing_in(story: Story) -> None:
    assert story.tell(story.at(MONDAY + 5, 11), "user.login", ANNA) == []
    (found,) = story.tell(story.at(MONDAY + 5, 11.2), "exception.approve", ANNA, "exc_x")
    assert found.detector == "off-hours"
    assert "on 0 of 8 such days of the week" in found.sentence


def test_failed_sign_ins_teach_nobodys_hours(story: Story) -> None:
    for day in range(MONDAY, MONDAY + 28):
        story.tell(story.at(day, 3), "user.login", ANNA, "", "failure")
    assert kinds(story.tell(story.at(MONDAY + 28, 3.2), "exception.approve", ANNA, "exc_x")) == [
        ("off-hours", "own-hours")
    ]


def test_hours_keep_their_place_on_the_wall_when_clocks_change(story: Story) -> None:
    """On 29 March 2026 clocks in Warsaw went forward, the day before this Monday: nine o'clock is nine o'clock."""
    before, after = story.at(MONDAY - 3, 9), story.at(MONDAY, 9)
    assert after - before == timedelta(days=3, hours=-1)
    story.weeks_at_work(2, first=MONDAY)
    assert story.found == []


@pytest.mark.parametrize(("zone", "day"), [("Europe/Warsaw", (2026, 10, 25)), ("America/New_York", (2026, 11, 1))])
def test_the_hour_that_comes_twice_is_one_hour_of_the_week_and_two_of_time(
    zone: str, day: tuple[int, int, int]
) -> None:
    first = datetime(*day, 1 if zone.startswith("A") else 2, 30, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    one, other = wall(first, ZoneInfo(zone)), wall(first + timedelta(hours=1), ZoneInfo(zone))
    assert (one.day, one.hour) == (other.day, other.hour)
    assert other.stamp - one.stamp == 3600


def test_forty_wrong_passwords_are_found_for_one_account_and_for_names_that_nobody_has() -> None:
    for who in (ANNA, "system:visitor"):
        story = Story()
        story.weeks_at_work(4)
        for number in range(40):
            story.tell(story.at(28, 15 + number / 100), "user.login", who, "", "failure")
        (found,) = story.found
        assert found.detector == "login-surge"
        assert found.about == ((ANNA,) if who == ANNA else ())


def test_in_the_first_days_fixed_bounds_hold_and_the_alert_says_so() -> None:
    story = Story()
    for number in range(14):
        assert story.tell(story.at(0, 10 + number / 100), "exception.approve", ANNA, f"exc_{number}") == []
    (found,) = story.tell(story.at(0, 10.2), "exception.approve", ANNA, "exc_x")
    assert not found.learned
    assert "This log has been watched for 0 days; until 14 are known, a fixed bound holds" in found.sentence


def test_in_the_first_days_nobodys_sign_in_is_off_hours() -> None:
    story = Story()
    assert story.tell(story.at(0, 3), "user.login", ANNA) == []
    assert kinds(story.tell(story.at(0, 3.1), "key.revoke", ANNA)) == [("off-hours", "night")]


def test_somebody_new_is_measured_by_what_others_do(story: Story) -> None:
    for number in range(12):
        story.tell(story.at(MONDAY, 13 + number / 40), "exception.approve", "user:usr_new", f"exc_n{number}")
    assert [one.learned for one in story.found] == [True]


def test_two_who_decide_for_each_other_alone_are_found_once(story: Story) -> None:
    others = [f"user:usr_{letter}" for letter in "defghij"]
    for number in range(48):
        day = MONDAY + number // 4 // 5 * 7 + number // 4 % 5
        if number % 4 == 0:
            by, approver = (ANNA, BEN) if number % 8 else (BEN, ANNA)
        else:
            by, approver = others[number % 7], others[(number + 1 + number // 7 % 5) % 7]
        story.tell(story.at(day, 10 + number % 4), "exception.submit", by, f"exc_q{number}")
        story.tell(story.at(day, 14 + number % 4 / 4), "exception.approve", approver, f"exc_q{number}")
    (found,) = [one for one in story.found if one.detector == "self-dealing"]
    assert (found.pattern, found.about) == ("each-other", (ANNA, BEN))
    assert "requests of everybody else they decided 0 and 0;" in found.sentence


def test_two_who_decide_for_each_other_and_for_everybody_else_are_not_found(story: Story) -> None:
    for number in range(40):
        day = MONDAY + number // 4 // 5 * 7 + number // 4 % 5
        by, approver = ((ANNA, BEN), (BEN, ANNA), (CARL, ANNA), ("user:usr_d", BEN))[number % 4]
        story.tell(story.at(day, 10 + number % 4), "exception.submit", by, f"exc_p{number}")
        story.tell(story.at(day, 14 + number % 4 / 4), "exception.approve", approver, f"exc_p{number}")
    assert story.found == []


def decided(story: Story, by: str, approver: str, subject: str, *, after: float = 3.0, **facts: str) -> None:
    story.tell(story.at(MONDAY, 10), "exception.submit", by, subject)
    story.tell(story.at(MONDAY, 10 + after), "exception.approve", approver, subject, **facts)


def test_a_delegate_of_the_requester_who_approves_is_found(story: Story) -> None:
    story.tell(story.at(MONDAY, 9), "delegation.change", ANNA, "dlg_1", person=ANNA, delegate=BEN)
    decided(story, ANNA, BEN, "exc_1")
    decided(story, CARL, BEN, "exc_2")
    assert kinds(story.found) == [("self-dealing", "requesters-delegate")]
    assert story.found[0].about == (ANNA, BEN)


def test_a_delegate_of_the_first_approver_who_gives_the_second_approval_is_found(story: Story) -> None:
    story.tell(story.at(MONDAY, 9), "delegation.change", CARL, "dlg_1", person=CARL, delegate=BEN)
    decided(story, ANNA, CARL, "exc_1")
    story.tell(story.at(MONDAY, 14), "exception.approve", BEN, "exc_1")
    assert kinds(story.found) == [("self-dealing", "approvers-delegate")]


def test_a_delegation_that_is_over_or_to_come_or_was_taken_back_is_none(story: Story) -> None:
    over, to_come = {"first.day": "2026-03-01", "last.day": "2026-03-10"}, {"first.day": "2026-05-01"}
    story.tell(story.at(MONDAY - 30, 9), "delegation.change", ANNA, "d", person=ANNA, delegate=BEN, step="made", **over)
    story.tell(story.at(MONDAY, 9), "delegation.change", CARL, "d2", person=CARL, delegate=BEN, step="made")
    story.tell(story.at(MONDAY, 9.1), "delegation.change", CARL, "d2", person=CARL, delegate=BEN, step="revoked")
    story.tell(story.at(MONDAY, 9.2), "delegation.change", ANNA, "d3", person=ANNA, delegate=CARL, **to_come)
    story.tell(story.at(MONDAY, 9.3), "delegation.change", ANNA, "d4", person=ANNA, delegate="none", step="made")
    decided(story, ANNA, BEN, "exc_1")
    decided(story, CARL, BEN, "exc_2")
    decided(story, ANNA, CARL, "exc_3")
    assert story.found == []


def test_a_requester_who_changed_the_rules_shortly_before_is_found(story: Story) -> None:
    story.tell(story.at(MONDAY - 20, 9), "workflow.change", BEN, "wfv_1")
    story.tell(story.at(MONDAY, 8), "workflow.change", ANNA, "wfv_2")
    decided(story, ANNA, CARL, "exc_1")
    decided(story, BEN, CARL, "exc_2")
    assert kinds(story.found) == [("self-dealing", "changed-rules")]
    assert "2.0 hours before asking" in story.found[0].sentence
    assert len(story.found[0].entries) == 3


def test_rules_that_were_changed_after_asking_do_not_bear_on_the_case(story: Story) -> None:
    story.tell(story.at(MONDAY, 10), "exception.submit", ANNA, "exc_1")
    story.tell(story.at(MONDAY, 11), "workflow.change", ANNA, "wfv_2")
    story.tell(story.at(MONDAY, 13), "exception.approve", CARL, "exc_1")
    assert story.found == []


def test_an_approval_seconds_after_the_request_is_found_once_a_day(story: Story) -> None:
    for number in range(3):
        decided(story, ANNA, BEN, f"exc_{number}", after=4 / 3600)
    assert kinds(story.found) == [("self-dealing", "haste")]
    assert "4 seconds after it was asked for" in story.found[0].sentence
    decided(story, ANNA, CARL, "exc_slow", after=0.05)
    assert len(story.found) == 1


def test_a_request_by_a_program_that_the_approver_made_is_found(story: Story) -> None:
    story.tell(story.at(MONDAY - 7, 9), "key.create", BEN, "ak_1")
    decided(story, "key:ak_1", ANNA, "exc_1")
    decided(story, "key:ak_1", BEN, "exc_2")
    assert kinds(story.found) == [("self-dealing", "own-program")]
    assert story.found[0].about == (BEN,)


def test_what_is_off_raises_nothing_and_is_still_learned() -> None:
    off = Watched("Europe/Warsaw", dict.fromkeys(("approval-spike", "off-hours", "self-dealing"), "off"))  # type: ignore[arg-type]
    story = Story(off)
    story.weeks_at_work(5)
    for number in range(60):
        story.tell(story.at(35, 27 + number / 200), "exception.approve", ANNA, f"exc_{number}")
    assert story.found == []
    assert "hours user:usr_anna" in dict(story.memory.taken())


def test_settings_name_what_is_wrong_with_them() -> None:
    for zone, sensitivity, where in (
        ("Mars/Base", {}, "zone"),
        ("../etc/passwd", {}, "zone"),
        ("", {}, "zone"),
        ("UTC", {"mass-delete": "loud"}, "mass-delete"),
        ("UTC", {"moon": "low"}, "sensitivity"),
    ):
        with pytest.raises(Malformed) as error:
            Watched(zone, sensitivity)  # type: ignore[arg-type]
        assert error.value.where == where
