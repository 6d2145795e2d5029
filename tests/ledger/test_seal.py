import os
import threading

import psycopg
import pytest

from muniment.core.checkpoint import parse_signed_checkpoint
from muniment.core.cosignature import verify_cosignatures
from muniment.core.keysnote import KeysNote, LogKey
from muniment.core.merkle import root_of
from muniment.core.note import verify_note
from muniment.keys import FileSigner, KeyRing, sign_keysnote
from muniment.ledger import seal as seal_module
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.heads import HeadDirectory
from muniment.ledger.queries import query
from tests.ledger.seal_world import World
from tests.support.databases import Database


@pytest.fixture
def world(database: Database, tmp_path):
    made = World(database, tmp_path)
    yield made
    made.close()


def checkpoints(world: World) -> list[tuple[int, bytes]]:
    return world.rows("SELECT size, root FROM ledger.checkpoints WHERE log_id = %s ORDER BY size", world.log)


def test_a_new_log_is_sealed_once_and_then_left_alone(world: World):
    assert [sealed.size for sealed in world.round().sealed] == [world.first]
    assert world.round().sealed == []


def test_a_checkpoint_has_the_root_of_all_entries_and_both_signatures(world: World):
    sealed = world.seal(300)
    note, checkpoint = parse_signed_checkpoint(sealed.note)
    assert (checkpoint.size, checkpoint.root) == (304, root_of(world.hashes()))
    key = world.ring.log_keys(world.origin)[0].verifier
    assert [found for found, _ in verify_note(note, [key])] == [key]
    assert [found.time for found in verify_cosignatures(note, world.ring.region().verifier)] == [world.clock]


def test_growing_step_by_step_always_gives_the_root_of_all_entries(world: World):
    for step in (1, 251, 1, 255, 256, 257, 1):
        sealed = world.seal(step)
        assert sealed.root == root_of(world.hashes())
    tiles = world.rows("SELECT level, tile FROM ledger.tiles WHERE log_id = %s ORDER BY 1, 2", world.log)
    assert tiles == [(0, 0), (0, 1), (0, 2), (0, 3)]


def test_the_head_outside_is_the_note_that_was_published(world: World):
    sealed = world.seal(3)
    assert world.heads.read(world.origin) == sealed.note


def test_the_ledgers_own_entries_alone_are_not_sealed_before_half_of_the_promised_time(world: World):
    world.round()
    own = "SELECT ledger.set_public_verify('system:muniment', %s, true, 'base-1', NULL)"
    world.rows(own, world.log)
    assert world.round().sealed == []
    world.forge("UPDATE ledger.entries SET recorded_at = recorded_at - interval '31 seconds'")
    world.forge("UPDATE ledger.checkpoints SET last_at = last_at - interval '31 seconds'")
    assert [sealed.size for sealed in world.round().sealed] == [world.first + 1]


def test_a_record_of_an_anchor_alone_is_never_sealed_on_its_own_account(world: World):
    world.round()
    world.rows("SELECT ledger.set_public_verify('system:muniment', %s, true, 'base-1', NULL)", world.log)
    world.forge(
        "UPDATE ledger.entries SET recorded_at = recorded_at - interval '1 hour'",
        "UPDATE ledger.checkpoints SET last_at = last_at - interval '1 hour'",
        "UPDATE ledger.entries SET action = 'anchor.record' WHERE action = 'tenant.change'",
    )
    assert world.round().sealed == []
    world.append()
    assert [sealed.size for sealed in world.round().sealed] == [world.first + 2]


def test_many_tenants_are_sealed_in_one_round(database: Database, tmp_path):
    worlds = [World(database, tmp_path, name=f"tenant-{n}") for n in range(5)]
    for n, world in enumerate(worlds):
        world.append(n + 1)
    done = worlds[0].round()
    assert sorted((sealed.origin, sealed.size) for sealed in done.sealed) == [
        (world.origin, world.first + n + 1) for n, world in enumerate(worlds)
    ]
    for world in worlds:
        assert checkpoints(world)[-1][1] == root_of(world.hashes())
        world.close()


def test_one_log_that_is_refused_does_not_hold_up_the_others(database: Database, tmp_path):
    broken, whole = World(database, tmp_path, name="broken"), World(database, tmp_path, name="whole")
    broken.round()
    broken.heads.file(broken.origin).unlink()
    broken.append()
    whole.append()
    done = whole.round()
    assert [sealed.origin for sealed in done.sealed] == [whole.origin]
    assert [refused.where for refused in done.refused] == [broken.origin]
    broken.close()
    whole.close()


def nodes(plan: dict) -> list[dict]:
    return [plan, *(found for child in plan.get("Plans", ()) for found in nodes(child))]


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
def test_what_sealing_reads_depends_on_what_is_new_and_not_on_the_size(world: World, mode):
    for _ in range(2):
        world.append(1500)
    world.round()
    world.append(10)
    with tenant_transaction(world.conn, world.tenant):
        world.conn.execute(f"SET LOCAL plan_cache_mode = {mode}")
        parameters = {"logs": [world.log], "step": 262_144}
        row = world.conn.execute(b"EXPLAIN (ANALYZE, FORMAT JSON) " + query("growth"), parameters).fetchone()
    scans = [node for node in nodes(row[0][0]["Plan"]) if str(node.get("Relation Name", "")).startswith("entries_")]
    read = sum(node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) for node in scans)
    assert read == 10


# --- attacks: the head outside the database ------------------------------------------------------------------------


def refusal(world: World) -> str:
    """What the next round says; nothing may have been signed or published."""
    file = world.heads.file(world.origin)
    before, head = checkpoints(world), file.exists() and file.read_bytes()
    done = world.round()
    assert done.sealed == []
    assert checkpoints(world) == before
    assert (file.exists() and file.read_bytes()) == head
    return str(done.refused[0])


def test_a_missing_head_waits_for_an_explicit_decision(world: World):
    world.seal(2)
    world.heads.file(world.origin).unlink()
    world.append()
    assert "adopt" in refusal(world)


def test_a_database_restored_from_an_older_copy_is_not_sealed(database: Database, databases, world: World):
    world.seal(2)
    world.conn.close()
    with databases.fresh(template=database.name) as older:
        world.conn = world.database.connect("app", autocommit=True)
        world.seal(5)
        world.conn.close()
        world.database = older
        world.conn = older.connect("app", autocommit=True)
        world.append(3)
        assert "restored from an older copy" in refusal(world)
        world.append(20)
        assert "do not lead to the head" in refusal(world)
        world.conn.close()


def test_a_head_that_names_another_root_is_refused_even_when_the_key_signed_it(world: World):
    sealed = world.seal(2)
    key = world.ring.log_keys(world.origin)[0]
    forged = seal_module.Checkpoint(world.origin, sealed.size, b"\1" * 32)
    world.heads.record(
        {world.origin: seal_module.Note(forged.text(), (seal_module.sign_checkpoint(key, forged),)).encoded()}
    )
    world.append()
    assert "do not lead" in refusal(world)


@pytest.mark.parametrize(
    "damage",
    [
        lambda note: note[:-10],
        lambda note: b"",
        lambda note: note.replace(b"\n6\n", b"\n5\n"),
        lambda note: b"x" * 200_000,
        lambda note: note.replace(b"acme", b"acmf"),
        lambda note: note + b"\n",
    ],
    ids=["cut", "empty", "other size", "huge", "other origin", "longer"],
)
def test_a_head_file_that_was_changed_is_refused(world: World, damage):
    sealed = world.seal(2)
    world.heads.file(world.origin).write_bytes(damage(sealed.note))
    world.append()
    assert "put the file back" in refusal(world) or "was changed" in refusal(world)


def test_a_head_signed_with_another_key_is_refused(world: World):
    sealed = world.seal(2)
    other = FileSigner(world.origin, 1, b"z" * 32)
    checkpoint = seal_module.Checkpoint(world.origin, sealed.size, sealed.root)
    note = seal_module.Note(checkpoint.text(), (seal_module.sign_checkpoint(other, checkpoint),))
    world.heads.record({world.origin: note.encoded()})
    world.append()
    assert "was changed" in refusal(world)


def test_an_older_head_file_that_the_log_still_contains_is_continued(world: World):
    older = world.seal(2)
    world.seal(300)
    world.heads.record({world.origin: older.note})
    assert world.seal(1).root == root_of(world.hashes())


def test_an_older_head_file_does_not_let_a_forged_checkpoint_through(world: World):
    older = world.seal(2)
    world.seal(3)
    world.heads.record({world.origin: older.note})
    world.forge("UPDATE ledger.signatures SET signature = decode(repeat('11', 64), 'hex') WHERE position = 0")
    world.append()
    assert "was changed" in refusal(world)


# --- attacks: the database -----------------------------------------------------------------------------------------


def test_a_rewritten_edge_is_not_signed_over(world: World):
    world.seal(2)
    world.forge("UPDATE ledger.tree_edges SET edge = ARRAY[decode(repeat('22', 32 * 6), 'hex')]")
    world.append()
    assert "not the one of the newest checkpoint" in refusal(world)


def test_a_rewritten_history_is_not_signed(world: World):
    """All of it rewritten consistently, tree and checkpoint included: only the head outside knows better."""
    world.seal(2)
    world.forge(
        "DELETE FROM ledger.signatures",
        "DELETE FROM ledger.checkpoints",
        "DELETE FROM ledger.tree_edges",
        "UPDATE ledger.entries SET entry_hash = sha256(entry_hash)",
    )
    world.append()
    assert "do not lead to the head" in refusal(world)


def test_a_keys_note_by_another_root_is_refused(world: World, tmp_path):
    world.round()
    other = KeyRing.create(tmp_path / "other", root_name="muniment.example/root", region_name="x/region")
    log_key = LogKey(other.create_log_key(world.origin).verifier, 0)
    note = sign_keysnote(other.root(), KeysNote(world.origin, 2, world.genesis, (log_key,))).encoded().decode()
    with world.database.connect() as conn:
        conn.execute("SET session_replication_role = replica")
        conn.execute(
            "INSERT INTO ledger.keys_notes VALUES (%s, %s, 2, %s, 2)",
            [world.log, world.tenant, note],
        )
    world.append()
    assert "not one of root key" in refusal(world)


def test_missing_entries_are_not_sealed_over(world: World):
    world.seal(2)
    world.append(5)
    world.forge("DELETE FROM ledger.entries WHERE seq = 8")
    assert "entries are missing" in refusal(world)


CALL = """SELECT ledger.seal(%(log)s, %(from)s, %(size)s, %(root)b, %(edge)b, '{}', '{}', '{}',
    ARRAY['x'], ARRAY['\\x00000000'::bytea], ARRAY['\\x00'::bytea])"""


def test_the_database_takes_no_tree_that_does_not_hold_the_entries(world: World):
    world.round()
    world.append(1)
    good = world.hashes()
    for leaves in ([*good[:-1], bytes(32)], good[:-1], good[1:] + good[:1], [*good, bytes(32)]):
        values = {"log": world.log, "from": 4, "size": 5, "root": bytes(32), "edge": [b"".join(leaves)]}
        with pytest.raises(psycopg.errors.CheckViolation, match="do not hold its entries"):
            _call(world, values)
    assert len(checkpoints(world)) == 1


def _call(world: World, values: dict) -> object:
    with tenant_transaction(world.conn, world.tenant):
        return world.conn.execute(CALL, values).fetchone()


def test_the_database_takes_no_size_beyond_the_log_or_at_a_sealed_one(world: World):
    world.round()
    edge = [b"".join(world.hashes())]
    for start, size in ((4, 5), (4, 4), (4, 3)):
        with pytest.raises(psycopg.errors.CheckViolation):
            _call(world, {"log": world.log, "from": start, "size": size, "root": bytes(32), "edge": edge})
    assert _call(world, {"log": world.log, "from": 0, "size": 4, "root": bytes(32), "edge": edge}) == (False,)


def test_another_tenant_cannot_seal_the_log(database: Database, world: World, tmp_path):
    other = World(database, tmp_path, name="other")
    values = {"log": world.log, "from": 0, "size": 4, "root": bytes(32), "edge": [b""]}
    with pytest.raises(psycopg.errors.NoDataFound), tenant_transaction(other.conn, other.tenant):
        other.conn.execute(CALL, values)
    other.close()


@pytest.mark.parametrize("role", ["app", "ingest", "auditor"])
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO ledger.tiles SELECT * FROM ledger.tiles",
        "UPDATE ledger.tiles SET hashes = hashes",
        "DELETE FROM ledger.checkpoints",
        "UPDATE ledger.checkpoints SET root = root",
        "INSERT INTO ledger.signatures SELECT * FROM ledger.signatures",
        "UPDATE ledger.signatures SET signature = signature",
        "UPDATE ledger.tree_edges SET size = 0",
        "DELETE FROM ledger.keys_notes",
        "TRUNCATE ledger.tiles",
    ],
)
def test_no_role_writes_the_stored_tree_directly(world: World, role, statement):
    with world.database.connect(role) as conn:
        conn.execute("SELECT set_config('muniment.tenant', %s, true)", [str(world.tenant)])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(statement)


@pytest.mark.parametrize("role", ["ingest", "auditor"])
def test_only_the_application_may_seal(world: World, role):
    with world.database.connect(role) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(CALL, {"log": world.log, "from": 0, "size": 4, "root": bytes(32), "edge": [b""]})


# --- crashes -------------------------------------------------------------------------------------------------------


class PowerCut(BaseException):
    pass


def test_a_crash_between_head_file_and_commit_publishes_that_very_note_later(world: World, monkeypatch):
    world.seal(2)
    world.append(3)

    def cut(*_: object) -> bool:
        raise PowerCut

    with monkeypatch.context() as patch:
        patch.setattr(seal_module, "_publish", cut)
        with pytest.raises(PowerCut):
            world.round()
    signed = world.heads.read(world.origin)
    assert len(checkpoints(world)) == 1
    world.append(4)
    world.clock += 100
    done = world.round()
    assert [sealed.note for sealed in done.sealed] == [signed]
    assert [sealed.size for sealed in world.round().sealed] == [world.first + 9]
    assert [root_of(world.hashes()[:size]) for size, _ in checkpoints(world)] == [
        root for _, root in checkpoints(world)
    ]


def test_a_crash_before_the_very_first_commit_is_recovered_too(world: World, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(seal_module, "_publish", lambda *_: (_ for _ in ()).throw(PowerCut()))
        with pytest.raises(PowerCut):
            world.round()
    signed = world.heads.read(world.origin)
    assert [sealed.note for sealed in world.round().sealed] == [signed]


def test_a_crash_while_the_head_file_is_written_leaves_the_old_one(world: World, monkeypatch):
    first = world.seal(2)
    world.append(3)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(PowerCut()))
        with pytest.raises(PowerCut):
            world.round()
    assert world.heads.read(world.origin) == first.note
    assert world.seal(0).size == world.first + 5


def test_the_head_file_is_on_disk_before_the_checkpoint_is_committed(world: World, monkeypatch):
    world.round()
    world.append(1)
    seen: list[tuple[bytes | None, int]] = []
    publish = seal_module._publish

    def watching(*arguments: object) -> bool:
        seen.append((world.heads.read(world.origin), len(checkpoints_elsewhere(world))))
        return publish(*arguments)

    monkeypatch.setattr(seal_module, "_publish", watching)
    sealed = world.round().sealed[0]
    assert seen == [(sealed.note, 1)]


def checkpoints_elsewhere(world: World) -> list[tuple]:
    with world.database.connect() as conn:
        return conn.execute("SELECT size FROM ledger.checkpoints").fetchall()


def test_sealers_at_the_same_time_never_publish_two_heads_of_one_size(world: World, tmp_path):
    """Two machines, each with heads of its own, and a writer beside them."""
    world.round()
    heads = [world.heads, HeadDirectory(tmp_path / "other-heads")]
    heads[1].path.mkdir()
    heads[1].record({world.origin: world.heads.read(world.origin)})
    stop, notes, errors = threading.Event(), [], []

    def run(directory: HeadDirectory) -> None:
        try:
            with world.database.connect("app", autocommit=True) as conn:
                sealer = seal_module.Sealer(world.ring, directory, clock=lambda: world.clock)
                while not stop.is_set():
                    done = sealer.round(conn)
                    notes.extend(sealed.note for sealed in done.sealed)
                    errors.extend(done.refused)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(directory,)) for directory in (*heads, *heads)]
    for thread in threads:
        thread.start()
    for _ in range(60):
        world.append(3)
    stop.set()
    for thread in threads:
        thread.join()
    assert errors == []
    world.round()
    sizes = [parse_signed_checkpoint(note)[1].size for note in notes]
    assert len(sizes) == len(set(sizes))
    hashes = world.hashes()
    assert all(root_of(hashes[:size]) == root for size, root in checkpoints(world))
    assert checkpoints(world)[-1][0] == len(hashes)


def test_a_key_that_is_not_at_hand_is_named(world: World):
    world.append()
    for path in (world.ring.directory / "logs").iterdir():
        path.unlink()
    assert "no key file" in refusal(world)


def test_a_region_key_that_no_keys_note_names_is_refused(world: World):
    world.append()
    (world.ring.directory / "region.key").unlink()
    FileSigner.create(world.ring.directory / "region.key", "muniment.example/region", 4)
    assert "no cosigner" in refusal(world)


def test_heads_of_strange_origins_are_refused_before_they_become_paths(tmp_path):
    with pytest.raises(ValueError, match="origin"):
        HeadDirectory(tmp_path).file("../../etc/passwd")
