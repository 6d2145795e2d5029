import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from muniment.core.bundle import BodyLine, CheckpointLine, EntryLine, Keys, Subtree, read_bundle
from muniment.core.entry import parse_entry
from muniment.core.errors import Malformed, VerificationFailed
from muniment.core.merkle import Stack, root_of
from muniment.ledger import export as export_module
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.export import BundleRequest, bundle_chunks, write_bundle
from muniment.ledger.export_plan import Folded, Mark, Shown, plan, runs
from muniment.ledger.proofs import NotSealed
from muniment.verifier.bundle import verify_bundle
from muniment.verifier.pins import PinnedCheckpoint, Pins
from tests.ledger.seal_world import World, rich, tenant_connection

SIZES = (14, 90, 300, 640)
FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def world(module_database, tmp_path_factory):
    made = World(module_database, tmp_path_factory.mktemp("export"))
    count = made.first
    for size in SIZES:
        made.append(submissions=[rich(n) for n in range(count, size)])
        made.round()
        count = size
    made.append(submissions=[rich(n) for n in range(count, count + 5)])
    yield made
    made.close()


@pytest.fixture(scope="module")
def conn(world):
    with tenant_connection(world) as connection:
        yield connection


@pytest.fixture(scope="module")
def hashes(world):
    return world.hashes()


def export(conn, world, **asked) -> bytes:
    stream = io.BytesIO()
    write_bundle(conn, BundleRequest(world.log, world.origin, **asked), stream)
    return stream.getvalue()


def places(data: bytes) -> list[int]:
    return [parse_entry(line.text).seq for line in read_bundle(io.BytesIO(data)) if isinstance(line, EntryLine)]


def report(world, data: bytes, **pins):
    return verify_bundle(io.BytesIO(data), Pins(root=world.ring.root_verifier(), **pins), workers=1)


def test_a_whole_log_verifies_with_every_entry_and_body(world, conn):
    data = export(conn, world)
    found = report(world, data, genesis=world.genesis)
    assert found.verdict == "verified", found.findings
    assert found.trust == "pinned"
    assert (found.entries, found.size) == (640, 640)
    assert found.check("bodies").state == "passed"
    assert not any(isinstance(line, Subtree) for line in read_bundle(io.BytesIO(data)))


def test_bodies_are_left_out_when_asked(world, conn):
    lines = list(read_bundle(io.BytesIO(export(conn, world, bodies=False))))
    assert not any(isinstance(line, BodyLine) for line in lines)


def test_keys_notes_come_along(world, conn):
    lines = list(read_bundle(io.BytesIO(export(conn, world, seqs=[3]))))
    assert [line.keys.number for line in lines if isinstance(line, Keys)] == [1]


@FEW
@given(seqs=st.lists(st.integers(0, 639), unique=True, max_size=40).map(sorted), since=st.integers(0, 640))
def test_any_set_of_entries_verifies_and_lets_any_earlier_size_be_checked(world, conn, hashes, seqs, since):
    pin = PinnedCheckpoint(since, root_of(hashes[:since])) if since else None
    data = export(conn, world, seqs=seqs, since=since)
    assert places(data) == seqs
    found = report(world, data, checkpoint=pin)
    assert not found.failed, found.findings
    if pin:
        assert found.check("pin").state == "passed"


@FEW
@given(start=st.integers(0, 639), length=st.integers(0, 300))
def test_a_range_is_complete_by_construction(world, conn, start, length):
    seqs = range(start, min(start + length, 640))
    data = export(conn, world, seqs=seqs, bodies=False)
    assert places(data) == list(seqs)
    between = [line for line in read_bundle(io.BytesIO(data)) if isinstance(line, EntryLine | Subtree)]
    shown = [at for at, line in enumerate(between) if isinstance(line, EntryLine)]
    assert shown == list(range(shown[0], shown[0] + len(shown))) if shown else True


def test_every_checkpoint_within_comes_along(world, conn):
    data = export(conn, world, seqs=range(20, 310), every_checkpoint=True)
    sizes = [line.checkpoint.size for line in read_bundle(io.BytesIO(data)) if isinstance(line, CheckpointLine)]
    assert sizes == [90, 300, 640]
    assert not report(world, data).failed


def test_with_every_checkpoint_the_pin_is_still_met_between_them(world, conn, hashes):
    for since in (14, 15, 89, 90, 91, 640):
        data = export(conn, world, seqs=[], since=since, every_checkpoint=True)
        found = report(world, data, checkpoint=PinnedCheckpoint(since, root_of(hashes[:since])))
        assert found.check("pin").state == "passed", since
        sizes = [line.checkpoint.size for line in read_bundle(io.BytesIO(data)) if isinstance(line, CheckpointLine)]
        assert sizes == [size for size in SIZES if size >= since]


def test_a_bundle_may_end_at_an_older_checkpoint(world, conn):
    data = export(conn, world, size=90)
    assert report(world, data).size == 90
    assert places(data)[-1] == 89


def test_a_bundle_of_no_entries_still_proves_a_checkpoint(world, conn):
    found = report(world, export(conn, world, seqs=[]))
    assert (found.size, found.entries) == (640, 0)


def test_chunks_together_are_the_same_bundle(world, conn):
    request = BundleRequest(world.log, world.origin)
    chunks = list(bundle_chunks(conn, request))
    assert b"".join(chunks) == export(conn, world)
    assert len(chunks) > 5


def test_memory_does_not_grow_with_the_log(world, conn):
    """Each piece holds what one block of rows gives, however long the log is."""
    request = BundleRequest(world.log, world.origin)
    assert max(map(len, bundle_chunks(conn, request))) < 64 * 2048


def test_what_is_not_sealed_is_not_given_out(world, conn):
    for asked in ({"seqs": [640]}, {"seqs": range(630, 641)}, {"since": 641}, {"size": 641}, {"size": 13}):
        with pytest.raises(NotSealed):
            export(conn, world, **asked)


@pytest.mark.parametrize("seqs", [[3, 2], [2, 2], [-1, 2], range(5, 1, -1), range(0, 10, 2)])
def test_places_that_do_not_ascend_are_refused(world, conn, seqs):
    with pytest.raises(Malformed):
        export(conn, world, seqs=seqs)


def test_an_erased_body_is_simply_not_disclosed(module_database, tmp_path_factory):
    world = World(module_database, tmp_path_factory.mktemp("erased"), name="erased")
    world.append(submissions=[rich(n, world="erased") for n in range(3)])
    world.round()
    with tenant_transaction(world.conn, world.tenant):
        world.conn.execute("SELECT ledger.erase_body('system:muniment', %s, 5, 'base-1', NULL)", [world.log])
    with tenant_connection(world) as conn:
        found = report(world, export(conn, world))
    assert not found.failed, found.findings
    assert "1 not disclosed" in found.check("bodies").reason
    world.close()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM ledger.entries WHERE seq = 6",
        "UPDATE ledger.entries SET entry = replace(entry, 'agent:1', 'agent:2') WHERE seq = 5",
        "UPDATE ledger.tree_edges SET edge = ARRAY[sha256(edge[1]) || substr(edge[1], 33)]",
    ],
)
def test_a_tampered_database_gives_no_finished_bundle(module_database, tmp_path_factory, statement, request):
    name = f"t{abs(hash(statement)) % 10**8}"
    world = World(module_database, tmp_path_factory.mktemp("tampered"), name=name)
    world.append(submissions=[rich(n, world=name) for n in range(6)])
    world.round()
    world.forge(
        f"{statement} AND log_id = {world.log}" if "WHERE" in statement else f"{statement} WHERE log_id = {world.log}"
    )
    stream = io.BytesIO()
    with tenant_connection(world) as conn, pytest.raises(VerificationFailed):
        write_bundle(conn, BundleRequest(world.log, world.origin, seqs=range(2, 8)), stream)
    assert b"\nZ " not in stream.getvalue()
    world.close()


def test_long_runs_are_cut_and_many_folds_gathered(world, conn, monkeypatch):
    monkeypatch.setattr(export_module, "ROWS", 8)
    monkeypatch.setattr(export_module, "FOLDS", 2)
    monkeypatch.setattr(export_module, "PAGE", 1)
    for seqs in (range(100, 200), list(range(0, 640, 7))):
        data = export(conn, world, seqs=seqs, every_checkpoint=True)
        assert places(data) == list(seqs)
        assert not report(world, data).failed


@given(st.sets(st.integers(0, 60), max_size=20), st.sets(st.integers(1, 60), min_size=1, max_size=5))
def test_a_plan_tiles_everything_up_to_the_last_mark_and_stops_at_every_mark(shown, sizes):
    position, stack = 0, Stack()
    marks = sorted(sizes)
    met = []
    for part in plan(runs(sorted(shown)), [Mark(size, None) for size in marks]):
        match part:
            case Shown():
                assert part.first == position
                assert all(seq in shown for seq in range(part.first, part.end))
                for _ in range(part.first, part.end):
                    stack.push(0, bytes(32))
            case Folded():
                for level, index in part.nodes:
                    covered = range(index << level, (index + 1) << level)
                    assert not shown.intersection(covered)
                    stack.push(level, bytes(32))
            case Mark():
                met.append(part.size)
                assert stack.size == part.size
        position = stack.size
    assert met == marks
