"""What log records become that are events."""

import hashlib
from typing import Any

import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from muniment.server.otlp.drafting import drafts_of
from tests.otlp.spans import AT, SOURCE, TRACE, any_value, labels, logs, made, pairs, span, traces


def record(name: str = "", attributes: dict[str, Any] | None = None, **fields: Any) -> LogRecord:
    return LogRecord(event_name=name, attributes=pairs(attributes or {}), **{"time_unix_nano": AT, **fields})


def claude(name: str, **attributes: Any) -> LogRecord:
    return record("", {"event.name": name, **attributes}, body=any_value(f"claude_code.{name}"))


def test_a_log_line_without_an_event_name_is_refused_by_name_and_events_are_recorded() -> None:
    request = logs(record(body=any_value("GET / 200")), record("x.deployed"))
    found = drafts_of(request.SerializeToString(), "application/x-protobuf", "logs", SOURCE)
    assert list(found.refused) == [0]
    assert "no event name" in found.refused[0]
    assert [draft.submission.event.action for _, draft in found.made] == ["x.otel.log"]


@pytest.mark.parametrize(
    ("told", "action", "outcome"),
    [
        (claude("user_prompt", prompt="…"), "agent.step", "unknown"),
        (claude("tool_decision", tool_name="Bash", decision="reject", source="user_reject"), "tool.refuse", "denied"),
        (claude("tool_decision", tool_name="Bash", decision="accept", source="config"), "agent.step", "success"),
        (claude("tool_result", tool_name="Bash", success="false"), "tool.result", "failure"),
        (claude("tool_result", tool_name="Bash", success=True), "tool.result", "success"),
        (claude("api_request", model="claude", input_tokens=5), "model.result", "success"),
        (claude("api_error", model="claude", error="overloaded"), "model.result", "failure"),
        (claude("something_new"), "x.otel.log", "unknown"),
        (record("", {"event.name": "codex.tool_decision", "decision": "denied"}), "tool.refuse", "denied"),
        (record("", {"event.name": "codex.tool_result", "success": "true"}), "tool.result", "success"),
        (record("gen_ai.client.inference.operation.details", {"gen_ai.request.model": "m"}), "model.result", "unknown"),
        (record("gen_ai.choice"), "x.otel.log", "unknown"),
        (record("failed", {"error.type": "E"}), "x.otel.log", "failure"),
    ],
)  # fmt: skip
def test_events_of_known_agents_are_read_by_the_table(told: LogRecord, action: str, outcome: str) -> None:
    (event,) = made(logs(told, service="claude-code"))
    assert (event["action"], event["outcome"]) == (action, outcome)


def test_a_refused_tool_names_the_tool_and_who_refused_it() -> None:
    decision = claude("tool_decision", tool_name="Bash", decision="reject", source="user_reject")
    (event,) = made(logs(decision, service="claude-code"))
    assert (event["tool"], event["actor"]["id"]) == ("Bash", "agent:claude-code")
    assert (labels(event)["decision.source"], labels(event)["otel.event"]) == (
        "user_reject",
        "claude_code.tool_decision",
    )


def test_an_everyday_word_in_an_unknown_event_is_no_label() -> None:
    (event,) = made(logs(record("letter.read", {"source": "a patient's letter", "model": "m"})))
    assert "patient" not in str(event["labels"])
    assert event["said"]["attributes"]["source"] == "a patient's letter"


def test_an_event_within_a_sampled_span_is_caused_by_it() -> None:
    around = span("around")
    (outer,) = made(traces(around))
    inside = {"trace_id": TRACE, "span_id": around.span_id}
    (sampled,) = made(logs(record("x.done", **inside, flags=1)))
    (unsampled,) = made(logs(record("x.done", **inside)))
    assert sampled["causes"] == [f"{SOURCE}/{outer['id']}"]
    assert sampled["trace"] == {"id": TRACE.hex(), "span": around.span_id.hex()}
    assert "causes" not in unsampled


def test_the_same_record_sent_again_is_the_same_event_and_two_alike_in_one_request_are_two() -> None:
    one = record("x.done", {"n": 1})
    first, second = made(logs(one, one))
    assert first["id"] != second["id"]
    assert [event["id"] for event in made(logs(one, one))] == [first["id"], second["id"]]
    assert made(logs(one, service="other"))[0]["id"] != first["id"]


@pytest.mark.parametrize(
    "fields", [{"trace_id": b"\1"}, {"span_id": b"\1" * 8}, {"trace_id": TRACE, "span_id": b"\1" * 7}]
)
def test_a_log_record_with_wrong_ids_is_refused(fields: dict[str, bytes]) -> None:
    request = logs(record("x.done", **fields))
    found = drafts_of(request.SerializeToString(), "application/x-protobuf", "logs", SOURCE)
    assert list(found.refused) == [0]


def test_a_record_without_a_time_has_the_time_at_which_it_was_observed_or_the_servers() -> None:
    (observed,) = made(logs(record("x.done", time_unix_nano=0, observed_time_unix_nano=AT)))
    (none,) = made(logs(record("x.done", time_unix_nano=0)))
    assert observed["occurred_at"].endswith(".123456789Z")
    assert labels(none)["otel.time"] == "missing"


def test_a_large_body_is_cut_with_its_length_and_hash() -> None:
    (event,) = made(logs(record("x.done", body=any_value("y" * 100_000))))
    assert event["said"]["body"]["sha256"] == hashlib.sha256(b"y" * 100_000).hexdigest()
