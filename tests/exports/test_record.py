"""The evidence record: each address in it is followed, and the bytes give the hash."""

import base64
import json
from typing import Any

import httpx

from muniment.core.body import commit
from muniment.core.entry import entry_hash
from muniment.core.merkle import verify_inclusion
from muniment.core.tlogproof import parse_tlogproof
from tests.exports.conftest import Taker
from tests.support.people import make_person


def recorded(taker: Taker, **event: Any) -> int:
    with taker.tenant.client() as append:
        said = {"action": "tool.call", "actor": {"id": "agent:a", "type": "agent"}, "outcome": "success", **event}
        answer = append.post("/api/events", json={"event": said, "payload": {"why": "żółw"}})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["seq"])


def addresses(value: Any) -> list[str]:
    """Every address in a record."""
    if isinstance(value, dict):
        return [
            one for name, inner in value.items() for one in ([inner] if name == "uri" and inner else addresses(inner))
        ]
    return [one for inner in value for one in addresses(inner)] if isinstance(value, list) else []


def test_every_address_leads_to_bytes_that_give_the_hash(taker: Taker) -> None:
    seq = recorded(taker, controls=["soc2:CC6.1"], resource={"id": "r", "type": "tool"})
    taker.seal()
    record = taker.get(f"/api/entries/{seq}/record")
    found = {address.split("/")[-1].partition("?")[0]: taker.reading.get(address) for address in addresses(record)}
    assert sorted(found) == ["body", "proof", "text"], "an absolute address each"
    assert all(answer.status_code == 200 for answer in found.values())
    hashed = entry_hash(found["text"].content)
    assert hashed.hex() == record["chain"]["entry_hash"] == record["evidence"]["entry_hash"]
    assert found["text"].headers["Muniment-Entry-Hash"] == hashed.hex()
    salt = base64.b64decode(found["body"].headers["Muniment-Salt"])
    assert commit(salt, found["body"].content).hex() == record["evidence"]["body"]["commit"]
    proof = parse_tlogproof(found["proof"].content)
    verify_inclusion(seq, proof.checkpoint.size, hashed, proof.hashes, proof.checkpoint.root)
    assert record["proof"]["state"] == f"covered by checkpoint {proof.checkpoint.size}"
    keys = {(one["key"], one["of"]) for one in record["proof"]["signatures"]}
    assert (record["chain"]["log"], "the log's key") in keys
    assert len(keys) == 2
    text = json.loads(found["text"].content)
    assert (record["chain"]["prev"], record["recorded_at"]) == (text["prev"], text["recorded_at"])
    assert record["occurred_ns"].endswith(text["event"]["occurred_at"][-10:-1])
    assert record["delivery"] == {"sinks": [], "state": "no sink is configured"}
    assert (record["schema"], record["entry_version"]) == ("muniment-record/1", 3)
    assert record == taker.get(f"/api/entries/{record['event']}/record")


def test_controls_are_marked_by_where_they_come_from(taker: Taker) -> None:
    seq = recorded(taker, controls=["soc2:CC1.1"])
    taker.seal()
    record = taker.get(f"/api/entries/{seq}/record")
    marks = {one["id"]: (one["mark"], one["recorded"]) for one in record["controls"]}
    assert marks["soc2:CC1.1"] == ("event", True)
    assert ("mapping", True) in marks.values()
    assert ("annotation", False) in marks.values()
    held = json.loads(taker.reading.get(record["evidence"]["uri"]).content)["controls"]
    assert sorted(one["id"] for one in record["controls"] if one["recorded"]) == held


def test_what_is_not_sealed_has_no_proof_and_says_so(taker: Taker) -> None:
    record = taker.get(f"/api/entries/{recorded(taker)}/record")
    nothing = {"checkpoint": None, "uri": None, "signatures": []}
    assert record["proof"] == {"state": "not covered by a checkpoint yet", **nothing}


def test_a_record_is_its_tenants_and_needs_the_right_to_read(taker: Taker) -> None:
    seq = recorded(taker)
    record = taker.get(f"/api/entries/{seq}/record")
    other = taker.installation.tenant()
    with other.client("read") as reading:
        assert reading.get(f"/api/entries/{record['event']}/record").status_code == 404
        assert reading.get(f"/api/entries/{seq + 999}/text").status_code == 404
    with taker.tenant.client() as append:
        assert append.get(f"/api/entries/{seq}/record").status_code == 403
        assert append.get(f"/api/entries/{seq}/text").status_code == 200, "its own source's"
    with httpx.Client(base_url=taker.installation.url, trust_env=False) as nobody:
        assert nobody.get(f"/api/entries/{seq}/text").status_code == 401


def test_the_page_of_an_entry_shows_its_record(taker: Taker) -> None:
    seq = recorded(taker, controls=["soc2:CC1.1"])
    taker.seal()
    with make_person(taker.installation, taker.tenant, "analyst").signed_in() as client:
        shown = client.get(f"/t/{taker.tenant.made.slug}/ledger/{seq}").text
    assert f"/t/{taker.tenant.made.slug}/api/entries/{seq}/text" in shown
    assert "no sink is configured" in shown
    assert "laid over it" in shown
