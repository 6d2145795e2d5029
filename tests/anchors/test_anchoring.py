import json
from datetime import UTC, datetime

import pytest

from muniment.core.timestamp import note_imprint, parse_token
from muniment.core.timestamp_proof import verify_token
from muniment.ledger.anchors import attempts, newest_anchors
from muniment.ledger.connection import tenant_transaction
from muniment.server.anchoring import Anchoring
from muniment.server.background import PartlyFailed
from tests.anchors.conftest import Anchored


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
