"""Which reminder is due on which day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.server.reminders.workflow import OVERDUE_AFTER, Times, attestation, escalation, expiring

DAYS = (90, 60, 30)


def times(expires_on: date, zone: str = "UTC", since: datetime | None = None) -> Times:
    return Times(zone, expires_on, since or datetime(2026, 1, 1, tzinfo=UTC))


@given(st.sets(st.integers(0, 400), min_size=1, max_size=8), st.lists(st.integers(1, 60), max_size=60))
def test_looking_now_and_then_finds_each_mark_at_most_once_and_none_too_early(
    days: set[int], pauses: list[int]
) -> None:
    end, at, seen = date(2027, 3, 1), datetime(2026, 1, 1, 12, tzinfo=UTC), list[str]()
    for pause in [0, *pauses]:
        at += timedelta(days=pause)
        due = expiring(times(end), tuple(days), at)
        left = (end - at.date()).days
        if due is None:
            assert left < 0 or left > max(days)
            continue
        mark = int(due.mark.partition(":")[2])
        assert due.days == left
        assert left <= mark
        assert not any(left <= other < mark for other in days)
        seen.append(due.mark)
    # The same mark stands until the next one is reached: no mark comes back once it was left.
    assert [int(one[9:]) for one in seen] == sorted((int(one[9:]) for one in seen), reverse=True)


@pytest.mark.parametrize(
    ("left", "mark"), [(91, None), (90, 90), (61, 90), (60, 60), (31, 60), (30, 30), (0, 30), (-1, None)]
)
def test_of_the_marks_that_were_passed_the_nearest_is_due(left: int, mark: int | None) -> None:
    end = date(2026, 12, 31)
    due = expiring(times(end), DAYS, datetime(2026, 12, 31, 12, tzinfo=UTC) - timedelta(days=left))
    assert (due and due.mark) == (mark and f"expiring:{mark}")


def test_days_are_those_of_the_zone_of_the_exception() -> None:
    end = date(2026, 7, 31)
    # Half past ten in the evening of 30 June in UTC is 1 July in Auckland.
    at = datetime(2026, 6, 30, 22, 30, tzinfo=UTC)
    auckland, utc = expiring(times(end, "Pacific/Auckland"), DAYS, at), expiring(times(end), DAYS, at)
    assert auckland is not None
    assert utc is not None
    assert (auckland.mark, auckland.days, utc.mark, utc.days) == ("expiring:30", 30, "expiring:60", 31)


def test_an_exception_that_ends_on_a_leap_day_is_reminded_of_thirty_days_before_it() -> None:
    end = date(2028, 2, 29)
    due = expiring(times(end), DAYS, datetime(2028, 1, 30, 1, tzinfo=UTC))
    assert due is not None
    assert (due.mark, due.days) == ("expiring:30", 30)


def test_an_attestation_is_due_then_overdue_and_not_asked_for_past_the_end() -> None:
    since = datetime(2026, 1, 1, 12, tzinfo=UTC)
    known = times(date(2026, 12, 31), since=since)
    assert attestation(known, 180, since + timedelta(days=179)) is None
    due = attestation(known, 180, since + timedelta(days=180))
    over = attestation(known, 180, since + timedelta(days=180 + OVERDUE_AFTER))
    assert due is not None
    assert over is not None
    assert (due.mark, over.mark) == ("attest:2026-06-30", "attest-overdue:2026-06-30")
    assert attestation(times(date(2026, 6, 1), since=since), 180, since + timedelta(days=181)) is None


def test_an_attestation_that_was_given_is_asked_for_again_at_another_mark() -> None:
    since = datetime(2026, 1, 1, 12, tzinfo=UTC)
    given = times(date(2026, 12, 31), since=since + timedelta(days=20))
    assert attestation(given, 180, since + timedelta(days=181)) is None
    again = attestation(given, 180, since + timedelta(days=200))
    assert again is not None
    assert again.mark == "attest:2026-07-20"


def test_a_decision_is_overdue_once_for_each_submission_and_level() -> None:
    since = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert escalation(since, 1, 1, 7, since + timedelta(days=7) - timedelta(seconds=1)) is None
    found = escalation(since, 2, 1, 7, since + timedelta(days=30))
    assert found is not None
    assert (found.mark, found.days) == ("escalate:2:1", 30)
