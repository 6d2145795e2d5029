"""From which count on something is unusual."""

import math

from hypothesis import given
from hypothesis import strategies as st

from muniment.anomalies.tails import Expected, burst_of, expected, unusual_from, upper_tail


def test_without_bursts_and_with_much_known_the_tail_is_poissons() -> None:
    for mean in (0.3, 4.0, 40.0):
        for count in (1, 5, 60):
            below = sum(math.exp(-mean + k * math.log(mean) - math.lgamma(k + 1)) for k in range(count))
            assert math.isclose(upper_tail(count, Expected(mean, 1e9)), 1 - below, rel_tol=1e-3, abs_tol=1e-9)


@given(st.floats(0.001, 500), st.floats(0.1, 1e6), st.floats(1, 10), st.sampled_from([1e-3, 1e-5, 1e-7]))
def test_the_bound_is_the_first_count_whose_tail_is_small_enough(
    mean: float, weight: float, burst: float, tail: float
) -> None:
    known = Expected(mean, weight, burst)
    bound = unusual_from(known, tail)
    assert upper_tail(bound, known) <= tail
    assert bound - 1 <= mean or upper_tail(bound - 1, known) > tail


@given(st.lists(st.integers(0, 50), min_size=1, max_size=60), st.floats(0.01, 20))
def test_the_less_is_known_the_higher_the_bound(counts: list[int], general: float) -> None:
    known = expected(counts, general)
    vague = Expected(known.mean, known.weight / 4, known.burst)
    assert unusual_from(vague, 1e-5) >= unusual_from(known, 1e-5)


def test_one_odd_hour_of_a_dozen_moves_nothing() -> None:
    quiet = [1, 0, 2, 1, 0, 1, 1, 0, 2, 1, 0]
    assert expected([*quiet, 400], 1.0).mean == expected([*quiet, 2], 1.0).mean


def test_bursts_are_seen_in_the_variance() -> None:
    assert burst_of([[1, 1, 1, 1]]) == 1.0
    assert burst_of([[0, 0, 0, 12]]) > 5
    assert burst_of([[3, 1, 2]]) == 1.0
