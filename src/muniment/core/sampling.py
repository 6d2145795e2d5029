"""Drawing a sample so that anybody can draw it again: the same population, method and seed give the same sample.

A population is the ascending places of its entries. Random numbers are SHA-256 over the seed and a counter; nothing of
a language's own generator is used. `docs/populations.md` has the same in twenty lines that import nothing from here.

Source: the counter-mode generator for audits of R. L. Rivest, "A 'Sum of Square Roots' (SSR) Pseudorandom Sampling
Method For Election Audits" (2008), section 3, with rejection instead of a remainder that is not uniform.
"""

import hashlib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from muniment.core.errors import Malformed, Refused

SEED_BYTES: Final = 32
MOST: Final = 10_000
"""Items of one sample."""
_NUMBER: Final = b"muniment/sample/1\0"
_POPULATION: Final = b"muniment/population/1\0"
_WORD: Final = 2**64


def read_seed(text: str) -> bytes:
    """A seed from its 64 hex digits.

    Raises:
        Malformed: for anything else.
    """
    if len(text) != 2 * SEED_BYTES or not set(text) <= set("0123456789abcdef"):
        raise Malformed("is 64 hex digits in lower case", "seed")
    return bytes.fromhex(text)


def population_digest(places: Sequence[int]) -> bytes:
    """What a population consists of, as one hash: SHA-256 over `muniment/population/1`, a zero byte, and the places.

    Args:
        places: ascending; each is hashed as 8 bytes, big-endian.

    Returns:
        32 bytes.

    >>> population_digest([1, 2]).hex()[:16]
    '246b712efa7347ee'
    """
    words = array("Q", places)
    if words.itemsize != 8:
        raise AssertionError("an unsigned long long has eight bytes")
    if array("H", [1]).tobytes() == b"\1\0":
        words.byteswap()
    return hashlib.sha256(_POPULATION + words.tobytes()).digest()


def numbers(seed: bytes, below: int, stratum: str = "") -> Iterator[int]:
    """Random numbers from 0 to `below` - 1, without end, each as likely as any other.

    Number `c` is made of the first 8 bytes, big-endian, of SHA-256 over `muniment/sample/1`, a zero byte, the seed, `c`
    as 8 bytes, and the stratum's name. What reaches the largest multiple of `below` under 2^64 is passed over; of
    anything else the remainder is taken.

    Args:
        seed: 32 bytes.
        below: at least 1.
        stratum: name of the part that is drawn from.
    """
    if len(seed) != SEED_BYTES:
        raise Malformed(f"has {SEED_BYTES} bytes", "seed")
    limit = _WORD - _WORD % below
    start, name, counter = hashlib.sha256(_NUMBER + seed), stratum.encode(), 0
    while True:
        hashed = start.copy()
        hashed.update(counter.to_bytes(8, "big") + name)
        word = int.from_bytes(hashed.digest()[:8], "big")
        counter += 1
        if word < limit:
            yield word % below


def random_sample(places: Sequence[int], count: int, seed: bytes, stratum: str = "") -> tuple[int, ...]:
    """`count` items, every set of that many as likely as any other: numbers are positions, and repeats are passed over.

    Args:
        places: the population, ascending.
        count: items to draw.
        seed: 32 bytes.
        stratum: name of the part, where the population is one.

    Returns:
        Places, ascending.

    Raises:
        Malformed: for a count below 1.
        Refused: for more than there are.
    """
    check_count(count, len(places))
    drawn: set[int] = set()
    coming = numbers(seed, len(places), stratum)
    while len(drawn) < count:
        drawn.add(next(coming))
    return tuple(places[position] for position in sorted(drawn))


def systematic_sample(places: Sequence[int], count: int, seed: bytes) -> tuple[int, ...]:
    """Items at equal distances: positions floor((r + i·N) / count) for i from 0, r the first random number below N.

    Every item is as likely as any other. What repeats in the population at the same distance is all found or all
    missed; take a random sample where that may be.

    Args:
        places: the population of N items, ascending.
        count: items to draw.
        seed: 32 bytes.

    Raises:
        Malformed: for a count below 1.
        Refused: for more than there are.
    """
    check_count(count, len(places))
    start = next(numbers(seed, len(places)))
    return tuple(places[(start + at * len(places)) // count] for at in range(count))


def stratified_sample(strata: Mapping[str, Sequence[int]], count: int, seed: bytes) -> dict[str, tuple[int, ...]]:
    """A random sample of each stratum, as large as `allocation` says.

    Args:
        strata: places, ascending, by the stratum's name; none is empty.
        count: items to draw from all of them together.
        seed: 32 bytes.

    Returns:
        Places by stratum, in the order of names.

    Raises:
        Malformed: for a count below 1.
        Refused: for more than there are, or fewer than there are strata.
    """
    shares = allocation({name: len(places) for name, places in strata.items()}, count)
    return {name: random_sample(strata[name], share, seed, name) for name, share in shares.items()}


def allocation(sizes: Mapping[str, int], count: int) -> dict[str, int]:
    """How many items each stratum gives: its share of `count` by size, and at least one.

    Each begins with its share rounded down, or 1. As long as too few are given, the stratum that is furthest below its
    share gives one more; as long as too many, the one furthest above gives one less, but none its last. Of equals, the
    first by name.

    Args:
        sizes: items by stratum.
        count: items of the sample.

    Raises:
        Malformed: for a count below 1.
        Refused: for more than there are, or fewer than there are strata.

    >>> allocation({"a": 90, "b": 9, "c": 1}, 10)
    {'a': 8, 'b': 1, 'c': 1}
    """
    whole = sum(sizes.values())
    check_count(count, whole)
    if count < len(sizes):
        raise Refused(f"there are {len(sizes):,} strata, and each gives at least one item", "count")
    given = {name: max(1, sizes[name] * count // whole) for name in sorted(sizes)}

    def missing(name: str) -> int:
        return sizes[name] * count - given[name] * whole

    while sum(given.values()) < count:
        given[max((name for name in given if given[name] < sizes[name]), key=missing)] += 1
    while sum(given.values()) > count:
        given[min((name for name in given if given[name] > 1), key=missing)] -= 1
    return given


def check_count(count: int, available: int) -> None:
    """Refuse a sample of a size that cannot be.

    Raises:
        Malformed: below 1.
        Refused: above the population's size, or above `MOST`.
    """
    if count < 1:
        raise Malformed("is at least 1", "count")
    if count > available:
        raise Refused(f"the population has {available:,} items; a sample of {count:,} cannot be drawn from it", "count")
    if count > MOST:
        raise Refused(f"a sample has at most {MOST:,} items", "count")
