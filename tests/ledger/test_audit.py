import psycopg
import pytest

from muniment.keys import FileSigner
from muniment.ledger.audit import check_log
from muniment.ledger.audit_walks import Walk, latest_walk, walk_log
from muniment.ledger.connection import tenant_transaction
from muniment.verifier.pins import Pins
from tests.ledger.seal_world import World, rich
from tests.support.databases import Database


@pytest.fixture
def world(database: Database, tmp_path):
    made = World(database, tmp_path)
    for start in (0, 20, 40):
        made.append(submissions=[rich(n) for n in range(start, start + 20)])
        made.round()
    made.append(submissions=[rich(n) for n in range(60, 65)])
    yield made
    made.close()


def walk(world: World, *, full: bool = True) -> Walk:
    pins = Pins(root=world.ring.root_verifier(), genesis=world.genesis)
    return walk_log(world.conn, world.tenant, world.log, pins=pins, heads=world.heads, full=full)


def states(found: Walk) -> dict[str, str]:
    return {check["name"]: check["state"] for check in found.report["checks"]}


def test_a_sound_log_passes_every_check_that_a_database_allows(world: World):
    found = walk(world)
    assert found.ok, found.report["findings"]
    assert (found.number, found.total_rows, found.broken_at) == (1, 69, None)
    assert found.head == world.hashes()[-1]
    assert {name for name, state in states(found).items() if state != "passed"} == {"pin", "sources", "anchors"}
    assert found.report["trust"] == "pinned"


def test_walks_are_numbered_and_kept(world: World):
    walk(world)
    walk(world, full=False)
    with tenant_transaction(world.conn, world.tenant):
        latest, full = latest_walk(world.conn, world.log), latest_walk(world.conn, world.log, full=True)
    assert (latest.number, full.number) == (2, 1)
    assert latest.report["walk"]["from"] == 64


def test_an_incremental_walk_reads_only_what_came_after_the_last_good_one(world: World):
    walk(world)
    world.append(submissions=[rich(n) for n in range(65, 75)])
    world.round()
    found = walk(world, full=False)
    assert found.ok, found.report["findings"]
    assert (found.report["entries"], found.total_rows) == (79 - 63, 79)
    assert states(found)["chain"] == "passed"


def test_after_a_walk_that_failed_everything_is_read_again(world: World):
    walk(world)
    world.forge("UPDATE ledger.entries SET tool = 'other' WHERE seq = 10")
    assert not walk(world).ok
    found = walk(world, full=False)
    assert not found.ok
    assert found.report["walk"]["from"] == 0


def test_an_auditor_can_walk_without_recording(world: World):
    with world.database.connect("auditor", autocommit=True) as conn:
        _, report = check_log(conn, world.tenant, world.log, pins=Pins(root=world.ring.root_verifier()))
    assert not report.failed, report.findings
    assert report.verdict == "verified"


def test_a_log_that_grows_during_the_walk_is_walked_as_it_began(world: World):
    def grow(*_: int) -> None:
        world.append(1)

    with world.database.connect("app", autocommit=True) as conn:
        standing, report = check_log(conn, world.tenant, world.log, progress=grow)
    assert standing.size == 69
    assert not report.failed


def test_a_walk_of_another_tenants_log_is_refused(database: Database, world: World, tmp_path):
    other = World(database, tmp_path, name="other")
    with pytest.raises(Exception, match="no such log"):
        walk_log(other.conn, other.tenant, world.log)
    other.close()


COLUMN_EDITS = {
    "recorded_at": "recorded_at + interval '1 microsecond'",
    "prev": "sha256(prev)",
    "entry_hash": "sha256(entry_hash)",
    "submitter": "'key:ak_other'",
    "mapping": "'base-2'",
    "controls": "NULL",
    "event_id": "'evt_00000000000000000000000000'",
    "action": "'tool.list'",
    "actor_type": "'user'",
    "actor_id": "'someone'",
    "outcome": "'denied'",
    "occurred_at": "occurred_at + 1",
    "source_id": "'src_00000000000000000000000000'",
    "epoch": "decode(repeat('00', 16), 'hex')",
    "source_seq": "7",
    "source_prev": "decode(repeat('00', 32), 'hex')",
    "tool": "'other'",
    "workspace": "NULL",
    "resource_type": "'other'",
    "resource_id": "'other'",
    "trace_id": "sha256(trace_id)",
    "span_id": "NULL",
    "labels": "ARRAY['a=b']",
    "causes": "ARRAY['x']",
    "event_controls": "ARRAY['soc2:CC6.1']",
    "body_commit": "sha256(body_commit)",
    "body_len": "body_len + 1",
    "body_type": "'text/plain'",
    "body_scheme": "2",
}


def test_every_edited_column_is_named_with_its_entry(world: World):
    places = {column: 10 + at for at, column in enumerate(COLUMN_EDITS)}
    world.forge(*(f"UPDATE ledger.entries SET {c} = {COLUMN_EDITS[c]} WHERE seq = {places[c]}" for c in places))
    found = walk(world)
    assert states(found)["columns"] == "failed"
    assert found.broken_at == 10
    told = {(finding["where"], finding["reason"].split()[2]) for finding in found.report["findings"]}
    assert {(f"entry {seq}", column) for column, seq in places.items()} <= told


HALVES = ("resource_id = 'x'", "span_id = '\\x00'", "body_len = 5", "body_type = 'a/b'", "source_prev = '\\x00'")


@pytest.mark.parametrize("edit", [*HALVES, 'tool = \'x","workspace":"y\'', "labels = '{}'", "causes = '{}'"])
def test_a_column_that_the_text_does_not_have_is_named(world: World, edit):
    """The text that the columns stand for must not simply leave out what only half of a pair says."""
    world.forge(f"UPDATE ledger.entries SET {edit} WHERE seq = {1 if 'resource' in edit else 3}")
    if "resource" in edit:
        world.forge("UPDATE ledger.entries SET resource_type = NULL WHERE seq = 1")
    assert states(walk(world))["columns"] == "failed"


EDIT = "UPDATE ledger.entries SET entry = replace(entry, 'agent:1', 'agent:9') WHERE seq = 17"
NO_LOG_SIGNATURE = "DELETE FROM ledger.signatures WHERE size = 44 AND position = 0"
NO_COSIGNATURE = "DELETE FROM ledger.signatures WHERE size = 44 AND position = 1"

TAMPERING = {
    "an edited text": ("columns", EDIT),
    "an edited text breaks the chain": ("chain", EDIT),
    "an edited text breaks the tree": ("tree", EDIT),
    "a text that is not canonical": ("entries", "UPDATE ledger.entries SET entry = entry || ' ' WHERE seq = 17"),
    "an unreadable text": ("entries", "UPDATE ledger.entries SET entry = 'x' WHERE seq = 17"),
    "a text that no column can be compared with": ("columns", "UPDATE ledger.entries SET entry = 'x' WHERE seq = 17"),
    "a deleted entry": ("chain", "DELETE FROM ledger.entries WHERE seq = 17"),
    "a deleted first entry": ("chain", "DELETE FROM ledger.entries WHERE seq = 0"),
    "a deleted range": ("chain", "DELETE FROM ledger.entries WHERE seq BETWEEN 10 AND 30"),
    "a deleted unsealed entry": ("chain", "DELETE FROM ledger.entries WHERE seq = 66"),
    "a cut tail that is unsealed": ("chain", "DELETE FROM ledger.entries WHERE seq = 68"),
    "swapped entries": (
        "place",
        "UPDATE ledger.entries SET seq = -17 WHERE seq = 17; UPDATE ledger.entries SET seq = 17 WHERE seq = 18;"
        "UPDATE ledger.entries SET seq = 18 WHERE seq = -17",
    ),
    "a doubled entry": (
        "place",
        "CREATE TEMP TABLE t AS SELECT * FROM ledger.entries WHERE seq = 17;"
        "UPDATE t SET recorded_at = recorded_at + interval '1 second'; INSERT INTO ledger.entries SELECT * FROM t",
    ),
    "an entry beyond the head": (
        "head",
        "CREATE TEMP TABLE t AS SELECT * FROM ledger.entries WHERE seq = 17;"
        "UPDATE t SET seq = 500; INSERT INTO ledger.entries SELECT * FROM t",
    ),
    "a lowered head row": ("head", "UPDATE ledger.heads SET size = 60"),
    "a head row with another hash": ("head", "UPDATE ledger.heads SET entry_hash = sha256(entry_hash)"),
    "a head row with another time": ("head", "UPDATE ledger.heads SET last_at = last_at + interval '1 second'"),
    "an edited tile edge": ("tree", "UPDATE ledger.tree_edges SET edge = ARRAY[decode(repeat('22', 32 * 64), 'hex')]"),
    "a shortened tile edge": ("tree", "UPDATE ledger.tree_edges SET edge = '{}'"),
    "a forged root": ("tree", "UPDATE ledger.checkpoints SET root = sha256(root) WHERE size = 44"),
    "a forged checkpoint": (
        "signatures",
        "INSERT INTO ledger.checkpoints SELECT log_id, tenant_id, 50, root, sealed_at, last_at FROM ledger.checkpoints"
        " WHERE size = 44; INSERT INTO ledger.signatures SELECT log_id, tenant_id, 50, position, key_name, key_id,"
        " signature FROM ledger.signatures WHERE size = 44",
    ),
    "a checkpoint without signatures": ("signatures", "DELETE FROM ledger.signatures WHERE size = 44"),
    "a checkpoint without the log's signature": (
        "signatures",
        "DELETE FROM ledger.signatures WHERE size = 44 AND position = 0",
    ),
    "a checkpoint without its cosignature": (
        "cosignatures",
        "DELETE FROM ledger.signatures WHERE size = 44 AND position = 1",
    ),
    "a checkpoint beyond the log": (
        "head",
        "INSERT INTO ledger.checkpoints SELECT log_id, tenant_id, 500, root, sealed_at, last_at FROM ledger.checkpoints"
        " WHERE size = 44",
    ),
    "a removed newest checkpoint": (
        "head",
        "DELETE FROM ledger.signatures WHERE size = 64; DELETE FROM ledger.checkpoints WHERE size = 64",
    ),
    "an edited body": ("bodies", "UPDATE ledger.bodies SET body = '\\x00' WHERE seq = 17"),
    "an edited salt": ("bodies", "UPDATE ledger.bodies SET salt = sha256(salt) WHERE seq = 17"),
    "a removed body row": ("bodies", "DELETE FROM ledger.bodies WHERE seq = 17"),
    "an erasure that no entry tells of": (
        "bodies",
        "UPDATE ledger.bodies SET state = 'erased', body = NULL, salt = NULL WHERE seq = 17",
    ),
    "a removed control": ("columns", "DELETE FROM ledger.entry_controls WHERE seq = 17"),
    "an added control": (
        "columns",
        "CREATE TEMP TABLE t AS SELECT * FROM ledger.entry_controls WHERE seq = 17 LIMIT 1;"
        "UPDATE t SET control = 'other:1'; INSERT INTO ledger.entry_controls SELECT * FROM t",
    ),
    "a removed label": ("columns", "DELETE FROM ledger.entry_labels WHERE seq = 17 AND label = 'env=prod'"),
    "a moved label": (
        "columns",
        "UPDATE ledger.entry_labels SET label = 'env=test' WHERE seq = 17 AND label = 'env=prod'",
    ),
    "a removed event id": ("columns", "DELETE FROM ledger.event_ids WHERE seq = 17"),
    "an event id that leads elsewhere": ("columns", "UPDATE ledger.event_ids SET seq = 18 WHERE seq = 17"),
    "an edited event hash": ("columns", "UPDATE ledger.event_ids SET event_hash = sha256(event_hash) WHERE seq = 17"),
    "another genesis in the log's row": ("genesis", "UPDATE ledger.logs SET genesis_hash = sha256(genesis_hash)"),
    "an edited keys note": ("keys", "UPDATE ledger.keys_notes SET note = replace(note, 'from 0', 'from 1')"),
    "a removed keys note": ("keys", "DELETE FROM ledger.keys_notes"),
    "an entry of another tenant": (
        "chain",
        "UPDATE ledger.entries SET tenant_id = '00000000-0000-0000-0000-000000000001' WHERE seq = 17",
    ),
    "an entry recorded in the past": (
        "columns",
        "UPDATE ledger.entries SET recorded_at = recorded_at - interval '1 second' WHERE seq = 17",
    ),
}


@pytest.mark.parametrize("name", TAMPERING)
def test_tampering_is_caught_by_the_check_it_breaks(world: World, name):
    check, statements = TAMPERING[name]
    world.forge(*statements.split(";"))
    found = walk(world)
    assert not found.ok
    assert states(found)[check] == "failed", found.report["findings"]


def test_a_cut_tail_with_everything_adjusted_is_caught_by_the_head_outside(world: World):
    world.forge(
        "DELETE FROM ledger.signatures WHERE size = 64",
        "DELETE FROM ledger.checkpoints WHERE size = 64",
        "DELETE FROM ledger.event_ids WHERE seq >= 44",
        "DELETE FROM ledger.entry_controls WHERE seq >= 44",
        "DELETE FROM ledger.entry_labels WHERE seq >= 44",
        "DELETE FROM ledger.bodies WHERE seq >= 44",
        "UPDATE ledger.heads h SET size = 44, last_at = e.recorded_at, entry_hash = e.entry_hash"
        " FROM ledger.entries e WHERE e.seq = 43",
        "UPDATE ledger.tree_edges SET size = 44, edge = ARRAY[substr(edge[1], 1, 44 * 32)]",
        "DELETE FROM ledger.entries WHERE seq >= 44",
    )
    found = walk(world)
    assert [name for name, state in states(found).items() if state == "failed"] == ["head"]
    assert "tail was cut" in str(found.report["findings"])


def test_an_edited_full_tile_is_caught(world: World):
    world.append(300)
    world.round()
    assert walk(world).ok
    world.forge("UPDATE ledger.tiles SET hashes = overlay(hashes placing '\\xff'::bytea from 100)")
    found = walk(world)
    assert states(found)["tree"] == "failed"
    assert "tile 0/0" in str(found.report["findings"])


def test_an_edited_edge_is_caught_by_an_incremental_walk_too(world: World):
    world.append(300)
    world.round()
    walk(world)
    world.append(5)
    world.round()
    world.forge("UPDATE ledger.tree_edges SET edge[2] = sha256(edge[2])")
    found = walk(world, full=False)
    assert found.report["walk"]["from"] == 369
    assert states(found)["tree"] == "failed"


def test_a_missing_and_a_changed_head_file_fail_the_head(world: World):
    file = world.heads.file(world.origin)
    note = file.read_bytes()
    file.unlink()
    assert states(walk(world))["head"] == "failed"
    file.write_bytes(note[:20])
    assert states(walk(world))["head"] == "failed"
    file.write_bytes(note)
    assert walk(world).ok


def test_an_erasure_through_the_front_door_is_no_fault(world: World):
    with tenant_transaction(world.conn, world.tenant):
        world.conn.execute("SELECT ledger.erase_body('system:muniment', %s, 17, 'base-1', NULL)", [world.log])
    found = walk(world)
    assert found.ok, found.report["findings"]


def test_a_walk_without_a_root_says_so(world: World):
    found = walk_log(world.conn, world.tenant, world.log, heads=world.heads)
    assert found.ok
    assert found.report["trust"] == "self-attested"


def test_a_root_that_did_not_sign_fails_the_keys(world: World):
    pins = Pins(root=FileSigner("muniment.example/root", 1, bytes(32)).verifier)
    found = walk_log(world.conn, world.tenant, world.log, pins=pins)
    assert states(found)["keys"] == "failed"


def test_no_role_changes_what_walks_found(world: World):
    walk(world)
    for role in ("app", "auditor", "ingest"):
        with world.database.connect(role) as conn:
            conn.execute("SELECT set_config('muniment.tenant', %s, true)", [str(world.tenant)])
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute("UPDATE ledger.walks SET ok = true")
