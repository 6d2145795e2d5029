"""Token buckets."""

from hypothesis import given
from hypothesis import strategies as st

from muniment.server.ratelimit import RateLimit


def test_a_burst_passes_and_then_one_for_each_interval() -> None:
    limit = RateLimit(per_second=2, burst=3)
    assert [limit.take("a", 0.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert limit.take("a", 0.0) == 0.5
    assert limit.take("a", 0.5) == 0.0
    assert limit.take("a", 0.5) > 0


def test_one_name_takes_nothing_from_another() -> None:
    limit = RateLimit(per_second=1, burst=1)
    assert limit.take("a", 0.0) == 0.0
    assert limit.take("a", 0.0) > 0
    assert limit.take("b", 0.0) == 0.0


def test_however_many_names_come_only_so_many_are_kept() -> None:
    limit = RateLimit(per_second=0.001, burst=1, names=100)
    for at in range(10_000):
        assert limit.take(str(at), 0.0) == 0.0
    assert limit.kept == 100


@given(st.lists(st.floats(0, 10), min_size=1, max_size=50))
def test_never_more_pass_than_burst_and_refill_allow(waits: list[float]) -> None:
    limit, now, passed = RateLimit(per_second=1, burst=5), 0.0, 0
    for wait in waits:
        now += wait
        passed += limit.take("a", now) == 0.0
    assert passed <= 5 + now + 1e-6
