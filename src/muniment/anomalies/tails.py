"""From which count on an hour or a day is unusual: the tail of a negative binomial distribution.

The rate is not known, it is learned from few observations. With a gamma distribution for what is known of it, the
counts of the next hour follow a negative binomial distribution, whose tail is the heavier the less was seen; that work
comes in bursts (its variance is a multiple of its mean) makes the tail heavier again. Without either it is Poisson's.

Source: A. Gelman et al., Bayesian Data Analysis, 3rd edition, section 2.6 (gamma-Poisson, posterior predictive);
P. McCullagh, J. A. Nelder, Generalized Linear Models, 2nd edition, section 6.2.3 (over-dispersion).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_LARGEST_SIZE: Final = 1e6
"""Beyond this, a negative binomial distribution is Poisson's to six digits."""
_PRIOR: Final = 1.0
"""How many observations the general rate counts for, beside those of the hour in question."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What is known of a count.

    Attributes:
        mean: of the next one.
        weight: how many events that knowledge rests on.
        burst: variance over mean of such counts, at least 1.
    """

    mean: float
    weight: float
    burst: float = 1.0

    @property
    def size(self) -> float:
        """The second parameter of the negative binomial distribution; the larger, the nearer to Poisson's."""
        wide = (self.burst - 1.0) + self.mean / max(self.weight, 1e-9)
        return min(self.mean / wide, _LARGEST_SIZE) if wide > 0 else _LARGEST_SIZE


def expected(counts: Sequence[int], general: float, burst: float = 1.0) -> Expected:
    """What some observed counts say about the next one.

    The largest of a dozen or more is left out: one odd hour is no habit.

    Args:
        counts: of like hours (or days) of the past.
        general: the mean of all hours, which counts as one more observation.
        burst: see `Expected`.
    """
    kept = sorted(counts)[:-1] if len(counts) >= 12 else counts
    weight = sum(kept) + _PRIOR * general
    return Expected(weight / (len(kept) + _PRIOR), weight, max(1.0, burst))


def burst_of(groups: Sequence[Sequence[int]]) -> float:
    """Variance over mean of counts, pooled over groups of like hours; between 1 and 10.

    Args:
        groups: counts of like hours each; such of fewer than four are left out.
    """
    variances = means = 0.0
    for group in groups:
        if len(group) >= 4:
            mean = sum(group) / len(group)
            means += mean
            variances += sum((count - mean) ** 2 for count in group) / (len(group) - 1)
    return min(10.0, max(1.0, variances / means)) if means else 1.0


def upper_tail(count: int, of: Expected) -> float:
    """How probable `count` or more is.

    >>> round(upper_tail(1, Expected(1.0, 1e9)), 4)  # 1 - 1/e
    0.6321
    """
    if count <= 0:
        return 1.0
    if of.mean <= 0:
        return 0.0
    size, mean = of.size, of.mean
    if count <= mean:
        return 1.0 - sum(_probability(below, mean, size) for below in range(count))
    step, total, at = _probability(count, mean, size), 0.0, count
    while step > total * 1e-12:
        total += step
        step *= (at + size) / (at + 1) * mean / (size + mean)
        at += 1
    return total


def _probability(count: int, mean: float, size: float) -> float:
    ways = math.lgamma(count + size) - math.lgamma(size) - math.lgamma(count + 1)
    return math.exp(ways - size * math.log1p(mean / size) + count * (math.log(mean) - math.log(size + mean)))


@lru_cache(maxsize=4096)
def unusual_from(of: Expected, tail: float) -> int:
    """The smallest count, above the mean, that is reached with a probability of at most `tail`.

    >>> unusual_from(Expected(1.0, 1e9), 1e-5)
    9
    """
    low = math.floor(max(of.mean, 0.0)) + 1
    high = low
    while upper_tail(high, of) > tail:
        low, high = high, high * 2
    while low < high:
        middle = (low + high) // 2
        if upper_tail(middle, of) > tail:
            low = middle + 1
        else:
            high = middle
    return high
