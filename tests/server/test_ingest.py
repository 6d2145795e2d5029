"""Appending over HTTP: what is recorded, what a retry answers, and how results are told."""

import base64
import gzip
import json

import orjson

from muniment.core.body import check_body
from muniment.core.entry import entry_hash, parse_entry
from tests.server.events import complete, event, ulid
from tests.support.servers import Tenant

NDJSON = {"Content-Type": "application/x-ndjson"}


def test_a_receipt_names_log_event_place_and_hash(tenant: Tenant) -> None:
    with tenant.client() as append, tenant.client("read") as read:
        answer = append.post("/api/events", json={"event": event(), "payload": {"q": 1}})
        receipt = answer.json()
        stored = read.get(f"/api/entries/{receipt['seq']}").json()
    assert answer.status_code == 201
    assert (receipt["v"], receipt["state"], receipt["log"]) == (1, "recorded", tenant.origin)
    text = orjson.dumps(stored["entry"])
    assert entry_hash(text).hex() == receipt["entry_hash"] == stored["entry_hash"]
    assert parse_entry(text).event.id == receipt["id"]
    assert receipt["recorded_at"] < receipt["seal_by"]


def test_a_payload_is_kept_byte_for_byte_and_matches_its_commitment(tenant: Tenant) -> None:
    payload = '{ "big": 12345678901234567890123.50,  "z":1, "a":"\\u00e9\\/" }'
    with tenant.client() as append:
        text = f'{{"event":{json.dumps(event())},"payload": {payload} }}'
        receipt = append.post("/api/events", content=text, headers={"Content-Type": "application/json"}).json()
        body = append.get(f"/api/entries/{receipt['seq']}/body")
        stated = append.get(f"/api/entries/{receipt['seq']}").json()["entry"]["event"]["body"]
    assert body.content == payload.encode()
    salt = base64.b64decode(body.headers["Muniment-Salt"])
    check_body(bytes.fromhex(stated["commit"]), stated["len"], salt, body.content)
    assert body.headers["Content-Type"] == "application/octet-stream"


def test_each_key_has_a_source_of_its_own_for_events_that_name_none(tenant: Tenant) -> None:
    _, token = tenant.new_key("append")
    sources = []
    for client in (tenant.client(), tenant.client(), tenant.with_token(token)):
        with client:
            seq = client.post("/api/events", json={"event": event()}).json()["seq"]
            sources.append(client.get(f"/api/entries/{seq}").json()["entry"]["event"]["source"]["id"])
    assert sources[0] == sources[1] != sources[2]


def test_a_complete_event_sent_again_gets_its_first_receipt(tenant: Tenant) -> None:
    submission = complete(f"src_{ulid()}")
    with tenant.client() as client:
        first = client.post("/api/events", json=submission)
        again = client.post("/api/events", json=submission)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()


def test_a_retry_whose_salt_and_time_the_server_made_is_recognised_by_its_payload(tenant: Tenant) -> None:
    submission = {"event": event(id=f"evt_{ulid()}"), "payload": {"q": "same"}}
    with tenant.client() as client:
        first = client.post("/api/events", json=submission)
        again = client.post("/api/events", json=submission)
        other = client.post("/api/events", json={**submission, "payload": {"q": "other"}})
        without = client.post("/api/events", json={"event": submission["event"]})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert [answer.status_code for answer in (other, without)] == [409, 409]
    assert other.json()["type"] == "urn:muniment:problem:event-conflict"
    assert other.json()["field"] == "id"


def test_an_event_without_an_id_is_a_new_event_each_time(tenant: Tenant) -> None:
    with tenant.client() as client:
        receipts = [client.post("/api/events", json={"event": event(), "payload": 1}).json() for _ in range(2)]
    assert receipts[0]["id"] != receipts[1]["id"]
    assert receipts[1]["seq"] == receipts[0]["seq"] + 1


def test_the_good_ones_of_a_partly_bad_batch_are_recorded_and_the_bad_ones_named(tenant: Tenant) -> None:
    submissions = [
        {"event": event()},
        {"event": event(actor={"id": "", "type": "agent"})},
        {"event": event(), "payload": [1, 2]},
        {"event": event(surprise=1)},
        {"event": event(action="tool.cal")},
        "nothing",
    ]
    with tenant.client() as client:
        answer = client.post("/api/events", json={"events": submissions})
    assert answer.status_code == 207
    results = answer.json()["results"]
    assert [result.get("state", result.get("status")) for result in results] == [
        "recorded",
        422,
        "recorded",
        422,
        422,
        422,
    ]
    assert [(results[at]["index"], results[at].get("field")) for at in (1, 3, 4, 5)] == [
        (1, "actor.id"),
        (3, "surprise"),
        (4, "action"),
        (5, None),
    ]
    assert results[2]["seq"] == results[0]["seq"] + 1


def test_lines_are_recorded_or_refused_one_by_one(tenant: Tenant) -> None:
    lines = [
        orjson.dumps({"event": event()}),
        b"{not json",
        b"",
        b'{"event":"\xff"}',
        orjson.dumps({"event": event(), "payload": "x"}) + b"\r",
        b'{"event":{}} trailing',
    ]
    with tenant.client() as client:
        answer = client.post("/api/events", content=b"\n".join(lines), headers=NDJSON)
    results = answer.json()["results"]
    assert answer.status_code == 207
    kinds = [result.get("type", "recorded").rpartition(":")[2] for result in results]
    assert kinds == ["recorded", "malformed-json", "malformed-encoding", "recorded", "malformed-json"]
    assert [result.get("index") for result in results] == [None, 1, 2, None, 4]


def test_a_batch_of_which_nothing_is_good_is_422_with_results(tenant: Tenant) -> None:
    with tenant.client() as client:
        answer = client.post("/api/events", json={"events": [{"event": {}}, {"evnt": {}}]})
    assert answer.status_code == 422
    assert [result["index"] for result in answer.json()["results"]] == [0, 1]


def test_the_same_id_twice_in_one_batch_is_one_entry_or_a_conflict(tenant: Tenant) -> None:
    one = complete(f"src_{ulid()}")
    other = {**one, "event": {**one["event"], "outcome": "failure"}}
    with tenant.client() as client:
        results = client.post("/api/events", json={"events": [one, one, other]}).json()["results"]
    assert results[0] == results[1]
    assert results[2]["status"] == 409
    assert results[2]["index"] == 2


def test_a_compressed_batch_is_read(tenant: Tenant) -> None:
    packed = gzip.compress(orjson.dumps({"events": [{"event": event()}] * 20}))
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    with tenant.client() as client:
        answer = client.post("/api/events", content=packed, headers=headers)
    assert answer.status_code == 201
    assert len(answer.json()["results"]) == 20


def test_a_body_too_large_to_keep_is_committed_to_and_said_to_be_missing(tenant: Tenant) -> None:
    payload = "x" * 300_000
    submission = {"event": event(id=f"evt_{ulid()}"), "payload": payload}
    with tenant.client() as client:
        receipt = client.post("/api/events", json=submission).json()
        again = client.post("/api/events", json=submission)
        entry = client.get(f"/api/entries/{receipt['seq']}").json()
        body = client.get(f"/api/entries/{receipt['seq']}/body")
    assert entry["entry"]["event"]["body"]["len"] == 300_002
    assert entry["body"] == {"state": "not_stored"}
    assert body.status_code == 404
    assert body.json()["type"] == "urn:muniment:problem:body-not-stored"
    assert again.status_code == 200


def test_controls_of_the_mapping_stand_in_the_entry_beside_the_event_s_own(tenant: Tenant) -> None:
    with tenant.client() as client:
        receipt = client.post("/api/events", json={"event": event(controls=["soc2:A1.2"])}).json()
        entry = client.get(f"/api/entries/{receipt['seq']}").json()["entry"]
    assert "soc2:A1.2" in entry["controls"]
    assert "soc2:CC7.2" in entry["controls"]
    assert entry["controls"] == sorted(entry["controls"])
    assert entry["event"]["controls"] == ["soc2:A1.2"]
