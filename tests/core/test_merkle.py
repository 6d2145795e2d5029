import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.core.errors import Malformed, MunimentError, VerificationFailed
from muniment.core.merkle import (
    EMPTY_ROOT,
    CompactRange,
    Stack,
    consistency_length,
    inclusion_length,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from tests.core import trees

SIZES = 130
LEAVES = trees.leaves(SIZES)
ROOTS = [trees.root(LEAVES[:size]) for size in range(SIZES + 1)]
OTHER = bytes(32)


def test_the_reference_vectors_of_certificate_transparency_hold() -> None:
    inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    row = [leaf_hash(bytes.fromhex(text)) for text in inputs]
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert root_of(row[:1]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert root_of(row[:2]).hex() == "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
    assert root_of(row).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@pytest.mark.parametrize("size", range(SIZES + 1))
def test_every_way_to_a_root_gives_the_same_root(size: int) -> None:
    row = LEAVES[:size]
    edge, stack = CompactRange(), Stack()
    for leaf in row:
        edge.append(leaf)
    stack.extend(row)
    assert root_of(row) == edge.root() == stack.root() == ROOTS[size]
    assert edge.size == stack.size == size
    assert edge.nodes == stack.nodes
    assert CompactRange(size, edge.hashes).root() == ROOTS[size]
    assert Stack(stack.nodes).root() == ROOTS[size]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 31, 64, 65, 129, 130])
def test_every_inclusion_proof_holds_and_no_other_place_or_leaf_does(size: int) -> None:
    for index in range(size):
        proof = trees.inclusion(index, LEAVES[:size])
        assert inclusion_length(index, size) == len(proof)
        verify_inclusion(index, size, LEAVES[index], proof, ROOTS[size])
        wrong = [
            (index, size, OTHER, proof, ROOTS[size]),
            (index, size, LEAVES[index], proof, OTHER),
            (index, size, LEAVES[index], [*proof, OTHER], ROOTS[size]),
            (index + 1, size, LEAVES[index], proof, ROOTS[size]),
            (index - 1, size, LEAVES[index], proof, ROOTS[size]),
        ]
        if proof:
            wrong.append((index, size, LEAVES[index], proof[:-1], ROOTS[size]))
            wrong.append((index, size, LEAVES[index], [OTHER, *proof[1:]], ROOTS[size]))
            wrong.append((index, size, LEAVES[index], [proof[0][:31], *proof[1:]], ROOTS[size]))
        if len(proof) > 1:
            wrong.append((index, size, LEAVES[index], proof[::-1], ROOTS[size]))
        for case in wrong:
            with pytest.raises(MunimentError):
                verify_inclusion(*case)


@pytest.mark.parametrize("second", [*range(34), 63, 64, 65, 127, 128, 129, 130])
def test_every_consistency_proof_holds_and_no_other_does(second: int) -> None:
    for first in range(second + 1):
        proof = trees.consistency(first, LEAVES[:second]) if 0 < first < second else []
        assert consistency_length(first, second) == len(proof)
        verify_consistency(first, second, ROOTS[first], ROOTS[second], proof)
        wrong: list[tuple[int, int, bytes, bytes, list[bytes]]] = [
            (first, second, OTHER, ROOTS[second], proof),
            (first, second, ROOTS[first], ROOTS[second], [*proof, OTHER]),
        ]
        if first:
            wrong.append((first, second, ROOTS[first], OTHER, proof))
        if 0 < first < second:
            wrong.append((first, second, ROOTS[first], ROOTS[second], [OTHER, *proof[1:]]))
            wrong.append((first, second, ROOTS[first], ROOTS[second], [*proof[:-1], OTHER]))
            wrong.append((first, second, ROOTS[first], ROOTS[second], proof[:-1]))
            wrong.append((first, second, ROOTS[second], ROOTS[first], proof))
        if 1 < first < second:
            wrong.append((first - 1, second, ROOTS[first - 1], ROOTS[second], proof[1:]))
        for case in wrong:
            with pytest.raises(MunimentError):
                verify_consistency(*case)


@given(st.integers(1, 2**53 - 1), st.data())
def test_lengths_of_proofs_grow_with_the_logarithm_at_any_size(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    assert inclusion_length(index, size) <= 53
    assert consistency_length(index, size) <= 54


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=300), st.lists(st.integers(0, 40), max_size=12))
def test_leaves_may_arrive_in_any_portions(row: list[bytes], portions: list[int]) -> None:
    stack = Stack()
    at = 0
    for portion in [*portions, len(row)]:
        stack.extend(row[at : at + portion])
        at += portion
    assert stack.root() == root_of(row)


@given(st.integers(0, 400), st.integers(0, 400), st.data())
def test_perfect_subtrees_may_stand_for_their_leaves(one: int, other: int, data: st.DataObject) -> None:
    start, end = sorted((one, other))
    row = trees.leaves(end)
    stack = Stack()
    while stack.size < end:
        room = (end - stack.size).bit_length() - 1
        if stack.size:
            room = min(room, (stack.size & -stack.size).bit_length() - 1)
        level = data.draw(st.integers(0, room)) if stack.size < start else 0
        stack.push(level, trees.root(row[stack.size : stack.size + (1 << level)]))
    assert stack.root() == root_of(row)


@pytest.mark.parametrize(
    ("index", "size"), [(0, 0), (1, 1), (5, 3), (-1, 3), (0, -1), (0, 2**53), (2**53 - 1, 2**53 - 1)]
)
def test_an_index_outside_the_tree_is_refused(index: int, size: int) -> None:
    with pytest.raises(Malformed):
        verify_inclusion(index, size, OTHER, [], OTHER)


@pytest.mark.parametrize(("first", "second"), [(2, 1), (-1, 1), (0, -1), (1, 2**53)])
def test_sizes_in_the_wrong_order_or_out_of_range_are_refused(first: int, second: int) -> None:
    with pytest.raises(Malformed):
        verify_consistency(first, second, OTHER, OTHER, [])


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_hashes_of_another_length_are_refused_wherever_they_stand(length: int) -> None:
    short = bytes(length)
    one, two = LEAVES[0], LEAVES[1]
    for call in (
        lambda: verify_inclusion(0, 1, short, [], one),
        lambda: verify_inclusion(0, 1, one, [], short),
        lambda: verify_inclusion(0, 2, one, [short], ROOTS[2]),
        lambda: verify_consistency(1, 2, short, ROOTS[2], [two]),
        lambda: verify_consistency(1, 2, one, short, [two]),
        lambda: verify_consistency(1, 2, one, ROOTS[2], [short]),
        lambda: root_of([short]),
        lambda: Stack().push(0, short),
        lambda: Stack().extend([one, short]),
        lambda: CompactRange(1, [short]),
    ):
        with pytest.raises(Malformed):
            call()


def test_a_proof_cannot_be_stretched_by_taking_an_inner_node_for_a_leaf() -> None:
    inner = node_hash(LEAVES[0], LEAVES[1])
    with pytest.raises(VerificationFailed):
        verify_inclusion(0, 4, inner, [trees.root(LEAVES[2:4])], ROOTS[4])


def test_size_zero_proves_nothing_and_says_so_by_its_root() -> None:
    verify_consistency(0, 5, EMPTY_ROOT, ROOTS[5], [])
    verify_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])
    for first_root, second_root in ((OTHER, EMPTY_ROOT), (EMPTY_ROOT, OTHER)):
        with pytest.raises(VerificationFailed):
            verify_consistency(0, 0, first_root, second_root, [])


def test_a_subtree_begins_only_at_a_multiple_of_its_width() -> None:
    stack = Stack()
    stack.append(LEAVES[0])
    for level in (1, 2, 52):
        with pytest.raises(VerificationFailed):
            stack.push(level, OTHER)
    for level in (-1, 53):
        with pytest.raises(Malformed):
            stack.push(level, OTHER)
    assert stack.root() == LEAVES[0]


def test_the_tree_never_grows_past_the_largest_size() -> None:
    nodes = [(level, OTHER) for level in range(52, -1, -1)]
    full = Stack(nodes)
    assert full.size == 2**53 - 1
    with pytest.raises(VerificationFailed):
        full.append(OTHER)
    with pytest.raises(VerificationFailed):
        full.extend([OTHER])
    assert full.size == 2**53 - 1


def test_a_stored_edge_that_does_not_fit_its_size_is_refused() -> None:
    for size, count in ((0, 1), (3, 1), (4, 2), (-1, 0), (2**53, 1)):
        with pytest.raises(Malformed):
            CompactRange(size, [OTHER] * count)
    for nodes in ([(1, OTHER), (1, OTHER)], [(0, OTHER), (1, OTHER)]):
        with pytest.raises(MunimentError):
            Stack(nodes)
