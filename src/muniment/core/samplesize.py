"""How many items a test of attributes needs: exact, from the binomial or the hypergeometric distribution.

The question behind it: if as much as the tolerable share of the population deviated, how likely would a sample of this
size show no more deviations than expected? That risk is held below 1 - confidence. All rates are integers in
hundredths of a percent, so that nothing depends on how a machine rounds.

Source: AICPA Audit Guide "Audit Sampling", appendix A (statistical sample sizes for tests of controls); the binomial
sizes here equal its tables, which `tests/core/test_samplesize.py` holds.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import comb, exp, lgamma, log
from typing import Final

from muniment.core.errors import Malformed, Refused

WHOLE: Final = 10_000
"""One, in hundredths of a percent."""
MOST: Final = 5_000
"""Items beyond which the size is refused: with such rates a sample is no saving."""
LARGE: Final = 5_000
"""Items from which on a population counts as very large; the size is then a little larger than it had to be."""


@dataclass(frozen=True, slots=True)
class AttributeSize:
    """The size of a sample for a test of attributes.

    Attributes:
        size: items to examine.
        allowed: deviations among them up to which the conclusion "fewer than tolerable" holds at the confidence.
        basis: the distribution; hypergeometric for a population below `LARGE`, binomial otherwise.
        everything: no smaller sample than the whole population is enough; `allowed` is what it may hold.
    """

    size: int
    allowed: int
    basis: str
    everything: bool = False


def attribute_size(
    *, confidence: int, tolerable: int, expected: int = 0, population: int | None = None
) -> AttributeSize:
    """The smallest sample with which the share of deviations can be held below what is tolerable.

    The number of deviations allowed is `expected` of the sample, rounded up.

    Args:
        confidence: hundredths of a percent, 5,000 to 9,990; 9,500 leaves a risk of 5 %.
        tolerable: the share of deviations at which the control would not be relied upon; 1 to 5,000.
        expected: the share that is expected; below `tolerable`.
        population: items in the population; None for a very large one.

    Raises:
        Malformed: for a rate out of range.
        Refused: if more than `MOST` items would be needed.

    >>> attribute_size(confidence=9500, tolerable=500)
    AttributeSize(size=59, allowed=0, basis='binomial', everything=False)
    >>> attribute_size(confidence=9500, tolerable=500, expected=100, population=500).size
    87
    """
    _check(confidence, tolerable, expected, population)
    risk = Fraction(WHOLE - confidence, WHOLE)
    if population is not None and population >= LARGE:
        population = None
    most = MOST if population is None else min(MOST, population)
    allowed = 0
    while True:
        size = _smallest(allowed, risk, tolerable, population, most)
        if size is None:
            break
        wanted = -(-expected * size // WHOLE)
        if wanted <= allowed:
            return AttributeSize(size, allowed, "binomial" if population is None else "hypergeometric")
        allowed = wanted
    if population is not None and population <= MOST:
        return AttributeSize(population, (tolerable * population - 1) // WHOLE, "hypergeometric", everything=True)
    raise Refused(
        f"more than {MOST:,} items would be needed; raise the tolerable rate or lower the expected one", "tolerable"
    )


def risk_of(size: int, allowed: int, tolerable: int, population: int | None = None) -> Fraction:
    """How likely a sample shows at most `allowed` deviations when the tolerable share of the population deviates.

    Args:
        size: items in the sample.
        allowed: deviations among them.
        tolerable: hundredths of a percent.
        population: items in the population; None for a very large one.
    """
    if population is None:
        share = Fraction(tolerable, WHOLE)
        bad, whole = share.numerator, share.denominator
        ways = term = (whole - bad) ** size
        for one in range(min(allowed, size)):
            term = term * (size - one) * bad // ((one + 1) * (whole - bad))
            ways += term
        return Fraction(ways, whole**size)
    bad = _deviating(tolerable, population)
    ways = sum(comb(bad, one) * comb(population - bad, size - one) for one in range(min(allowed, size) + 1))
    return Fraction(ways, comb(population, size))


def _smallest(allowed: int, risk: Fraction, tolerable: int, population: int | None, most: int) -> int | None:
    """The smallest sample whose risk is at most `risk`; the risk only falls as the sample grows."""
    if most <= allowed or risk_of(most, allowed, tolerable, population) > risk:
        return None
    low, high = allowed, most
    while high - low > 1:
        middle = (low + high) // 2
        if _about(middle, allowed, tolerable, population) <= risk:
            high = middle
        else:
            low = middle
    # Floating point led here; whole numbers decide.
    while risk_of(high, allowed, tolerable, population) > risk:
        high += 1
    while high - 1 > allowed and risk_of(high - 1, allowed, tolerable, population) <= risk:
        high -= 1
    return high


def _about(size: int, allowed: int, tolerable: int, population: int | None) -> float:
    """`risk_of`, nearly."""

    def ways(of: int, some: int) -> float:
        return lgamma(of + 1) - lgamma(some + 1) - lgamma(of - some + 1)

    if population is None:
        bad, good = log(tolerable / WHOLE), log(1 - tolerable / WHOLE)
        return sum(exp(ways(size, one) + one * bad + (size - one) * good) for one in range(allowed + 1))
    deviating = _deviating(tolerable, population)
    sound, whole = population - deviating, ways(population, size)
    return sum(
        exp(ways(deviating, one) + ways(sound, size - one) - whole)
        for one in range(max(0, size - sound), min(allowed, size, deviating) + 1)
    )


def _deviating(tolerable: int, population: int) -> int:
    """The fewest deviations that reach the tolerable share."""
    return -(-tolerable * population // WHOLE)


def _check(confidence: int, tolerable: int, expected: int, population: int | None) -> None:
    if not 5_000 <= confidence <= 9_990:
        raise Malformed("lies between 50 % and 99.9 %", "confidence")
    if not 1 <= tolerable <= 5_000:
        raise Malformed("lies between 0.01 % and 50 %", "tolerable")
    if not 0 <= expected < tolerable:
        raise Malformed("lies below the tolerable rate, from 0 %", "expected")
    if population is not None and population < 1:
        raise Malformed("has at least one item", "population")
