import psycopg
import pytest

from muniment.core.body import check_body
from muniment.core.checkpoint import parse_signed_checkpoint
from muniment.core.entry import parse_entry
from muniment.core.errors import Malformed, Refused, VerificationFailed
from muniment.core.keysnote import Cosigner, Revocation, verify_keysnote
from muniment.core.note import verify_note
from muniment.keys import FileSigner
from muniment.ledger.audit_walks import walk_log
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.keysnotes import issue_first, issue_next, read_keysnotes
from muniment.ledger.read import entry_at
from muniment.ledger.seal_adopt import adopt_head
from muniment.verifier.pins import Pins
from tests.ledger.seal_world import NOW, World, tenant_connection
from tests.support.databases import Database


@pytest.fixture
def world(database: Database, tmp_path):
    made = World(database, tmp_path)
    yield made
    made.close()


def issue(world: World, **what):
    with tenant_transaction(world.conn, world.tenant):
        return issue_next(world.conn, log_id=world.log, root=world.ring.root(), **what)


def test_a_new_logs_first_note_stands_in_the_log_as_a_body(world: World):
    with tenant_connection(world) as conn:
        [note] = read_keysnotes(conn, world.log)
        entry, body = entry_at(conn, world.log, 2)
    keys = verify_keysnote(note, world.ring.root_verifier())
    assert (keys.origin, keys.number, keys.genesis) == (world.origin, 1, world.genesis)
    event = parse_entry(entry.text).event
    assert (event.action, body.body) == ("keys.publish", note)
    check_body(event.body.commit, event.body.len, body.salt, body.body)


def test_a_second_first_note_is_refused(world: World):
    with pytest.raises(Refused, match="already"), tenant_transaction(world.conn, world.tenant):
        issue_first(
            world.conn,
            log_id=world.log,
            root=world.ring.root(),
            log_key=world.ring.log_keys(world.origin)[0].verifier,
            cosigners=(),
        )


def test_a_rotated_key_signs_every_checkpoint_that_contains_its_note_and_no_earlier_one(world: World):
    before = world.seal(3)
    old, new = world.ring.log_keys(world.origin)[0].verifier, world.ring.create_log_key(world.origin).verifier
    keys = issue(world, log_key=new)
    after = world.seal(1)
    assert keys.number == 2
    assert keys.logs[1].size == before.size + 1
    for sealed, key in ((before, old), (after, new)):
        note, checkpoint = parse_signed_checkpoint(sealed.note)
        assert keys.log_key_at(checkpoint.size) == key
        assert [found for found, _ in verify_note(note, [old, new])] == [key]
    found = walk_log(world.conn, world.tenant, world.log, pins=Pins(root=world.ring.root_verifier()), heads=world.heads)
    assert found.ok, found.report["findings"]


def test_a_head_signed_by_the_old_key_is_continued_with_the_new_one(world: World):
    world.seal(3)
    issue(world, log_key=world.ring.create_log_key(world.origin).verifier)
    world.seal(1)
    assert world.seal(1).size == world.first + 6


def test_a_revoked_log_key_seals_nothing_more(world: World):
    world.seal(1)
    key = world.ring.log_keys(world.origin)[0].verifier
    issue(world, revoked=[Revocation(key, NOW)])
    world.append()
    done = world.round()
    assert done.sealed == []
    assert "revoked" in str(done.refused[0])
    issue(world, log_key=world.ring.create_log_key(world.origin).verifier)
    assert world.round().sealed


def test_further_cosigners_and_revocations_are_sorted_into_the_note(world: World):
    more = [Cosigner(FileSigner(f"w{n}.example", 4, bytes([n]) * 32).verifier, NOW) for n in (3, 1, 2)]
    keys = issue(world, cosigners=more, revoked=[Revocation(world.ring.region().verifier, NOW + 10)])
    assert len(keys.cosigners) == 4
    with tenant_connection(world) as conn:
        assert verify_keysnote(read_keysnotes(conn, world.log)[-1], world.ring.root_verifier()) == keys


def test_a_key_that_stands_there_already_is_refused_and_nothing_is_recorded(world: World):
    size = len(world.hashes())
    with pytest.raises(Malformed):
        issue(world, log_key=world.ring.log_keys(world.origin)[0].verifier)
    assert len(world.hashes()) == size


def test_another_root_cannot_continue_the_notes(world: World):
    with pytest.raises(VerificationFailed), tenant_transaction(world.conn, world.tenant):
        issue_next(world.conn, log_id=world.log, root=FileSigner("muniment.example/root", 1, b"x" * 32))


def test_another_tenant_cannot_issue_notes_for_the_log(database: Database, world: World, tmp_path):
    other = World(database, tmp_path, name="other")
    with pytest.raises(Refused, match="no such log"), tenant_transaction(other.conn, other.tenant):
        issue_next(other.conn, log_id=world.log, root=world.ring.root())
    other.close()


@pytest.mark.parametrize("number", [1, 3])
def test_the_database_takes_no_number_but_the_next(world: World, number):
    call = "SELECT ledger.publish_keys_note('system:muniment', %s, %s, 'x', %s, 'base-1', NULL)"
    with pytest.raises(psycopg.Error, match="not the next one"):
        world.rows(call, world.log, number, bytes(32))


# --- adopting a lost head ------------------------------------------------------------------------------------------


def adopt(world: World):
    return adopt_head(world.conn, world.ring, world.heads, world.tenant, world.log)


def test_an_adopted_head_lets_sealing_go_on_and_is_recorded(world: World):
    sealed = world.seal(3)
    world.heads.file(world.origin).unlink()
    assert adopt(world).size == sealed.size
    assert world.heads.read(world.origin) == sealed.note
    [[action, labels]] = world.rows(
        "SELECT action, labels FROM ledger.entries WHERE log_id = %s ORDER BY seq DESC LIMIT 1", world.log
    )
    assert (action, labels[1]) == ("head.adopt", f"head.size={sealed.size}")
    assert world.seal(1).size == sealed.size + 2


def test_a_head_that_is_there_is_never_replaced(world: World):
    world.seal(3)
    with pytest.raises(Refused, match="not replaced"):
        adopt(world)


def test_nothing_is_adopted_from_a_log_that_was_never_sealed(world: World):
    with pytest.raises(Refused, match="never sealed"):
        adopt(world)


def test_a_forged_checkpoint_is_not_adopted(world: World):
    world.seal(3)
    world.heads.file(world.origin).unlink()
    world.forge("UPDATE ledger.checkpoints SET root = sha256(root)")
    size = len(world.hashes())
    with pytest.raises(Refused):
        adopt(world)
    assert world.heads.read(world.origin) is None
    assert len(world.hashes()) == size
