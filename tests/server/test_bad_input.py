"""Bad input to the ingest: each kind is a problem that names event and field, and nothing of it is recorded."""

import base64
import gzip
import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.server.events import complete, event, ulid
from tests.support.servers import Tenant

JSON = {"Content-Type": "application/json"}


def size_of(tenant: Tenant) -> int:
    with tenant.client("read") as client:
        return int(client.get("/api/log").json()["size"])


def post(tenant: Tenant, content: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
    with tenant.client() as client:
        return client.post("/api/events", content=content, headers=JSON | (headers or {}))


def assert_problem(answer: httpx.Response, status: int, kind: str, field: str | None = None) -> None:
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert (answer.status_code, problem["status"]) == (status, status), problem
    assert problem["type"] == f"urn:muniment:problem:{kind}", problem
    assert problem.get("field") == field, problem
    assert problem["title"]
    assert problem["detail"]


WHOLE = {
    "not JSON": (b"{", "malformed-json"),
    "empty": (b"", "malformed-json"),
    "invalid UTF-8": (b'{"event":{"action":"\xff"}}', "malformed-encoding"),
    "an encoded surrogate": (b'{"event":{"action":"\xed\xa0\x80"}}', "malformed-encoding"),
    "a byte-order mark": (b'\xef\xbb\xbf{"event":{}}', "malformed-json"),
    "a NUL byte": (b'{"event":{"action":"a\x00b"}}', "malformed-json"),
    "NaN": (b'{"event":{},"payload":NaN}', "malformed-json"),
    "infinity": (b'{"event":{},"payload":-Infinity}', "malformed-json"),
    "something behind it": (b'{"event":{}}{"event":{}}', "malformed-json"),
    "a cut string": (b'{"event":{"action":"tool', "malformed-json"),
    "single quotes": (b"{'event':{}}", "malformed-json"),
    "a comma too many": (b'{"event":{},}', "malformed-json"),
    "a value without an end, deeper than any scanner": (b'{"event":' + b"[" * 100_000, "malformed-json"),
}


@pytest.mark.parametrize("name", WHOLE)
def test_what_is_not_json_is_refused_as_a_whole(tenant: Tenant, name: str) -> None:
    content, kind = WHOLE[name]
    before = size_of(tenant)
    assert_problem(post(tenant, content), 400, kind)
    assert size_of(tenant) == before


EVENTS = {
    "an unknown key": (event(extra=1), "extra"),
    "a missing key": (event(outcome=None), "outcome"),
    "null": ({**event(), "tool": None}, "tool"),
    "an empty array": (event(labels=[]), "labels"),
    "an unsorted array": (event(labels=["b=1", "a=1"]), "labels[1]"),
    "a number where a string belongs": (event(tool=7), "tool"),
    "a string where an object belongs": (event(actor="agent"), "actor"),
    "a boolean where an integer belongs": (
        event(source={"id": "src_01KAY9M2Z7Q4WXYH3J8V5T6R0C", "seq": True, "epoch": "0" * 32, "prev": "0" * 64}),
        "source.seq",
    ),
    "a fraction": (event(body={"commit": "0" * 64, "len": 1.5, "scheme": 1, "type": "a/b"}), "body.len"),
    "an integer beyond 2^53": (event(body={"commit": "0" * 64, "len": 2**53, "scheme": 1, "type": "a/b"}), "body.len"),
    "year 9999": (event(occurred_at="9999-12-31T23:59:59.999999999Z"), "occurred_at"),
    "a leap second": (event(occurred_at="2016-12-31T23:59:60.000000000Z"), "occurred_at"),
    "a time without nanoseconds": (event(occurred_at="2026-03-01T14:23:07Z"), "occurred_at"),
    "an escaped NUL": (event(tool="a\0b"), "tool"),
    "a control character": (event(actor={"id": "a\x1b[2J", "type": "agent"}), "actor.id"),
    "an id of another kind": (event(id="01KAY9M2Z7Q4WXYH3J8V5T6R0C"), "id"),
    "a control without framework": (event(controls=["CC6.1"]), "controls[0]"),
    "too many labels": (event(labels=[f"a{at:02d}=1" for at in range(33)]), "labels"),
    "too long a text": (event(tool="x" * 257), "tool"),
    "half a source's numbering": (event(source={"id": "src_01KAY9M2Z7Q4WXYH3J8V5T6R0C", "seq": 1}), "source.epoch"),
    "a control that no catalog has": (event(controls=["soc2:X01"]), "controls[0]"),
    "more controls than an entry holds": (
        event(controls=[f"iso27001-2022:A.5.{at}" for at in range(10, 26)]),
        "controls",
    ),
}


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_that_breaks_the_format_is_refused_by_field(tenant: Tenant, name: str) -> None:
    broken, field = EVENTS[name]
    before = size_of(tenant)
    assert_problem(post(tenant, orjson.dumps({"event": broken})), 422, "invalid-event", field)
    assert size_of(tenant) == before


def test_a_lone_surrogate_is_refused(tenant: Tenant) -> None:
    text = orjson.dumps({"event": event(tool="HERE")}).replace(b"HERE", b"\\ud800")
    assert_problem(post(tenant, text), 422, "invalid-event", "tool")


DUPLICATES = {
    "in the event": (b'{"event":{"action":"tool.call","action":"tool.call"}}', "malformed-json", "event"),
    "escaped, in the event": (b'{"event":{"action":"tool.call","\\u0061ction":"x.a"}}', "malformed-json", "event"),
    "deep in the event": (b'{"event":{"actor":{"id":"a","id":"b"}}}', "malformed-json", "event"),
    "in the payload": (b'{"event":{},"payload":{"a":[{"b":1,"b":2}]}}', "malformed-json", "payload"),
    "in the submission": (b'{"event":{},"event":{}}', "invalid-submission", "event"),
}


@pytest.mark.parametrize("name", DUPLICATES)
def test_a_key_that_occurs_twice_is_refused_wherever_it_stands(tenant: Tenant, name: str) -> None:
    content, kind, field = DUPLICATES[name]
    answer = post(tenant, content)
    assert_problem(answer, answer.status_code, kind, field)
    assert answer.status_code in (400, 422)


def test_two_lists_of_events_are_refused(tenant: Tenant) -> None:
    one = orjson.dumps([{"event": event()}])
    answer = post(tenant, b'{"events":' + one + b',"events":' + one + b"}")
    assert_problem(answer, 422, "invalid-request", "events")


SUBMISSIONS = {
    "no event": ({"payload": 1}, "invalid-submission", "event"),
    "an unknown member": ({"event": event(), "playload": 1}, "invalid-submission", "playload"),
    "payload and body": ({"event": event(), "payload": 1, "body": "AA=="}, "invalid-submission", "body"),
    "a salt without a body": (
        {"event": event(), "salt": base64.b64encode(bytes(32)).decode()},
        "invalid-submission",
        "salt",
    ),
    "a short salt": ({"event": event(), "payload": 1, "salt": "AAAA"}, "invalid-submission", "salt"),
    "lax base64": ({"event": event(), "body": "AA=\n="}, "invalid-submission", "body"),
    "base64 with stray bits": ({"event": event(), "body": "AB=="}, "invalid-submission", "body"),
    "base64 without padding": ({"event": event(), "body": "AA"}, "invalid-submission", "body"),
    "a number as base64": ({"event": event(), "body": 12}, "invalid-submission", "body"),
    "a commitment without its salt": (
        {"event": event(body={"commit": "0" * 64}), "payload": 1},
        "invalid-submission",
        "salt",
    ),
    "another commitment": (
        {"event": event(body={"commit": "0" * 64}), "payload": 1, "salt": base64.b64encode(bytes(32)).decode()},
        "invalid-event",
        "body.commit",
    ),
    "another length": ({"event": event(body={"len": 2}), "payload": 1}, "invalid-event", "body.len"),
    "an action of nobody": ({"event": event(action="tool.cal")}, "unknown-action", "action"),
    "an action of the ledger": ({"event": event(action="keys.publish")}, "reserved-action", "action"),
}


@pytest.mark.parametrize("name", SUBMISSIONS)
def test_a_submission_that_breaks_a_rule_is_refused_by_member(tenant: Tenant, name: str) -> None:
    broken, kind, field = SUBMISSIONS[name]
    before = size_of(tenant)
    assert_problem(post(tenant, orjson.dumps(broken)), 422, kind, field)
    assert size_of(tenant) == before


@pytest.mark.parametrize("depth", [65, 900, 20_000])
def test_deep_nesting_is_refused_and_costs_the_rest_of_the_batch_nothing(tenant: Tenant, depth: int) -> None:
    deep = b"[" * depth + b"]" * depth
    good = orjson.dumps({"event": event()})
    content = (
        b'{"events":[' + good + b',{"event":' + orjson.dumps(event()) + b',"payload":' + deep + b"}," + good + b"]}"
    )
    answer = post(tenant, content)
    assert answer.status_code == 207
    results = answer.json()["results"]
    assert [result.get("index") for result in results] == [None, 1, None]
    assert results[1]["field"] == "payload"


def test_an_allowed_depth_is_recorded(tenant: Tenant) -> None:
    content = b'{"event":' + orjson.dumps(event()) + b',"payload":' + b"[" * 64 + b"]" * 64 + b"}"
    assert post(tenant, content).status_code == 201


def test_brackets_inside_strings_do_not_count_as_depth(tenant: Tenant) -> None:
    assert post(tenant, orjson.dumps({"event": event(), "payload": '["' * 200})).status_code == 201


def test_an_integer_without_end_is_refused_in_an_event_and_kept_in_a_payload(tenant: Tenant) -> None:
    digits = b"9" * 6000
    body = b'{"commit":"' + b"0" * 64 + b'","len":' + digits + b',"scheme":1,"type":"a/b"}'
    bad = orjson.dumps({"event": event(body={"x": 1})}).replace(b'{"x":1}', body)
    assert_problem(post(tenant, bad), 422, "invalid-event", "body.len")
    assert post(tenant, b'{"event":' + orjson.dumps(event()) + b',"payload":' + digits + b"}").status_code == 201


def test_an_envelope_over_the_limit_is_refused_by_the_ledger_alone(tenant: Tenant) -> None:
    big = event(
        causes=[f"src_{'0' * 26}/evt_{at:026d}" for at in range(16)],
        labels=[f"a{at:02d}=" + '"' * 256 for at in range(32)],
        resource={"id": "é" * 512, "type": "x"},
        actor={"id": '"' * 256, "type": "agent"},
    )
    with tenant.client() as client:
        answer = client.post("/api/events", json={"events": [{"event": big}, {"event": event()}]})
    # The grammar bounds an envelope far below 65,535 bytes: the largest one there is is recorded whole.
    assert answer.status_code == 201
    assert len(orjson.dumps(big)) > 15_000


def test_a_body_over_the_limit_is_refused_and_the_client_gets_to_read_why(tenant: Tenant) -> None:
    assert_problem(post(tenant, b" " * (50 << 20)), 413, "body-too-large")


def test_a_streamed_body_over_the_limit_is_refused(tenant: Tenant) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(50):
            yield b" " * (1 << 20)

    with tenant.client() as client:
        assert_problem(client.post("/api/events", content=chunks(), headers=JSON), 413, "body-too-large")


def test_a_compressed_bomb_is_refused_at_the_same_size(tenant: Tenant) -> None:
    bomb = gzip.compress(b" " * (200 << 20), 9)
    assert len(bomb) < 300_000
    assert_problem(post(tenant, bomb, {"Content-Encoding": "gzip"}), 413, "body-too-large")


@pytest.mark.parametrize(
    "content",
    [b"not gzip", gzip.compress(b"{}", mtime=0)[:-4], gzip.compress(b"{}", mtime=0) + b"x"],
    ids=["not gzip", "cut", "trailing byte"],
)
def test_a_broken_compressed_body_is_refused(tenant: Tenant, content: bytes) -> None:
    assert_problem(post(tenant, content, {"Content-Encoding": "gzip"}), 400, "malformed-encoding")


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": ""},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Encoding": "br"},
    ],
)
def test_another_media_type_or_encoding_is_refused(tenant: Tenant, headers: dict[str, str]) -> None:
    assert_problem(post(tenant, orjson.dumps({"event": event()}), headers), 415, "unsupported-media-type")


def test_more_events_than_a_request_may_have_are_refused_before_anything_is_recorded(tenant: Tenant) -> None:
    before = size_of(tenant)
    one = orjson.dumps({"event": event()})
    assert_problem(
        post(tenant, b"\n".join([one] * 5001), {"Content-Type": "application/x-ndjson"}), 413, "too-many-events"
    )
    assert size_of(tenant) == before


@pytest.mark.parametrize("content", [b'{"events":[]}', b'{"events":{}}', b"[]", b"7", b'"x"', b"{}", b"null"])
def test_a_request_without_events_is_refused(tenant: Tenant, content: bytes) -> None:
    answer = post(tenant, content)
    assert_problem(answer, 422, answer.json()["type"].rpartition(":")[2], answer.json().get("field"))


def test_a_fault_in_the_text_of_a_batch_names_the_event_it_stands_in(tenant: Tenant) -> None:
    before = size_of(tenant)
    good = orjson.dumps({"event": event()})
    answer = post(tenant, b'{"events":[' + good + b',{"event":{"action" 1}}]}')
    assert_problem(answer, 400, "malformed-json")
    assert answer.json()["index"] == 1
    assert size_of(tenant) == before


def test_a_source_that_belongs_to_another_key_is_refused_by_name(tenant: Tenant) -> None:
    source = f"src_{ulid()}"
    _, token = tenant.new_key("append")
    with tenant.client() as first, tenant.with_token(token) as second:
        assert first.post("/api/events", json=complete(source)).status_code == 201
        results = second.post("/api/events", json={"events": [complete(source), {"event": event()}]})
    assert results.status_code == 207
    assert results.json()["results"][0]["field"] == "source.id"
    assert results.json()["results"][1]["state"] == "recorded"


def test_an_id_from_the_far_future_ends_in_an_answer_and_not_in_an_error(tenant: Tenant) -> None:
    far = {"event": event(id="evt_7ZZZZZZZZZZZZZZZZZZZZZZZZZ")}
    with tenant.client() as client:
        answer = client.post("/api/events", json={"events": [far, {"event": event()}]})
    assert answer.status_code in (201, 207), answer.text
    assert answer.json()["results"][1]["state"] == "recorded"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_bytes_whatever_end_in_a_server_error(installation_tenant: Tenant, data: st.DataObject) -> None:
    seed = orjson.dumps(
        {"events": [complete("src_01KAY9M2Z7Q4WXYH3J8V5T6R0C"), {"event": event(), "payload": [1.5, None]}]}
    )
    kind = data.draw(st.sampled_from(["bytes", "edit", "tree", "lines"]))
    if kind == "bytes":
        content = data.draw(st.binary(max_size=200))
    elif kind == "tree":
        leaf = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
        names = st.sampled_from(["event", "events", "payload", "body", "salt", "action", "actor", "id", "source"])
        tree = st.recursive(
            leaf, lambda inner: st.lists(inner) | st.dictionaries(names | st.text(), inner), max_leaves=20
        )
        content = json.dumps(data.draw(tree)).encode()
    else:
        at = data.draw(st.integers(0, len(seed)))
        gone = data.draw(st.integers(0, 20))
        content = seed[:at] + data.draw(st.binary(max_size=8)) + seed[at + gone :]
    headers = {"Content-Type": "application/x-ndjson" if kind == "lines" else "application/json"}
    with installation_tenant.client() as client:
        answer = client.post("/api/events", content=content, headers=headers)
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert b"urn:muniment:problem:" in answer.content


def test_a_request_that_is_cut_off_records_nothing_and_the_server_lives(tenant: Tenant) -> None:
    before = size_of(tenant)
    url = urlsplit(tenant.installation.url)
    content = orjson.dumps({"event": event()})
    head = (
        f"POST /api/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {tenant.made.tokens['append']}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content) + 1}\r\n\r\n"
    )
    with socket.create_connection((url.hostname, url.port)) as connection:
        connection.sendall(head.encode() + content)
    assert size_of(tenant) == before
