import io
import json
import time
from datetime import UTC, datetime

import psycopg
import pytest

from muniment.anchors.authorities import load_authorities
from muniment.core.timestamp import note_imprint, parse_token
from muniment.core.timestamp_proof import verify_token
from muniment.ledger.anchor_record import log_of, record_anchor, record_failure, set_cadence
from muniment.ledger.anchors import (
    anchor_facts,
    attempts,
    cadence,
    newest_anchors,
)
from muniment.ledger.audit_walks import walk_log
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.export import BundleRequest, bundle_chunks
from muniment.ledger.walk_entries import walk_entry
from muniment.server.anchoring import Anchoring, anchor
from muniment.server.background import PartlyFailed
from muniment.verifier.anchors import TimestampTrust
from muniment.verifier.bundle import verify_bundle
from muniment.verifier.pins import Pins
from tests.anchors.conftest import Anchored
from tests.ledger.seal_world import World
from tests.support.tsa import Tsa, forge


def anchors(anchored: Anchored):
    with tenant_transaction(anchored.world.conn, anchored.world.tenant):
        return newest_anchors(anchored.world.conn, anchored.world.log, limit=10)


def recorded(anchored: Anchored, action: str) -> list[dict]:
    rows = anchored.world.rows("SELECT entry FROM ledger.entries WHERE action = %s ORDER BY seq", action)
    return [json.loads(row[0]) for row in rows]


def test_a_sealed_log_is_anchored_and_the_token_is_an_entry(anchored: Anchored) -> None:
    sealed = anchored.world.seal(3)
    said = Anchoring(anchored.places)(anchored.world.conn)
    (anchor,) = anchors(anchored)
    assert said == f"anchored {anchored.world.origin} at size {sealed.size} with here"
    assert (anchor.size, anchor.authority) == (sealed.size, "here")
    proven = verify_token(parse_token(anchor.token), note_imprint(sealed.note), [anchored.tsa.root])
    assert proven.time == int(anchor.stamped_at.timestamp()) * 1_000_000
    assert anchor.valid_until == datetime.fromtimestamp(anchored.tsa.ends, UTC)
    (entry,) = recorded(anchored, "anchor.record")
    assert entry["seq"] == anchor.seq
    assert entry["event"]["resource"] == {"id": str(sealed.size), "type": "checkpoint"}


def test_what_was_anchored_is_not_anchored_again_until_something_new_comes(anchored: Anchored) -> None:
    anchored.world.seal(3)
    job = Anchoring(anchored.places)
    job(anchored.world.conn)
    assert job(anchored.world.conn) == ""
    assert len(anchors(anchored)) == 1
    assert len(anchored.served.asked) == 1


def test_without_an_authority_nothing_happens_and_it_is_said(anchored: Anchored) -> None:
    (anchored.places.home / "anchors.toml").unlink()
    anchored.world.seal(3)
    assert Anchoring(anchored.places)(anchored.world.conn) == "no timestamp authority is configured"


def test_a_failing_authority_is_counted_recorded_once_and_said_until_it_works(anchored: Anchored) -> None:
    anchored.world.seal(3)
    anchored.served.status = 503
    job = Anchoring(anchored.places)
    for _ in range(2):
        with pytest.raises(PartlyFailed, match=r"here gives no timestamp \(unreachable\): it answers with status 503"):
            job(anchored.world.conn)
    with tenant_transaction(anchored.world.conn, anchored.world.tenant):
        (attempt,) = attempts(anchored.world.conn, anchored.world.log)
    assert (attempt.failures, attempt.word) == (1, "unreachable")
    assert len(anchored.served.asked) == 1
    (entry,) = recorded(anchored, "anchor.refuse")
    assert entry["event"]["outcome"] == "failure"
    assert "anchor.word=unreachable" in entry["event"]["labels"]


def walk(anchored: Anchored):
    world = anchored.world
    return walk_log(world.conn, world.tenant, world.log, pins=Pins(root=world.ring.root_verifier()), entry=True)


def test_the_result_of_a_full_walk_is_an_entry(anchored: Anchored) -> None:
    anchored.world.seal(3)
    found = walk(anchored)
    assert (found.ok, found.unrecorded) == (True, "")
    (entry,) = recorded(anchored, "audit.walk")
    assert entry["seq"] == found.total_rows
    assert entry["event"]["outcome"] == "success"
    assert entry["event"]["labels"] == [f"walk.rows={found.total_rows}", "walk.run=1"]
    with tenant_transaction(anchored.world.conn, anchored.world.tenant):
        assert walk_entry(anchored.world.conn, anchored.world.log, 1) == entry["seq"]
        assert walk_entry(anchored.world.conn, anchored.world.log, 2) is None


def test_the_result_of_a_walk_that_found_something_says_so_in_the_log(anchored: Anchored) -> None:
    anchored.world.seal(3)
    anchored.world.forge("UPDATE ledger.entries SET tool = 'other' WHERE seq = 5")
    assert not walk(anchored).ok
    (entry,) = recorded(anchored, "audit.walk")
    assert entry["event"]["outcome"] == "failure"


def test_a_log_that_takes_no_entry_has_its_walk_recorded_all_the_same(anchored: Anchored) -> None:
    anchored.world.seal(3)
    anchored.world.forge("UPDATE ledger.logs SET state = 'closed'")
    found = walk(anchored)
    assert found.number == 1
    assert found.unrecorded.startswith("its result could not be recorded as an entry")
    assert recorded(anchored, "audit.walk") == []


def test_a_bundle_carries_the_token_and_verifies_against_the_pinned_root(anchored: Anchored) -> None:
    world = anchored.world
    sealed = world.seal(3)
    Anchoring(anchored.places)(world.conn)
    world.seal(4)
    with tenant_transaction(world.conn, world.tenant):
        parts = [
            b"".join(bundle_chunks(world.conn, BundleRequest(world.log, world.origin, seqs)))
            for seqs in ([sealed.size - 1], None, [sealed.size + 2])
        ]
    trust = TimestampTrust((anchored.tsa.root,), int(time.time()))
    pins = Pins(root=world.ring.root_verifier(), timestamps=trust)
    covered, whole, later = (verify_bundle(io.BytesIO(part), pins, workers=1) for part in parts)
    for report in (covered, whole):
        assert (report.verdict, report.check("anchors").state) == ("verified", "passed"), report.findings
        assert report.anchors[0].size == sealed.size
    assert (later.verdict, later.check("anchors").reason) == ("verified", "no timestamp token")


def test_an_expired_token_goes_into_a_bundle_with_what_renews_it(anchored: Anchored) -> None:
    world, now = anchored.world, time.time()
    old = Tsa(anchored.tsa.directory / "old", ends=now - 1000)
    first = world.seal(3)
    store(anchored, first, old, now - 5000)
    world.seal(2)
    second = world.seal(2)
    store(anchored, second, anchored.tsa, now - 3000)
    with tenant_transaction(world.conn, world.tenant):
        asked = BundleRequest(world.log, world.origin, [first.size - 1])
        data = b"".join(bundle_chunks(world.conn, asked))
    trust = TimestampTrust((anchored.tsa.root, old.root), int(now))
    report = verify_bundle(io.BytesIO(data), Pins(root=world.ring.root_verifier(), timestamps=trust), workers=1)
    assert report.verdict == "verified", report.findings
    assert [(one.size, one.state) for one in report.anchors] == [(first.size, "holds"), (second.size, "holds")]


def store(anchored: Anchored, sealed, tsa: Tsa, at: float) -> None:
    """Record a token of the past."""
    world, imprint = anchored.world, note_imprint(sealed.note)
    with tenant_transaction(world.conn, world.tenant):
        record_anchor(
            world.conn,
            log_id=world.log,
            size=sealed.size,
            authority="here",
            token=forge(tsa, imprint, at),
            imprint=imprint,
            stamped_at=datetime.fromtimestamp(int(at), UTC),
            valid_until=datetime.fromtimestamp(int(tsa.ends), UTC),
            evidence={},
        )


def test_a_token_that_ends_soon_is_renewed_even_where_nothing_happens(anchored: Anchored) -> None:
    world, now = anchored.world, time.time()
    soon = Tsa(anchored.tsa.directory / "soon", ends=now + 86_400)
    first = world.seal(3)
    store(anchored, first, soon, now)
    world.forge("UPDATE ledger.anchors SET recorded_at = recorded_at - interval '2 minutes'")
    job = Anchoring(anchored.places)
    job(world.conn)
    assert len(recorded(anchored, "anchor.renew")) == 1
    job(world.conn)
    assert len(recorded(anchored, "anchor.renew")) == 1
    assert [one.size for one in anchors(anchored)] == [first.size]
    # The entry that asks for growth is sealed after half of the promised time.
    world.forge("UPDATE ledger.logs SET seal_within = 1")
    done = world.round()
    while not done.sealed:
        done = world.round()
    job(world.conn)
    newest = anchors(anchored)[0]
    assert newest.size == done.sealed[-1].size > anchors(anchored)[1].seq
    assert newest.valid_until == datetime.fromtimestamp(anchored.tsa.ends, UTC)


def test_each_tenant_has_its_own_cadence(anchored: Anchored) -> None:
    world = anchored.world
    with tenant_transaction(world.conn, world.tenant):
        assert set_cadence(world.conn, by="system:test", log_id=world.log, every=7200) is not None
        assert set_cadence(world.conn, by="system:test", log_id=world.log, every=7200) is None
        assert cadence(world.conn, world.log) == 7200
    (entry,) = recorded(anchored, "tenant.change")
    assert entry["event"]["labels"] == ["anchor-every=7200"]
    world.seal(3)
    job = Anchoring(anchored.places)
    job(world.conn)
    world.seal(3)
    job(world.conn)
    assert len(anchors(anchored)) == 1
    world.forge("UPDATE ledger.anchors SET recorded_at = recorded_at - interval '2 hours'")
    job(world.conn)
    assert len(anchors(anchored)) == 2


def test_pauses_after_failures_double_up_to_an_hour(anchored: Anchored) -> None:
    world = anchored.world
    sealed = world.seal(3)
    pauses = []
    for _ in range(9):
        with tenant_transaction(world.conn, world.tenant):
            log = log_of(world.conn, world.log)
            record_failure(world.conn, log, authority="here", size=sealed.size, word="too-slow", reason="slow")
        with tenant_transaction(world.conn, world.tenant):
            (attempt,) = attempts(world.conn, world.log)
        assert attempt.retry_at is not None
        pauses.append(round((attempt.retry_at - attempt.tried_at).total_seconds()))
    assert pauses == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert len(recorded(anchored, "anchor.refuse")) == 1


def test_a_good_answer_ends_the_failing(anchored: Anchored) -> None:
    world = anchored.world
    sealed = world.seal(3)
    with tenant_transaction(world.conn, world.tenant):
        log = log_of(world.conn, world.log)
        record_failure(world.conn, log, authority="here", size=sealed.size, word="too-slow", reason="slow")
    outcome = anchor(world.conn, anchored.log, load_authorities(anchored.places.home / "anchors.toml").all[0])
    assert outcome.seq is not None
    with tenant_transaction(world.conn, world.tenant):
        (attempt,) = attempts(world.conn, world.log)
        facts = anchor_facts(world.conn, world.log)
    assert (attempt.failures, attempt.word, facts.failing) == (0, None, ())
    assert facts.newest is not None
    again = anchor(world.conn, anchored.log, load_authorities(anchored.places.home / "anchors.toml").all[0])
    assert again.seq is None


def test_an_authority_that_cannot_be_reached_is_asked_once_a_round(anchored: Anchored, tmp_path) -> None:
    anchored.world.seal(3)
    other = World(anchored.world.database, tmp_path / "other", name="other")
    other.append(3)
    # Each world has keys of its own, and cannot seal the other's log.
    assert [one.origin for one in other.round().sealed] == [other.origin]
    anchored.served.status = 503
    with pytest.raises(PartlyFailed):
        Anchoring(anchored.places)(anchored.world.conn)
    refusals = other.rows("SELECT labels FROM ledger.entries WHERE action = 'anchor.refuse'")
    other.close()
    assert len(anchored.served.asked) == 1
    assert refusals == [(["anchor.authority=here", "anchor.word=unreachable"],)]
    assert len(recorded(anchored, "anchor.refuse")) == 1


def test_no_role_changes_a_token_or_writes_one_past_the_function(anchored: Anchored) -> None:
    anchored.world.seal(3)
    Anchoring(anchored.places)(anchored.world.conn)
    for statement in ("UPDATE ledger.anchors SET token = 'x'", "DELETE FROM ledger.anchors"):
        with (
            pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"),
            anchored.world.database.connect("superuser") as connection,
        ):
            connection.execute(statement)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), anchored.world.database.connect("app") as connection:
        connection.execute("INSERT INTO ledger.anchors SELECT * FROM ledger.anchors")


def anchors_check(anchored: Anchored) -> dict:
    world = anchored.world
    trust = TimestampTrust((anchored.tsa.root,), int(time.time()))
    pins = Pins(root=world.ring.root_verifier(), timestamps=trust)
    found = walk_log(world.conn, world.tenant, world.log, pins=pins)
    return next(check for check in found.report["checks"] if check["name"] == "anchors")


def test_a_walk_verifies_every_stored_token(anchored: Anchored) -> None:
    anchored.world.seal(3)
    Anchoring(anchored.places)(anchored.world.conn)
    found = anchors_check(anchored)
    assert (found["state"], found["count"]) == ("passed", 1)


def test_a_walk_finds_a_token_that_was_changed_or_is_gone(anchored: Anchored) -> None:
    sealed = anchored.world.seal(3)
    Anchoring(anchored.places)(anchored.world.conn)
    anchored.world.forge("UPDATE ledger.anchors SET token = set_byte(token, 900, get_byte(token, 900) # 1)")
    found = anchors_check(anchored)
    assert found["state"] == "failed"
    assert "the token stored for it is not the one that it records" in found["reason"]
    anchored.world.forge("DELETE FROM ledger.anchors")
    assert "is not stored any more" in anchors_check(anchored)["reason"]
    assert sealed.size
