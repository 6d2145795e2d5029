"""Records that are broken, huge or hostile: each with its outcome."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from muniment.core.event import parse_event
from muniment.server.otlp.conventions import table
from muniment.server.otlp.drafting import Drafts, drafts_of
from muniment.server.otlp.reading import MAX_RECORDS
from muniment.server.otlp.wire import MAX_FIELDS, field
from muniment.server.problems import ProblemError
from tests.otlp.spans import AT, SOURCE, any_value, event_of, labels, made, pairs, span, traces

PROTOBUF = "application/x-protobuf"
TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "t"}


def drafted(data: bytes, media: str = PROTOBUF, signal: str = "traces") -> Drafts:
    return drafts_of(data, media, signal, SOURCE)


def status(data: bytes, signal: str = "traces") -> int:
    """The status of a request that is read, or refused as a whole."""
    try:
        drafted(data, signal=signal)
    except ProblemError as error:
        return error.problem.status
    return 200


def as_json(*spans: dict[str, Any]) -> bytes:
    whole = {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "n"}
    request = {"resourceSpans": [{"scopeSpans": [{"spans": [{**whole, **one} for one in spans]}]}]}
    return json.dumps(request).encode()


def test_a_tool_result_of_10_mb_is_cut_and_its_length_and_hash_are_kept() -> None:
    result = "żółw" * 2_500_000
    called, answered = made(traces(span("t", {**TOOL, "gen_ai.tool.call.result": result})))
    kept = answered["said"]["attributes"]["gen_ai.tool.call.result"]
    assert kept["len"] == len(result.encode()) > 10_000_000
    assert kept["sha256"] == hashlib.sha256(result.encode()).hexdigest()
    assert result.startswith(kept["head"])
    assert answered["body"]["len"] < 262_144
    assert labels(answered)["otel.cut"] == "1"
    assert called["tool"] == "t"


def test_bytes_are_kept_in_base64_and_cut_when_they_are_many() -> None:
    (event,) = made(traces(span("x", {"few": b"\x00\xff", "many": b"\1" * 70_000})))
    assert event["said"]["attributes"]["few"] == {"bytes": "AP8="}
    assert event["said"]["attributes"]["many"] == {
        "cut": "size", "len": 70_000, "sha256": hashlib.sha256(b"\1" * 70_000).hexdigest(),
    }  # fmt: skip


def test_numbers_that_json_cannot_say_are_written_by_name() -> None:
    (event,) = made(traces(span("x", {"nan": float("nan"), "inf": float("-inf"), "big": -(2**63)})))
    assert event["said"]["attributes"] == {"nan": "NaN", "inf": "-Infinity", "big": -(2**63)}


def test_a_key_that_stands_twice_counts_once_and_both_values_are_kept() -> None:
    one = span("x", {"gen_ai.tool.name": "first", "gen_ai.operation.name": "execute_tool"})
    one.attributes.extend(pairs({"gen_ai.tool.name": "second"}))
    _, event = made(traces(one))
    assert event["tool"] == "first"
    assert labels(event)["otel.repeated"] == "gen_ai.tool.name"
    assert event["said"]["repeated"] == [["gen_ai.tool.name", "second"]]


def test_values_that_nest_too_deep_are_cut_where_they_do() -> None:
    value: object = "bottom"
    for _ in range(40):
        value = [value]
    (event,) = made(traces(span("x", {"deep": value})))
    assert labels(event)["otel.cut"] == "1"
    assert '"cut": "depth"' in json.dumps(event["said"])


def test_a_record_that_nests_deeper_than_protobuf_allows_is_refused_and_costs_no_other() -> None:
    raw = any_value("bottom").SerializeToString()
    for _ in range(300):
        raw = field(5, field(1, raw))
    attribute = field(9, field(1, b"deep") + field(2, raw))
    broken = span("bad").SerializeToString() + attribute
    good = span("good").SerializeToString()
    found = drafted(field(1, field(2, field(2, broken) + field(2, good))))
    assert list(found.refused) == [0]
    assert [event_of(draft)["said"]["name"] for _, draft in found.made] == ["good"]


def test_more_values_than_a_record_may_have_are_cut_together() -> None:
    (event,) = made(traces(span("x", {"many": [0] * 20_000, "few": [1]})))
    assert event["said"]["attributes"]["many"]["cut"] == "items"
    assert event["said"]["attributes"]["few"] == [1]


def test_more_attributes_and_span_events_than_a_record_may_have_are_cut() -> None:
    one = span("x", {f"k{number}": number for number in range(10_500)})
    for _ in range(20):
        one.events.add(name="e")
    (event,) = made(traces(one))
    assert len(event["said"]["attributes"]) == 10_000
    assert event["said"]["events"] == {"cut": "items", "len": 20}
    assert labels(event)["otel.cut"] == "2"


@pytest.mark.parametrize(
    "fields",
    [
        {"trace_id": b""}, {"trace_id": bytes(16)}, {"trace_id": b"\1" * 15}, {"trace_id": b"\1" * 17},
        {"span_id": b""}, {"span_id": bytes(8)}, {"span_id": b"\1" * 16},
    ],
)  # fmt: skip
def test_a_span_with_wrong_ids_is_refused_and_the_others_are_not(fields: dict[str, bytes]) -> None:
    found = drafted(traces(span("bad", **fields), span("good")).SerializeToString())
    assert list(found.refused) == [0]
    assert "must be" in found.refused[0]
    assert [number for number, _ in found.made] == [1]


def test_a_parent_id_of_the_wrong_length_does_not_cost_the_span() -> None:
    (event,) = made(traces(span("x", parent_span_id=b"\1\2\3")))
    assert labels(event)["otel.parent"] == "malformed"
    assert event["said"]["parent_span_id"] == "010203"
    assert "causes" not in event


def test_text_that_is_not_utf8_costs_its_own_record_only() -> None:
    broken = span("bad").SerializeToString() + field(5, b"\xff\xfe")
    found = drafted(field(1, field(2, field(2, broken) + field(2, span("good").SerializeToString()))))
    assert list(found.refused) == [0]
    assert len(found.made) == 1


@pytest.mark.parametrize("name", ["", "a\nb", "50% ", "x" * 5_000, "\u202e" * 300, "Ł" * 200])
def test_odd_names_are_escaped_and_never_lose_the_event(name: str) -> None:
    events = made(
        traces(span(name, {**TOOL, "gen_ai.tool.name": name or "\x00", "gen_ai.agent.name": name}), service=name)
    )
    assert len(events) == 2
    (plain,) = made(traces(span(name, {"error.type": name})))
    assert plain["action"] == "x.otel.span"


def test_clocks_that_are_missing_or_far_off_are_kept_as_they_are() -> None:
    (missing,) = made(traces(span("x", start_time_unix_nano=0, end_time_unix_nano=0)))
    assert labels(missing)["otel.time"] == "missing"
    (ahead,) = made(traces(span("x", start_time_unix_nano=2**64 - 1, end_time_unix_nano=0)))
    assert (labels(ahead)["clock.raw"], ahead["occurred_at"][:4]) == (str(2**64 - 1), "2261")
    backwards = made(traces(span("x", TOOL, start_time_unix_nano=AT, end_time_unix_nano=AT - 5)))
    assert [event["action"] for event in backwards] == ["tool.result", "tool.call"]
    assert "otel.duration-ns" not in labels(backwards[0])


def test_every_event_keeps_the_format_with_all_labels_at_once() -> None:
    everything = {f"gen_ai.{name}": "x" for name in ("operation.name", "provider.name", "request.model")}
    everything |= dict.fromkeys(table().exact, "v" * 300)
    everything["mcp.method.name"] = "tools/call"
    one = span("x", everything, dropped_attributes_count=3, parent_span_id=b"\1" * 8)
    one.attributes.extend(pairs({"gen_ai.system": "again"}))
    found = drafted(traces(one, service="\n").SerializeToString())
    for _, draft in found.made:
        assert parse_event(draft.submission.event.text()) == draft.submission.event
        assert len(draft.submission.event.labels) <= 32


@pytest.mark.parametrize(
    "data", [b"\xff" * 20, b"\x0a\xff\x01", b"\x0a\x05\x12", b"\x0b", b"\x00\x01", b"\x0a\x02\x12\x7f"]
)
def test_a_body_that_is_no_protobuf_message_is_refused_whole(data: bytes) -> None:
    with pytest.raises(ProblemError) as caught:
        drafted(data)
    assert caught.value.problem.kind == "malformed-request"


@given(st.binary(max_size=200))
@settings(max_examples=300)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for signal in ("traces", "logs"):
        assert status(data, signal) in (200, 400, 413)


@given(st.data())
@settings(max_examples=100)
def test_a_request_with_any_byte_changed_is_read_or_refused(data: st.DataObject) -> None:
    whole = bytearray(traces(span("x", {**TOOL, "gen_ai.tool.call.arguments": {"a": [1, "b"]}})).SerializeToString())
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    assert status(bytes(whole)) in (200, 400)


def test_a_request_of_empty_records_beyond_the_limit_is_refused_before_they_are_read() -> None:
    empty = field(2, b"")
    with pytest.raises(ProblemError) as caught:
        drafted(field(1, field(2, empty * (MAX_RECORDS + 1))))
    assert caught.value.problem.kind == "too-many-events"
    with pytest.raises(ProblemError):
        drafted(field(1, b"") * (MAX_FIELDS + 1))
    with pytest.raises(ProblemError):
        drafted(b"\x08\x01" * 200_000)


@pytest.mark.parametrize(
    "many",
    [
        field(9, field(1, b"k") + field(2, field(5, field(1, b"") * 200_000))), field(9, b"") * 200_000,
        field(11, b"") * 200_000, field(13, b"") * 200_000, field(11, field(3, b"") * 200_000),
    ],
)  # fmt: skip
def test_a_record_of_very_many_empty_messages_is_refused_before_memory_is_spent_on_it(many: bytes) -> None:
    found = drafted(field(1, field(2, field(2, span("bad").SerializeToString() + many))))
    assert list(found.refused.values()) == ["it has more than 50000 parts"]
    with pytest.raises(ProblemError):
        drafted(field(1, field(1, field(1, b"") * 200_000)))


def test_what_newer_protocols_add_is_passed_over() -> None:
    raw = field(99, 1) + field(
        1, field(98, b"new") + field(2, field(97, b"new") + field(2, span("x").SerializeToString()))
    )
    assert len(drafted(raw).made) == 1


def test_json_ids_are_hexadecimal_in_either_case() -> None:
    found = drafted(as_json({"traceId": "5B8EFFF798038103D269B633813FC60C"}), "application/json")
    event = event_of(found.made[0][1])
    assert event["trace"] == {"id": "5b8efff798038103d269b633813fc60c", "span": "eee19b7ec3c1b174"}


def test_json_and_protobuf_say_the_same() -> None:
    one = Span(
        trace_id=bytes.fromhex("5b8efff798038103d269b633813fc60c"), span_id=bytes.fromhex("eee19b7ec3c1b174"), name="n",
        kind=Span.SpanKind.SPAN_KIND_CLIENT, start_time_unix_nano=AT, end_time_unix_nano=AT + 1,
        attributes=pairs({"gen_ai.operation.name": "chat", "n": 2**62, "raw": b"\0", "list": [True, 1.5]}),
    )  # fmt: skip
    told = {
        "kind": 3, "startTimeUnixNano": str(AT), "endTimeUnixNano": AT + 1, "unknownField": {"x": 1},
        "attributes": [
            {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
            {"key": "n", "value": {"intValue": str(2**62)}},
            {"key": "raw", "value": {"bytesValue": "AA=="}},
            {"key": "list", "value": {"arrayValue": {"values": [{"boolValue": True}, {"doubleValue": 1.5}]}}},
        ],
    }  # fmt: skip
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.append(one)
    by_protobuf = [event_of(draft) for _, draft in drafted(request.SerializeToString()).made]
    by_json = [event_of(draft) for _, draft in drafted(as_json(told), "application/json").made]
    assert [{**event, "body": 0} for event in by_protobuf] == [{**event, "body": 0} for event in by_json]


@pytest.mark.parametrize(
    "broken",
    [
        {"traceId": "W47/95gDgQPSabYzgT/GDA=="}, {"spanId": 7}, {"traceId": "5b"}, {"startTimeUnixNano": -1},
        {"startTimeUnixNano": "soon"}, {"attributes": [{"key": "a", "value": {"intValue": "x"}}]}, {"name": ["n"]},
        {"attributes": {"a": 1}}, {"name": "\ud800"}, {"links": [{"traceId": "xyz"}]}, {"kind": 2**70},
    ],
)  # fmt: skip
def test_a_json_record_that_cannot_be_read_is_refused_and_the_others_are_not(broken: dict[str, Any]) -> None:
    found = drafted(as_json(broken, {"spanId": "0102030405060708"}), "application/json")
    assert list(found.refused) == [0], found
    assert [number for number, _ in found.made] == [1]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"{", "malformed-json"), (b"[]", "malformed-request"), (b'{"resourceSpans":{}}', "malformed-request"),
        (b'{"resourceSpans":[1]}', "malformed-request"), (b'{"resourceSpans":[{"resource":7}]}', "malformed-request"),
        (b'{"a":1,"a":2}', "malformed-json"), (b'{"a":NaN}', "malformed-json"), (b"\xff", "malformed-encoding"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "malformed-json"),
        (b'{"a":' + b"9" * 5_000 + b"}", "malformed-json"),
        (b'{"resourceSpans":[{"resource":{"attributes":[{"key":1}]}}]}', "malformed-request"),
    ],
)  # fmt: skip
def test_json_that_cannot_be_told_apart_into_records_is_refused_whole(data: bytes, kind: str) -> None:
    with pytest.raises(ProblemError) as caught:
        drafted(data, "application/json")
    assert caught.value.problem.kind == kind


def test_json_values_that_nest_too_deep_cost_their_record_only() -> None:
    value: dict[str, Any] = {"stringValue": "bottom"}
    for _ in range(200):
        value = {"arrayValue": {"values": [value]}}
    found = drafted(
        as_json({"attributes": [{"key": "deep", "value": value}]}, {"spanId": "0102030405060708"}), "application/json"
    )
    assert list(found.refused) == [0]
    assert len(found.made) == 1


def test_an_empty_request_is_no_mistake() -> None:
    assert drafted(b"").made == []
    assert drafted(b"{}", "application/json").made == []
