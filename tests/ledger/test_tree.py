import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.core.errors import VerificationFailed
from muniment.core.merkle import leaf_hash, root_of
from muniment.ledger.tree import EMPTY_EDGE, HASH, Edge, FullTile

LEAVES = [leaf_hash(str(n).encode()) for n in range(70_000)]


def grown(*steps: int) -> tuple[Edge, list[FullTile]]:
    edge, tiles, at = EMPTY_EDGE, [], 0
    for step in steps:
        edge, full = edge.extend(b"".join(LEAVES[at : at + step]))
        tiles += full
        at += step
    return edge, tiles


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 600), min_size=1, max_size=6))
def test_the_edge_has_the_root_of_all_leaves_however_they_arrived(steps):
    edge, _ = grown(*steps)
    assert edge.size == sum(steps)
    assert edge.root() == root_of(LEAVES[: sum(steps)])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 900), min_size=1, max_size=5))
def test_growing_in_steps_stores_the_same_tiles_as_growing_at_once(steps):
    edge, tiles = grown(*steps)
    at_once, all_tiles = grown(sum(steps))
    assert edge == at_once
    assert sorted(tiles, key=lambda tile: (tile.level, tile.index)) == sorted(
        all_tiles, key=lambda tile: (tile.level, tile.index)
    )


def test_a_third_tile_level_begins_after_65536_leaves():
    edge, tiles = grown(65_535, 1, 4_464)
    assert edge.root() == root_of(LEAVES)
    assert [len(tile) // HASH for tile in edge.tiles] == [112, 17, 1]
    assert [(tile.level, tile.index) for tile in tiles if tile.level == 1] == [(1, 0)]
    assert all(len(tile.hashes) == 256 * HASH for tile in tiles)


def test_the_empty_edge_has_the_empty_root():
    assert EMPTY_EDGE.root() == root_of([])
    assert EMPTY_EDGE.extend(b"") == (EMPTY_EDGE, [])


@pytest.mark.parametrize(
    ("size", "tiles"),
    [(3, ()), (3, (b"\0" * 64,)), (256, (b"", b"")), (1, (b"\0" * 32, b"")), (-1, ()), (1, (b"\0" * 31,))],
)
def test_a_stored_edge_that_does_not_fit_its_size_is_refused(size, tiles):
    with pytest.raises(VerificationFailed):
        Edge(size, tiles)
