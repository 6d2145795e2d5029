"""Event ids rise, whatever the clock does."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.agent.eventids import EventIds
from muniment.core.identifiers import EVENT_IDS, ulid_bytes
from muniment.core.times import MAX_TIME9


@given(st.lists(st.integers(0, MAX_TIME9), min_size=1, max_size=50))
def test_ids_rise_strictly_and_carry_the_highest_time_so_far(times: list[int]) -> None:
    made = EventIds()
    ids = [made.next(now) for now in times]
    assert all(EVENT_IDS.check(identifier) for identifier in ids)
    assert ids == sorted(set(ids))
    highest = 0
    for identifier, now in zip(ids, times, strict=True):
        highest = max(highest, now // 1_000_000)
        assert int.from_bytes(ulid_bytes(identifier[4:])[:6], "big") == highest


def test_a_clock_that_stands_still_for_very_long_leaves_ids_rising(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "urandom", lambda size: b"\xff" * size)
    made = EventIds()
    last = made.next(0)
    for _ in range(2**19 + 10):
        identifier = made.next(0)
        assert identifier > last
        last = identifier
    assert EVENT_IDS.check(last)
    assert made.next(2_000_000) > last
