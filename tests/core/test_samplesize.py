"""Sample sizes for tests of attributes are those that auditors find in their tables."""

from fractions import Fraction

import pytest

from muniment.core.errors import Malformed, Refused
from muniment.core.samplesize import MOST, attribute_size, risk_of

# AICPA Audit Guide "Audit Sampling", appendix A, table A-1: confidence 95 %. Rows: expected rate in hundredths of a
# percent; columns: tolerable rate; items, and the deviations allowed among them.
TOLERABLE = (200, 300, 400, 500, 600, 700, 800, 900, 1000, 1500, 2000)
AT_95 = {
    0: ((149, 0), (99, 0), (74, 0), (59, 0), (49, 0), (42, 0), (36, 0), (32, 0), (29, 0), (19, 0), (14, 0)),
    25: ((236, 1), (157, 1), (117, 1), (93, 1), (78, 1), (66, 1), (58, 1), (51, 1), (46, 1), (30, 1), (22, 1)),
    100: (None, (257, 3), (156, 2), (93, 1), (78, 1), (66, 1), (58, 1), (51, 1), (46, 1), (30, 1), (22, 1)),
    150: (None, None, (192, 3), (124, 2), (103, 2), (66, 1), (58, 1), (51, 1), (46, 1), (30, 1), (22, 1)),
    200: (None, None, None, (181, 4), (127, 3), (88, 2), (77, 2), (68, 2), (46, 1), (30, 1), (22, 1)),
}


@pytest.mark.parametrize("expected", AT_95)
def test_binomial_sizes_are_those_of_the_published_table_for_95_percent(expected: int) -> None:
    for tolerable, known in zip(TOLERABLE, AT_95[expected], strict=True):
        if known is not None:
            found = attribute_size(confidence=9_500, tolerable=tolerable, expected=expected)
            assert (found.size, found.allowed) == known, tolerable


@pytest.mark.parametrize(
    ("tolerable", "expected", "known"),
    [(500, 0, (45, 0)), (500, 100, (77, 1)), (1000, 0, (22, 0)), (1000, 100, (38, 1)), (200, 0, (114, 0))],
)
def test_binomial_sizes_are_those_of_the_published_table_for_90_percent(
    tolerable: int, expected: int, known: tuple[int, int]
) -> None:
    found = attribute_size(confidence=9_000, tolerable=tolerable, expected=expected)
    assert (found.size, found.allowed) == known


@pytest.mark.parametrize(("population", "size"), [(500, 87), (1_000, 90), (2_000, 92), (5_000, 93), (100_000, 93)])
def test_a_smaller_population_needs_fewer_items(population: int, size: int) -> None:
    found = attribute_size(confidence=9_500, tolerable=500, expected=100, population=population)
    assert (found.size, found.allowed) == (size, 1)


@pytest.mark.parametrize("population", [None, 40, 300, 3_000])
def test_a_size_is_enough_and_one_less_is_not(population: int | None) -> None:
    for confidence, tolerable, expected in ((9_000, 500, 0), (9_500, 700, 150), (9_900, 1_000, 100)):
        found = attribute_size(confidence=confidence, tolerable=tolerable, expected=expected, population=population)
        if found.everything:
            continue
        risk = Fraction(10_000 - confidence, 10_000)
        assert risk_of(found.size, found.allowed, tolerable, population) <= risk
        assert risk_of(found.size - 1, found.allowed, tolerable, population) > risk


def test_a_population_too_small_to_be_sampled_is_examined_whole() -> None:
    found = attribute_size(confidence=9_500, tolerable=1_000, expected=500, population=10)
    assert (found.size, found.everything, found.allowed) == (10, True, 0)


def test_rates_too_close_to_each_other_are_refused_with_a_clear_word() -> None:
    with pytest.raises(Refused, match=f"more than {MOST:,} items"):
        attribute_size(confidence=9_500, tolerable=200, expected=195)


@pytest.mark.parametrize(
    ("named", "rates"),
    [
        ("confidence", {"confidence": 4_999, "tolerable": 500}),
        ("confidence", {"confidence": 10_000, "tolerable": 500}),
        ("tolerable", {"confidence": 9_500, "tolerable": 0}),
        ("expected", {"confidence": 9_500, "tolerable": 500, "expected": 500}),
        ("population", {"confidence": 9_500, "tolerable": 500, "population": 0}),
    ],
)
def test_a_rate_out_of_range_is_named(named: str, rates: dict[str, int]) -> None:
    with pytest.raises(Malformed) as refused:
        attribute_size(**rates)
    assert refused.value.where == named
