"""What spans of each convention become."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from muniment.catalogs import actions
from muniment.server.otlp.conventions import table
from tests.otlp.spans import AT, SOURCE, TRACE, any_value, labels, made, span, traces

CLIENT = Span.SpanKind.SPAN_KIND_CLIENT
SERVER = Span.SpanKind.SPAN_KIND_SERVER
REMOTE = 0x300
ERROR = Status(code=Status.STATUS_CODE_ERROR, message="no")


def test_a_model_call_is_two_events_with_model_tokens_finish_and_times() -> None:
    call = span(
        "chat gpt-4o",
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.request.temperature": 0.5,
            "gen_ai.response.model": "gpt-4o-2024-08-06",
            "gen_ai.response.finish_reasons": ["stop"],
            "gen_ai.usage.input_tokens": 100,
            "gen_ai.usage.output_tokens": 20,
            "gen_ai.agent.name": "planner",
            "gen_ai.input.messages": '[{"role":"user","parts":[]}]',
            "gen_ai.output.messages": '[{"role":"assistant","parts":[]}]',
            "custom": "kept",
        },
        kind=CLIENT,
    )
    invoke, result = made(traces(call))
    assert (invoke["action"], invoke["outcome"]) == ("model.invoke", "unknown")
    assert (result["action"], result["outcome"]) == ("model.result", "success")
    assert invoke["occurred_at"].endswith(".123456789Z")
    assert result["occurred_at"].endswith(".124456789Z")
    assert result["causes"] == [f"{SOURCE}/{invoke['id']}"]
    assert invoke["trace"] == result["trace"] == {"id": TRACE.hex(), "span": call.span_id.hex()}
    assert invoke["actor"] == {"id": "agent:planner", "type": "agent"}
    assert invoke["resource"] == {"id": "gpt-4o", "type": "model"}
    assert result["resource"] == {"id": "gpt-4o-2024-08-06", "type": "model"}
    told = labels(result)
    assert (told["model.tokens.in"], told["model.tokens.out"], told["model.finish"]) == ("100", "20", "stop")
    assert (told["otel.duration-ns"], told["otel.status"], told["otel.scope"]) == ("1000000", "unset", "tests")
    assert not {"model.tokens.in", "model.finish", "model.answered"} & set(labels(invoke))
    assert set(invoke["said"]["attributes"]) == {
        "gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model", "gen_ai.request.temperature",
        "gen_ai.agent.name", "gen_ai.input.messages",
    }  # fmt: skip
    assert result["said"]["attributes"]["gen_ai.output.messages"] == '[{"role":"assistant","parts":[]}]'
    assert result["said"]["attributes"]["custom"] == "kept"
    assert result["said"]["resource"] == {"service.name": "research"}


def test_a_failing_tool_keeps_its_arguments_and_its_exception() -> None:
    call = span(
        "execute_tool get_weather",
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "get_weather",
            "gen_ai.tool.call.id": "call_1",
            "gen_ai.tool.call.arguments": {"city": "Łódź"},
            "error.type": "TimeoutError",
        },
        status=Status(code=Status.STATUS_CODE_ERROR, message="too slow"),
    )
    happening = call.events.add(name="exception", time_unix_nano=AT + 5)
    happening.attributes.add(key="exception.type", value=any_value("TimeoutError"))
    called, result = made(traces(call))
    assert (called["action"], called["tool"], called["outcome"]) == ("tool.call", "get_weather", "unknown")
    assert called["said"]["attributes"]["gen_ai.tool.call.arguments"] == {"city": "Łódź"}
    assert (result["action"], result["tool"], result["outcome"]) == ("tool.result", "get_weather", "failure")
    assert (labels(result)["error.type"], labels(result)["otel.status"]) == ("TimeoutError", "error")
    assert result["said"]["status"] == {"code": 2, "message": "too slow"}
    assert result["said"]["events"] == [
        {"name": "exception", "time_unix_nano": AT + 5, "attributes": {"exception.type": "TimeoutError"}}
    ]
    assert labels(called)["tool.call.id"] == labels(result)["tool.call.id"] == "call_1"


@pytest.mark.parametrize(
    ("attributes", "actions_made", "tool", "model", "actor"),
    [
        ({"gen_ai.operation.name": "embeddings", "gen_ai.request.model": "e"}, "model", None, "e", "agent:research"),
        ({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "A"}, "agent", None, None, "agent:A"),
        ({"gen_ai.operation.name": "invoke_workflow"}, "step", None, None, "agent:research"),
        ({"gen_ai.operation.name": "retrieval", "gen_ai.data_source.id": "d"}, "tool", "name", None, "agent:research"),
        (
            {"mcp.method.name": "tools/call", "gen_ai.tool.name": "t", "gen_ai.operation.name": "execute_tool"},
            "tool", "t", None, "agent:research",
        ),
        ({"mcp.method.name": "resources/read"}, "resource", None, None, "agent:research"),
        ({"mcp.method.name": "prompts/get", "gen_ai.prompt.name": "p"}, "mcp", None, None, "agent:research"),
        ({"mcp.method.name": "notifications/message"}, "notice", None, None, "agent:research"),
        ({"openinference.span.kind": "LLM", "llm.model_name": "m"}, "model", None, "m", "agent:research"),
        ({"openinference.span.kind": "TOOL", "tool.name": "t"}, "tool", "t", None, "agent:research"),
        ({"openinference.span.kind": "TOOL"}, "tool", "name", None, "agent:research"),
        ({"openinference.span.kind": "RETRIEVER"}, "tool", "name", None, "agent:research"),
        ({"openinference.span.kind": "AGENT", "agent.name": "B"}, "agent", None, None, "agent:B"),
        ({"openinference.span.kind": "CHAIN"}, "step", None, None, "agent:research"),
        ({"traceloop.span.kind": "tool", "traceloop.entity.name": "t"}, "tool", "t", None, "agent:research"),
        ({"traceloop.span.kind": "agent", "traceloop.entity.name": "C"}, "agent", None, None, "agent:C"),
        ({"traceloop.span.kind": "workflow", "traceloop.entity.name": "w"}, "step", None, None, "agent:research"),
        ({"llm.request.type": "chat", "gen_ai.request.model": "m"}, "model", None, "m", "agent:research"),
        ({"gen_ai.system": "openai", "gen_ai.request.model": "m"}, "model", None, "m", "agent:research"),
        ({"http.request.method": "GET"}, "span", None, None, "service:research"),
        ({}, "span", None, None, "service:research"),
    ],
)  # fmt: skip
def test_each_convention_is_read_by_the_table(
    attributes: dict[str, Any], actions_made: str, tool: str | None, model: str | None, actor: str
) -> None:
    family = table().families[actions_made]
    events = made(traces(span("name", attributes)))
    assert [event["action"] for event in events] == [name for name in (family.opens, family.closes) if name]
    assert {event.get("tool") for event in events} == {tool}
    assert {event["actor"]["id"] for event in events} == {actor}
    if model is not None:
        assert {event["resource"]["id"] for event in events} == {model}


def test_every_action_of_the_table_is_registered_and_every_row_names_a_convention() -> None:
    for family in table().families.values():
        assert actions.is_registered(family.opens)
        assert family.closes is None or actions.is_registered(family.closes)
    assert all(actions.is_registered(row.action) for row in table().logs)
    assert {row.family for row in table().spans} <= set(table().families)


def test_a_child_is_caused_by_its_parent_even_if_the_parent_comes_in_a_later_request() -> None:
    parent = span("agent", {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "A"})
    child = span("tool", {"gen_ai.tool.name": "t", "gen_ai.operation.name": "execute_tool"})
    child.parent_span_id = parent.span_id
    called, _ = made(traces(child))
    started, _ = made(traces(parent))
    assert called["causes"] == [f"{SOURCE}/{started['id']}"]
    assert labels(called)["otel.parent"] == parent.span_id.hex()


def test_within_a_request_causes_come_before_effects() -> None:
    parent = span("agent", {"gen_ai.operation.name": "invoke_agent"}, start_time_unix_nano=AT - 10)
    child = span("step", start_time_unix_nano=AT, parent_span_id=parent.span_id)
    assert [event["action"] for event in made(traces(child, parent))] == ["agent.start", "x.otel.span", "agent.finish"]


def test_a_parent_in_another_process_is_named_by_a_label_and_not_claimed_as_an_event_of_this_source() -> None:
    (served,) = made(traces(span("served", parent_span_id=b"\1" * 8, flags=REMOTE, kind=SERVER)))
    assert "causes" not in served
    assert labels(served)["otel.parent"] == "01" * 8


def test_links_become_causes_beside_the_parent() -> None:
    other = span("earlier", trace_id=b"\7" * 16)
    joined = span("joined", parent_span_id=b"\1" * 8)
    joined.links.add(trace_id=other.trace_id, span_id=other.span_id, attributes=[])
    joined.links.add(trace_id=b"\6" * 16, span_id=b"\6" * 8, flags=REMOTE)
    joined.links.add(trace_id=b"short", span_id=b"\6" * 8)
    (earlier,) = made(traces(other))
    (event,) = made(traces(joined))
    assert f"{SOURCE}/{earlier['id']}" in event["causes"]
    assert len(event["causes"]) == 2
    assert [link["span_id"] for link in event["said"]["links"]] == [other.span_id.hex(), "06" * 8, "06" * 8]


def test_more_links_than_an_event_has_causes_are_all_in_the_body() -> None:
    joined = span("joined", parent_span_id=b"\1" * 8)
    for number in range(40):
        joined.links.add(trace_id=TRACE, span_id=bytes([number + 2]) * 8)
    (event,) = made(traces(joined))
    assert len(event["causes"]) == 16
    assert len(event["said"]["links"]) == 40


def test_a_span_that_calls_itself_its_parent_is_not_its_own_cause() -> None:
    one = span("one")
    one.parent_span_id = one.span_id
    one.links.add(trace_id=one.trace_id, span_id=one.span_id)
    (event,) = made(traces(one))
    assert "causes" not in event


def test_an_agent_that_is_asked_over_the_network_is_a_delegation_by_the_one_who_asks() -> None:
    (event,) = made(
        traces(span("invoke", {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "B"}, kind=CLIENT))
    )
    assert event["action"] == "agent.delegate"
    assert event["actor"]["id"] == "agent:research"
    assert event["resource"] == {"id": "B", "type": "agent"}


def outcomes() -> Iterator[tuple[dict[str, Any], dict[str, Any], str]]:
    yield {}, {}, "success"
    yield {"status": Status(code=Status.STATUS_CODE_OK)}, {}, "success"
    yield {"status": ERROR}, {}, "failure"
    yield {}, {"error.type": "timeout"}, "failure"
    yield {"status": Status(code=Status.STATUS_CODE_OK)}, {"error.type": "handled"}, "success"
    yield {"end_time_unix_nano": 0}, {}, "unknown"
    yield {"status": Status(code=77)}, {}, "unknown"  # type: ignore[arg-type]


@pytest.mark.parametrize(("fields", "attributes", "outcome"), list(outcomes()))
def test_the_status_is_the_outcome(fields: dict[str, Any], attributes: dict[str, Any], outcome: str) -> None:
    assert made(traces(span("x", attributes, **fields)))[0]["outcome"] == outcome


def test_the_same_span_is_the_same_event_in_whatever_company_and_encoding_it_comes() -> None:
    one, other = span("one", {"a": 1}), span("other")
    first = made(traces(one, other))[0]
    again = made(traces(one))[0]
    assert {**first, "body": 0} == {**again, "body": 0}


def test_command_lines_of_the_resource_are_not_recorded() -> None:
    secret = {"process.command_line": "agent --token=hush", "process.command_args": ["--token=hush"], "host.name": "h"}
    (event,) = made(traces(span("x"), **secret))
    assert event["said"]["resource"] == {"service.name": "research", "host.name": "h"}


def test_words_that_are_names_in_one_tools_logs_stay_contents_in_spans() -> None:
    (event,) = made(traces(span("x", {"source": "a patient's letter", "model": "m", "decision": "d"})))
    assert "patient" not in str(event["labels"])
    assert event["said"]["attributes"]["source"] == "a patient's letter"


def test_a_workspace_is_taken_from_the_resource_if_it_is_one() -> None:
    (event,) = made(traces(span("x"), **{"muniment.workspace": "wks-1"}))
    (odd,) = made(traces(span("x"), **{"muniment.workspace": "not a workspace"}))
    assert event["workspace"] == "wks-1"
    assert "workspace" not in odd


def test_an_mcp_resource_is_named_by_its_uri_on_either_side_of_the_wire() -> None:
    read = {"mcp.method.name": "resources/read", "mcp.resource.uri": "file:///x"}
    for kind, actor in ((CLIENT, "agent"), (SERVER, "service")):
        events = made(traces(span("resources/read", read, kind=kind)))
        assert {event["resource"]["id"] for event in events} == {"file:///x"}
        assert {event["actor"]["type"] for event in events} == {actor}


def test_the_page_for_people_names_every_action_and_convention_of_the_table() -> None:
    page = (Path(__file__).parents[2] / "docs" / "capture" / "otlp.md").read_text(encoding="utf-8")
    named = {action for family in table().families.values() for action in (family.opens, family.closes) if action}
    named |= {row.action for row in table().logs} | {row.attribute for row in table().spans}
    named |= {name for row in table().logs for name in row.names}
    assert [name for name in sorted(named) if f"`{name}`" not in page] == []
