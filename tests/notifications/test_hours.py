"""Quiet hours and digests by the clock on somebody's wall, with its changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.core.errors import Malformed, Refused
from muniment.server.notifications.events import AT_ONCE, DAILY, EVENTS, OFF, WEEKLY
from muniment.server.notifications.hours import in_quiet, next_at, quiet_until
from muniment.server.notifications.routing import Choice, Hours, Routing, in_force, mail_at

ZONES = ("UTC", "Europe/Warsaw", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia")
# Around a change of the clock in each of them.
MOMENTS = st.sampled_from(
    [
        datetime(2026, 3, 28, tzinfo=UTC),
        datetime(2026, 10, 24, tzinfo=UTC),
        datetime(2026, 3, 7, tzinfo=UTC),
        datetime(2026, 10, 31, tzinfo=UTC),
        datetime(2026, 4, 4, tzinfo=UTC),
        datetime(2026, 10, 3, tzinfo=UTC),
        datetime(2011, 12, 29, tzinfo=UTC),
        datetime(2028, 2, 28, tzinfo=UTC),
    ]
).flatmap(lambda day: st.integers(0, 3 * 1440).map(lambda minutes: day + timedelta(minutes=minutes)))
MINUTE = st.integers(0, 95).map(lambda quarter: quarter * 15)


@given(MOMENTS, st.sampled_from(ZONES), MINUTE, MINUTE)
def test_quiet_hours_end_at_the_first_moment_that_is_not_quiet(at: datetime, zone: str, start: int, end: int) -> None:
    clock = ZoneInfo(zone)
    until = quiet_until(at, clock, start, end)
    assert until >= at
    assert not in_quiet(until, clock, start, end)
    step = at
    while step < until:
        assert in_quiet(step, clock, start, end)
        step += timedelta(minutes=1)


@given(MOMENTS, st.sampled_from(ZONES), st.integers(0, 23))
def test_a_daily_digest_goes_out_once_each_day_of_the_zone(after: datetime, zone: str, hour: int) -> None:
    clock = ZoneInfo(zone)
    days = []
    at = after
    for _ in range(4):
        at = next_at(at, clock, hour * 60)
        days.append(at.astimezone(clock))
    assert all(one < two for one, two in pairwise(days))
    # A change may leave the hour out, or (Apia, 2011) a whole day: then it is the moment of the change.
    assert all(day.hour >= hour or day.hour == 0 for day in days)
    assert len({day.date() for day in days}) >= 4 - (zone == "Pacific/Apia")


@pytest.mark.parametrize(
    ("after", "minute", "expected"),
    [
        # Put forward from 02:00 to 03:00: 02:30 is left out.
        ("2026-03-28T12:00", 150, "2026-03-29T01:00:00+00:00"),
        # Put back from 03:00 to 02:00: 02:30 comes twice, the digest goes out the first time.
        ("2026-10-24T12:00", 150, "2026-10-25T00:30:00+00:00"),
        ("2026-10-25T00:30", 150, "2026-10-26T01:30:00+00:00"),
        ("2028-02-28T12:00", 480, "2028-02-29T07:00:00+00:00"),
    ],
)
def test_a_change_of_the_clock_neither_skips_a_digest_nor_sends_it_twice(
    after: str, minute: int, expected: str
) -> None:
    found = next_at(datetime.fromisoformat(after).replace(tzinfo=UTC), ZoneInfo("Europe/Warsaw"), minute)
    assert found.isoformat() == expected


def test_the_weekly_digest_goes_out_on_its_day() -> None:
    hours = Hours("Europe/Warsaw", digest_hour=9, digest_day=4)
    at = mail_at(hours, WEEKLY, datetime(2026, 1, 9, 8, 0, tzinfo=UTC))
    assert at is not None
    assert at.isoformat() == "2026-01-16T08:00:00+00:00"
    assert at.weekday() == 4


def test_a_digest_waits_for_the_end_of_quiet_hours_too() -> None:
    hours = Hours("UTC", digest_hour=6, quiet_from=22 * 60, quiet_to=7 * 60)
    assert mail_at(hours, DAILY, datetime(2026, 1, 9, 8, 0, tzinfo=UTC)) == datetime(2026, 1, 10, 7, 0, tzinfo=UTC)
    assert mail_at(hours, AT_ONCE, datetime(2026, 1, 9, 8, 0, tzinfo=UTC)) == datetime(2026, 1, 9, 8, 0, tzinfo=UTC)
    assert mail_at(hours, OFF, datetime(2026, 1, 9, 8, 0, tzinfo=UTC)) is None


def test_a_person_goes_before_the_tenant_and_the_tenant_before_what_comes_with_the_event() -> None:
    default = Routing(Hours("Europe/Warsaw"), {"task.assigned": Choice(True, WEEKLY)})
    own = Routing(Hours("Asia/Kolkata"), {"comment.mention": Choice(False, OFF)})
    assert in_force(Routing(), None).choices["task.assigned"] == Choice(True, DAILY)
    assert in_force(default, None).choices["task.assigned"] == Choice(True, WEEKLY)
    held = in_force(default, own)
    assert (held.hours.zone, held.choices["comment.mention"]) == ("Asia/Kolkata", Choice(False, OFF))
    assert held.choices["task.assigned"] == Choice(True, WEEKLY)
    assert set(held.choices) == set(EVENTS)


@pytest.mark.parametrize("code", [code for code, event in EVENTS.items() if event.always_shown])
def test_what_asks_somebody_to_do_something_cannot_be_switched_off_in_the_application(code: str) -> None:
    with pytest.raises(Refused) as refused:
        Routing(choices={code: Choice(False, AT_ONCE)})
    assert refused.value.where == f"{code}.in_app"


@pytest.mark.parametrize(
    ("given_hours", "field"),
    [
        ({"zone": "Europe/Nowhere"}, "zone"),
        ({"zone": ""}, "zone"),
        ({"zone": "../../etc/passwd"}, "zone"),
        ({"digest_hour": 24}, "digest_hour"),
        ({"digest_day": 7}, "digest_day"),
        ({"quiet_from": 60}, "quiet_to"),
        ({"quiet_to": 0}, "quiet_from"),
        ({"quiet_from": 60, "quiet_to": 60}, "quiet_to"),
        ({"quiet_from": 60, "quiet_to": 1440}, "quiet_to"),
    ],
)
def test_hours_that_cannot_be_name_their_field(given_hours: dict[str, object], field: str) -> None:
    with pytest.raises(Malformed) as refused:
        Hours(**given_hours)  # type: ignore[arg-type]
    assert refused.value.where == field


def test_a_way_or_an_event_that_there_is_not_is_named() -> None:
    with pytest.raises(Malformed) as way:
        Routing(choices={"comment.mention": Choice(True, "hourly")})
    with pytest.raises(Malformed) as event:
        Routing(choices={"comment.unheard": Choice(True, OFF)})
    assert (way.value.where, event.value.where) == ("comment.mention.mail", "event")
