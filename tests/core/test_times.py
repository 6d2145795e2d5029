import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.core.times import (
    MAX_TIME6,
    MAX_TIME9,
    MalformedTime,
    format_time6,
    format_time9,
    parse_time6,
    parse_time9,
)


@given(st.integers(0, MAX_TIME9))
def test_nanoseconds_survive_writing_and_reading(ns: int) -> None:
    assert parse_time9(format_time9(ns)) == ns


@given(st.integers(0, MAX_TIME6))
def test_microseconds_agree_with_the_standard_library(us: int) -> None:
    moment = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(microseconds=us)
    assert format_time6(us) == moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert parse_time6(format_time6(us)) == us


@given(st.integers(0, MAX_TIME9), st.integers(0, MAX_TIME9))
def test_texts_sort_as_the_times_do(one: int, other: int) -> None:
    assert (format_time9(one) < format_time9(other)) == (one < other)


def test_the_range_ends_with_2261() -> None:
    assert format_time9(MAX_TIME9) == "2261-12-31T23:59:59.999999999Z"
    assert format_time6(MAX_TIME6) == "2261-12-31T23:59:59.999999Z"
    for beyond in (-1, MAX_TIME9 + 1):
        with pytest.raises(MalformedTime):
            format_time9(beyond)
    for beyond in (-1, MAX_TIME6 + 1):
        with pytest.raises(MalformedTime):
            format_time6(beyond)


@pytest.mark.parametrize(
    "date",
    ["2026-02-29", "2100-02-29", "2026-04-31", "2026-13-01", "2026-00-10", "2026-01-00", "2026-01-32", "1969-12-31",
     "2262-01-01", "9999-12-31", "0000-01-01", "２０２６-01-01", "2026-1-01", "20260-1-01"],
)  # fmt: skip
def test_days_that_are_none_are_refused(date: str) -> None:
    for parse, rest in ((parse_time9, "T00:00:00.000000000Z"), (parse_time6, "T00:00:00.000000Z")):
        with pytest.raises(MalformedTime):
            parse(date + rest)


@pytest.mark.parametrize(
    "clock",
    ["T24:00:00.000000Z", "T23:60:00.000000Z", "T23:59:60.000000Z", " 00:00:00.000000Z", "t00:00:00.000000z",
     "T00:00:00.00000Z", "T00:00:00.0000000Z", "T00:00:00Z", "T00:00:00.000000+00:00", "T00:00:00.000000Z\n",
     "T00:00:00,000000Z", "T00:00:00.00_000Z", "T00:00:00.-00000Z"],
)  # fmt: skip
def test_clocks_of_another_shape_are_refused(clock: str) -> None:
    with pytest.raises(MalformedTime):
        parse_time6("2026-01-01" + clock)


@given(st.text(max_size=32))
def test_any_text_is_a_time_or_malformed(text: str) -> None:
    with pytest.raises(MalformedTime):
        parse_time6(text)
