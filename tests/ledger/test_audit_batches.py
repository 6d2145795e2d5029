"""Batches of a walk: cut small, read by several processes, and never sounder than the rows one by one."""

import pytest

from muniment.core.event import Source
from muniment.ledger import audit_spread
from muniment.ledger.audit import check_log
from muniment.ledger.audit_batch import BatchReader
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.submission import Submission
from muniment.verifier.pins import Pins
from muniment.verifier.report import Report
from tests.ledger.seal_world import World, event, rich
from tests.support.databases import Database


@pytest.fixture
def world(database: Database, tmp_path, monkeypatch):
    monkeypatch.setattr(audit_spread, "BATCH", 16)
    made = World(database, tmp_path)
    for start in (0, 20, 40):
        made.append(submissions=[rich(n) for n in range(start, start + 20)])
        made.round()
    made.append(submissions=[Submission(event(n, actor=event(n).actor, labels=('q=a"b\\c',))) for n in range(60, 65)])
    yield made
    made.close()


def check(world: World, *, workers: int = 1) -> Report:
    pins = Pins(root=world.ring.root_verifier(), genesis=world.genesis)
    return check_log(world.conn, world.tenant, world.log, pins=pins, heads=world.heads, workers=workers)[1]


def without_batches(world: World, monkeypatch) -> Report:
    with monkeypatch.context() as patch:
        patch.setattr(BatchReader, "read", lambda *_: None)
        return check(world)


def test_batches_and_rows_give_the_same_report(world: World, monkeypatch):
    in_batches = check(world)
    assert in_batches.verdict == "verified"
    assert not in_batches.failed, in_batches.findings
    assert in_batches.as_json() == without_batches(world, monkeypatch).as_json()


def test_several_processes_give_the_same_report(world: World):
    assert check(world, workers=2).as_json() == check(world).as_json()


def test_a_sound_log_is_read_in_batches_but_for_the_keys_note(world: World, monkeypatch):
    refused = []
    read = BatchReader.read

    def watched(reader: BatchReader, connection, first: int, end: int):
        found = read(reader, connection, first, end)
        if found is None:
            refused.append(first)
        return found

    monkeypatch.setattr(BatchReader, "read", watched)
    assert not check(world).failed
    assert refused == [2]


def test_batches_follow_one_another_and_leave_nothing_out():
    assert list(audit_spread.batches(0, 0, frozenset())) == []
    cut = list(audit_spread.batches(3, 2500, frozenset({1, 3, 700, 701, 2499, 2500})))
    assert [place for start, end in cut for place in range(start, end)] == list(range(3, 2500))
    assert {(3, 4), (700, 701), (701, 702), (2499, 2500)} <= set(cut)
    assert max(end - start for start, end in cut) <= audit_spread.BATCH


TAMPERING = {
    "an edited column": "UPDATE ledger.entries SET tool = 'other' WHERE seq = 37",
    "a deleted entry": "DELETE FROM ledger.entries WHERE seq = 37",
    "a deleted batch": "DELETE FROM ledger.entries WHERE seq BETWEEN 32 AND 47",
    "an edited text": "UPDATE ledger.entries SET entry = replace(entry, 'agent:', 'agent;') WHERE seq = 37",
    "an edited body": "UPDATE ledger.bodies SET body = '\\x00' WHERE seq = 37",
    "a lengthened body": "UPDATE ledger.bodies SET body = body || '\\x00' WHERE seq = 37",
    "a removed body": "DELETE FROM ledger.bodies WHERE seq = 37",
    "a removed control": "DELETE FROM ledger.entry_controls WHERE seq = 37",
    "a removed label": "DELETE FROM ledger.entry_labels WHERE seq = 67",
    "a moved label": "UPDATE ledger.entry_labels SET seq = 17 WHERE seq = 67",
    "an event id recorded at another time": (
        "UPDATE ledger.event_ids SET recorded_at = recorded_at + interval '1 second' WHERE seq = 37"
    ),
    "an item that is no string": "UPDATE ledger.entries SET controls = ARRAY['a', NULL] WHERE seq = 37",
    "an array of another shape": "UPDATE ledger.entries SET labels = ARRAY[labels] WHERE seq = 37",
    "a list with a quotation mark": "UPDATE ledger.entries SET labels = ARRAY['env=prod\",\"n=11'] WHERE seq = 37",
    "a resource that continues as its type": (
        'UPDATE ledger.entries SET resource_type = resource_type || \'"},"source":{\' WHERE seq = 37'
    ),
    "a forged root": "UPDATE ledger.checkpoints SET root = sha256(root) WHERE size = 44",
    "a checkpoint without signatures": "DELETE FROM ledger.signatures WHERE size = 44",
}


@pytest.mark.parametrize("name", TAMPERING)
def test_what_is_wrong_in_one_batch_is_named_as_the_rows_name_it(world: World, name, monkeypatch):
    world.forge(TAMPERING[name])
    found = check(world)
    assert found.failed
    assert found.as_json() == without_batches(world, monkeypatch).as_json()


def test_a_row_that_cannot_be_read_fails_the_walk_and_does_not_end_it(world: World, monkeypatch):
    """A year before Christ would be written as the same year after, and is beyond the driver's calendar."""
    world.forge(
        "CREATE TABLE ledger.entries_bc PARTITION OF ledger.entries FOR VALUES FROM (MINVALUE) TO ('1900-01-01 BC')",
        "UPDATE ledger.entries SET recorded_at = (recorded_at::timestamp::text || ' BC')::timestamp AT TIME ZONE 'UTC'"
        " WHERE seq = 37",
    )
    found = check(world)
    assert {"form", "chain"} <= {finding.check for finding in found.findings}
    assert found.verdict == "failed"
    assert found.as_json() == without_batches(world, monkeypatch).as_json()


def test_erasures_in_other_batches_and_by_others_are_told_apart(world: World):
    with tenant_transaction(world.conn, world.tenant):
        world.conn.execute("SELECT ledger.erase_body('system:muniment', %s, 17, 'base-1', NULL)", [world.log])
    assert not check(world).failed
    source = Source("src_" + "0" * 26)
    claim = event(900, source=source, action="body.erase", labels=("body.seq=18",))
    world.append(submissions=[Submission(claim)])
    world.forge("UPDATE ledger.bodies SET state = 'erased', body = NULL, salt = NULL WHERE seq = 18")
    assert [(finding.check, finding.position) for finding in check(world).findings] == [("bodies", 18)]
