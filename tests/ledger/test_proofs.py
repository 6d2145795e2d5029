import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from muniment.core.entry import entry_hash
from muniment.core.errors import Malformed, VerificationFailed
from muniment.core.merkle import root_of, verify_consistency, verify_inclusion
from muniment.core.tiles import Tile
from muniment.core.tlogproof import parse_tlogproof
from muniment.ledger.proofs import NotSealed, consistency_proof, inclusion_proof, tlog_proof
from muniment.ledger.read import entry_bundle
from muniment.ledger.tileset import hash_tile
from tests.ledger.seal_world import World, tenant_connection

SIZE = 700
FEW = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def world(module_database, tmp_path_factory):
    made = World(module_database, tmp_path_factory.mktemp("proofs"))
    made.append(5)
    made.round()
    made.append(SIZE - made.first - 5)
    made.round()
    made.append(3)
    yield made
    made.close()


@pytest.fixture(scope="module")
def conn(world):
    with tenant_connection(world) as connection:
        yield connection


@pytest.fixture(scope="module")
def hashes(world):
    return world.hashes()


@FEW
@given(data=st.data())
def test_every_entry_is_proven_in_a_tree_of_any_size(world, conn, hashes, data):
    size = data.draw(st.integers(1, SIZE))
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(conn, world.log, index, size)
    verify_inclusion(index, size, hashes[index], proof, root_of(hashes[:size]))


@FEW
@given(data=st.data())
def test_any_two_sizes_are_proven_consistent(world, conn, hashes, data):
    second = data.draw(st.integers(0, SIZE))
    first = data.draw(st.integers(0, second))
    proof = consistency_proof(conn, world.log, first, second)
    verify_consistency(first, second, root_of(hashes[:first]), root_of(hashes[:second]), proof)


def test_a_tlog_proof_leads_to_the_newest_checkpoint(world, conn, hashes):
    proof = parse_tlogproof(tlog_proof(conn, world.log, world.origin, 7).text())
    assert (proof.index, proof.checkpoint.size) == (7, SIZE)
    proof.verify(hashes[7])
    with pytest.raises(VerificationFailed):
        proof.verify(hashes[8])


def test_a_tlog_proof_leads_to_an_older_checkpoint_when_asked(world, conn, hashes):
    proof = tlog_proof(conn, world.log, world.origin, 7, 9)
    assert proof.checkpoint.size == 9
    proof.verify(hashes[7])


def test_what_no_checkpoint_covers_has_no_proof(world, conn):
    for index, size in ((SIZE, None), (9, 9), (0, 10)):
        with pytest.raises(NotSealed):
            tlog_proof(conn, world.log, world.origin, index, size)


def test_nonsense_is_refused(world, conn):
    for index, size in ((5, 5), (-1, 5), (0, 0)):
        with pytest.raises(Malformed):
            inclusion_proof(conn, world.log, index, size)
    with pytest.raises(Malformed):
        consistency_proof(conn, world.log, 6, 5)
    with pytest.raises(VerificationFailed):
        inclusion_proof(conn, world.log, 0, SIZE + 3)


def test_another_tenant_sees_no_tree(module_database, world, tmp_path_factory):
    other = World(module_database, tmp_path_factory.mktemp("other"), name="other")
    with tenant_connection(other) as connection:
        with pytest.raises(VerificationFailed):
            inclusion_proof(connection, world.log, 0, 5)
        with pytest.raises(NotSealed):
            tlog_proof(connection, world.log, world.origin, 0)
    other.close()


@pytest.mark.parametrize(
    ("tile", "size", "first", "count"),
    [
        (Tile(0, 0), SIZE, 0, 256),
        (Tile(0, 1), SIZE, 256, 256),
        (Tile(0, 2, SIZE - 512), SIZE, 512, SIZE - 512),
        (Tile(0, 2, 10), SIZE, 512, 10),
        (Tile(0, 0, 9), 9, 0, 9),
        (Tile(0, 1, 200), SIZE, 256, 200),
    ],
)
def test_hash_tiles_hold_the_leaves(world, conn, hashes, tile, size, first, count):
    assert hash_tile(conn, world.log, tile, size) == b"".join(hashes[first : first + count])


def test_hash_tiles_of_the_second_level_hold_roots(world, conn, hashes):
    expected = [root_of(hashes[at : at + 256]) for at in (0, 256)]
    assert hash_tile(conn, world.log, Tile(1, 0, 2), SIZE) == b"".join(expected)
    assert hash_tile(conn, world.log, Tile(1, 0, 1), SIZE) == expected[0]


@pytest.mark.parametrize(
    ("tile", "size"),
    [
        (Tile(0, 2), SIZE),
        (Tile(0, 2, SIZE - 511), SIZE),
        (Tile(0, 3, 1), SIZE),
        (Tile(1, 0, 3), SIZE),
        (Tile(0, 0, 10), 9),
    ],
)
def test_nothing_beyond_the_checkpoint_is_given_out(world, conn, tile, size):
    assert hash_tile(conn, world.log, tile, size) is None


def test_entry_bundles_hold_the_entries_with_their_lengths(world, conn, hashes):
    for tile, first in ((Tile(None, 0), 0), (Tile(None, 2, 188), 512), (Tile(None, 2, 3), 512)):
        data = entry_bundle(conn, world.log, tile, SIZE)
        texts = []
        while data:
            length = int.from_bytes(data[:2], "big")
            texts.append(data[2 : 2 + length])
            data = data[2 + length :]
        assert [entry_hash(text) for text in texts] == hashes[first : first + tile.width]
    assert entry_bundle(conn, world.log, Tile(None, 2, 189), SIZE) is None
    assert entry_bundle(conn, world.log, Tile(None, 3, 1), SIZE) is None


def test_entries_and_hashes_are_not_confused(world, conn):
    with pytest.raises(Malformed):
        hash_tile(conn, world.log, Tile(None, 0, 1), SIZE)
    with pytest.raises(Malformed):
        entry_bundle(conn, world.log, Tile(0, 0, 1), SIZE)
