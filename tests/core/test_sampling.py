"""A sample is drawn the same way by everybody, without favour, and never larger than its population."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.core.errors import Malformed, Refused
from muniment.core.sampling import (
    MOST,
    allocation,
    numbers,
    population_digest,
    random_sample,
    read_seed,
    stratified_sample,
    systematic_sample,
)

SEED = hashlib.sha256(b"a seed").digest()
PLACES = st.lists(st.integers(0, 10**6), min_size=1, max_size=200, unique=True).map(sorted)


def auditors_own(places: list[int], count: int, seed: str, stratum: str = "") -> list[int]:
    """What `docs/populations.md` prints, run as it stands there."""
    page = Path(__file__).parents[2] / "docs" / "populations.md"
    (program,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    space: dict[str, object] = {}
    exec(program, space)
    drawn = space["random_sample"](places, count, seed, stratum)  # type: ignore[operator]
    assert isinstance(drawn, list)
    return drawn


@given(PLACES, st.data())
def test_a_random_sample_is_part_of_the_population_ascending_and_of_the_size_asked(
    places: list[int], data: st.DataObject
) -> None:
    count = data.draw(st.integers(1, len(places)))
    drawn = random_sample(places, count, SEED)
    assert len(drawn) == count
    assert list(drawn) == sorted(set(drawn) & set(places))
    assert drawn == random_sample(places, count, SEED)


@given(PLACES, st.data())
def test_a_systematic_sample_keeps_equal_distances(places: list[int], data: st.DataObject) -> None:
    count = data.draw(st.integers(1, len(places)))
    drawn = systematic_sample(places, count, SEED)
    positions = [places.index(place) for place in drawn]
    gaps = {b - a for a, b in pairwise(positions)}
    assert len(set(drawn)) == count
    assert gaps <= {len(places) // count, len(places) // count + 1}


@given(st.dictionaries(st.text(max_size=5), st.integers(1, 500), min_size=1, max_size=20), st.data())
def test_every_stratum_gives_at_least_one_and_no_more_than_it_has(sizes: dict[str, int], data: st.DataObject) -> None:
    count = data.draw(st.integers(len(sizes), sum(sizes.values())))
    given_ = allocation(sizes, count)
    assert sum(given_.values()) == count
    assert all(1 <= given_[name] <= sizes[name] for name in sizes)


def test_no_item_is_favoured() -> None:
    places, seen = range(40), Counter[int]()
    for number in range(2_000):
        seed = hashlib.sha256(number.to_bytes(4, "big")).digest()
        seen.update(random_sample(places, 10, seed))
        seen.update(systematic_sample(places, 10, seed))
    # 1,000 are expected of each; 39 degrees of freedom, and one in a million seeds would go beyond this.
    assert sum((seen[place] - 1_000) ** 2 / 1_000 for place in places) < 110


def test_a_number_that_would_favour_the_first_positions_is_passed_over() -> None:
    below = 2**63 + 1
    coming = numbers(SEED, below)
    words = [
        int.from_bytes(hashlib.sha256(b"muniment/sample/1\0" + SEED + at.to_bytes(8, "big")).digest()[:8], "big")
        for at in range(40)
    ]
    wanted = [word for word in words if word < below]
    assert len(wanted) < len(words)
    assert [next(coming) for _ in wanted] == wanted


def test_another_seed_or_stratum_gives_another_sample() -> None:
    other = hashlib.sha256(b"another").digest()
    assert random_sample(range(1_000), 20, SEED) != random_sample(range(1_000), 20, other)
    assert random_sample(range(1_000), 20, SEED) != random_sample(range(1_000), 20, SEED, "agent:a")


KNOWN_RANDOM = (120, 131, 146, 157, 162)
KNOWN_SYSTEMATIC = (106, 126, 146, 166, 186)
KNOWN_STRATIFIED = {"a": (6, 26, 28, 40, 44), "b": (50,)}
KNOWN_DIGEST = "b0df1c98eecb52d5c0d3cfce2fb88538b46c430c2040c3beecb5fd9d5b1a6e10"


def test_a_known_seed_gives_the_sample_it_always_gave() -> None:
    assert random_sample(range(100, 200), 5, bytes(32)) == KNOWN_RANDOM
    assert systematic_sample(range(100, 200), 5, bytes(32)) == KNOWN_SYSTEMATIC
    assert stratified_sample({"a": range(50), "b": range(50, 60)}, 6, bytes(32)) == KNOWN_STRATIFIED
    assert population_digest(range(3)).hex() == KNOWN_DIGEST


def test_the_program_printed_for_auditors_draws_the_same_sample() -> None:
    places = [3 * at for at in range(500)]
    assert auditors_own(places, 25, SEED.hex()) == list(random_sample(places, 25, SEED))
    assert auditors_own(places, 7, SEED.hex(), "user:ü") == list(random_sample(places, 7, SEED, "user:ü"))


@pytest.mark.parametrize("draw", [random_sample, systematic_sample])
def test_more_than_the_population_is_refused_with_a_clear_word(
    draw: Callable[[Sequence[int], int, bytes], object],
) -> None:
    with pytest.raises(Refused, match="the population has 3 items; a sample of 4 cannot be drawn from it"):
        draw([1, 2, 3], 4, SEED)
    with pytest.raises(Malformed):
        draw([1, 2, 3], 0, SEED)
    with pytest.raises(Refused, match=f"at most {MOST:,}"):
        draw(range(MOST + 2), MOST + 1, SEED)


def test_fewer_items_than_strata_are_refused() -> None:
    with pytest.raises(Refused, match="there are 3 strata"):
        stratified_sample({"a": [1], "b": [2], "c": [3]}, 2, SEED)


@pytest.mark.parametrize("text", ["", "0" * 63, "0" * 65, "G" * 64, "A" * 64, " " + "0" * 63])
def test_a_seed_that_is_no_seed_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        read_seed(text)


def test_the_digest_changes_with_any_place() -> None:
    digests = {population_digest(places) for places in ([], [0], [1], [0, 1], [0, 1, 2**62], range(5))}
    assert len(digests) == 6
