import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.core.errors import Malformed
from muniment.core.merkle import root_of, verify_consistency, verify_inclusion
from muniment.core.tiles import (
    MalformedTilePath,
    Node,
    Tile,
    consistency_nodes,
    cover,
    fold,
    inclusion_nodes,
    node_from_tile,
    node_in_tile,
    parse_tile_path,
    tile_width,
)
from tests.core import trees

LEAVES = trees.leaves(600)
sizes = st.integers(0, 2**53 - 1)


def hash_of(node: Node) -> bytes:
    level, index = node
    return trees.root(LEAVES[index << level : (index + 1) << level])


@pytest.mark.parametrize("size", [*range(1, 40), 64, 127, 128, 130, 257])
def test_listed_nodes_fold_to_the_proofs_of_the_rfc(size: int) -> None:
    row = LEAVES[:size]
    for index in {*range(min(size, 40)), size - 1, size // 2}:
        proof = [fold([hash_of(node) for node in nodes]) for nodes in inclusion_nodes(index, size)]
        assert proof == trees.inclusion(index, row)
        verify_inclusion(index, size, row[index], proof, root_of(row))
    for first in {*range(1, min(size, 40)), size - 1, size // 2} - {0}:
        nodes_of_proof = consistency_nodes(first, size)
        proof = [fold([hash_of(node) for node in nodes]) for nodes in nodes_of_proof]
        assert proof == (trees.consistency(first, row) if first < size else [])
        verify_consistency(first, size, root_of(row[:first]), root_of(row), proof)


@given(sizes, sizes)
def test_a_cover_tiles_its_range_from_left_to_right_with_the_fewest_nodes(one: int, other: int) -> None:
    start, end = sorted((one, other))
    nodes = cover(start, end)
    at = start
    for level, index in nodes:
        assert index << level == at
        at += 1 << level
    assert at == end
    for (level, index), (after, _) in itertools.pairwise(nodes):
        assert not (level == after and index % 2 == 0)


def test_the_cover_of_a_whole_tree_folds_to_its_root() -> None:
    for size in (1, 2, 3, 255, 256, 257, 511, 600):
        assert fold([hash_of(node) for node in cover(0, size)]) == root_of(LEAVES[:size])


def tiles_of(size: int) -> dict[tuple[int, int], bytes]:
    """All tiles of a tree, straight from the definition of tlog-tiles."""
    found = {}
    level = 0
    while size >> (8 * level):
        count = size >> (8 * level)
        for index in range((count + 255) // 256):
            inside = range(index * 256, min(count, (index + 1) * 256))
            found[level, index] = b"".join(hash_of((8 * level, at)) for at in inside)
        level += 1
    return found


@pytest.mark.parametrize("size", [1, 255, 256, 257, 600])
def test_every_node_of_a_tree_is_found_in_its_tile(size: int) -> None:
    tiles = tiles_of(size)
    for (level, index), hashes in tiles.items():
        assert tile_width(level, index, size) * 32 == len(hashes)
    for level in range(size.bit_length()):
        for index in {0, 1, 2, (size >> level) - 1}:
            if (index + 1) << level <= size:
                place = node_in_tile(level, index)
                found = node_from_tile(tiles[place.level, place.index], place.start, place.count)
                assert found == hash_of((level, index))
    assert tile_width(0, len(LEAVES), size) == 0


@given(st.none() | st.integers(0, 63), sizes, st.integers(1, 256))
def test_paths_are_read_back(level: int | None, index: int, width: int) -> None:
    tile = Tile(level, index, width)
    assert parse_tile_path(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    ["tile/0/1", "tile/0/0001", "tile/0/x000/001", "tile/0/001/002", "tile/0/x001/x002", "tile/00/001", "tile/64/001",
     "tile/0/001.p/0", "tile/0/001.p/256", "tile/0/001.p/01", "tile/0/001.p/", "tile/entry/001", "/tile/0/001",
     "tile/0/001/", "tile/0/001\n", "tile/0/../001", "tile/0/x001/x234/067.p/+5", "tile/-1/001", "", "tile/0/٠٠١",
     "tile/0/" + "x001/" * 40 + "001", "tile/0/x999/x999/x999/x999/x999/999"],
)  # fmt: skip
def test_other_paths_are_malformed(path: str) -> None:
    with pytest.raises(MalformedTilePath):
        parse_tile_path(path)


@given(st.text("tile/0123456789x.pentrs", max_size=30))
def test_any_path_is_read_back_exactly_or_malformed(path: str) -> None:
    try:
        tile = parse_tile_path(path)
    except MalformedTilePath:
        return
    assert tile.path == path


def test_ranges_and_places_that_cannot_be_are_refused() -> None:
    for call in (
        lambda: cover(2, 1),
        lambda: cover(-1, 1),
        lambda: cover(0, 2**53),
        lambda: inclusion_nodes(0, 0),
        lambda: inclusion_nodes(3, 3),
        lambda: inclusion_nodes(-1, 3),
        lambda: consistency_nodes(3, 2),
        lambda: consistency_nodes(-1, 2),
        lambda: fold([]),
        lambda: node_in_tile(-1, 0),
        lambda: node_from_tile(bytes(64), 1, 2),
        lambda: node_from_tile(bytes(64), 0, 3),
        lambda: node_from_tile(bytes(64), 2, 1),
        lambda: node_from_tile(bytes(63), 0, 1),
        lambda: node_from_tile(bytes(64), -1, 1),
        lambda: node_from_tile(bytes(257 * 32), 0, 1),
        lambda: Tile(64, 0),
        lambda: Tile(0, -1),
        lambda: Tile(0, 0, 0),
        lambda: Tile(0, 0, 257),
    ):
        with pytest.raises(Malformed):
            call()
