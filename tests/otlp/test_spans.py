"""What spans of the conventions become."""

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.otlp.conftest import Ledger
from tests.otlp.spans import AT, TRACE, any_value, span, traces

CLIENT = Span.SpanKind.SPAN_KIND_CLIENT
SERVER = Span.SpanKind.SPAN_KIND_SERVER


def labels(event: dict) -> dict[str, str]:
    return dict(label.split("=", 1) for label in event["labels"])


def test_a_model_call_is_two_events_with_model_tokens_finish_and_times(ledger: Ledger) -> None:
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
    answer = ledger.post(traces(call).SerializeToString())
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"", "application/x-protobuf")
    invoke, result = ledger.events()
    assert (invoke["action"], invoke["outcome"]) == ("model.invoke", "unknown")
    assert (result["action"], result["outcome"]) == ("model.result", "success")
    assert invoke["occurred_at"].endswith(".123456789Z")
    assert result["occurred_at"].endswith(".124456789Z")
    assert result["causes"] == [f"{invoke['source']['id']}/{invoke['id']}"]
    assert invoke["trace"] == result["trace"] == {"id": TRACE.hex(), "span": call.span_id.hex()}
    assert invoke["actor"] == {"id": "agent:planner", "type": "agent"}
    assert invoke["resource"] == {"id": "gpt-4o", "type": "model"}
    assert result["resource"] == {"id": "gpt-4o-2024-08-06", "type": "model"}
    assert labels(result) | {"model.tokens.in": "100", "model.tokens.out": "20", "model.finish": "stop"} == labels(result)
    assert not {"model.tokens.in", "model.finish", "model.answered"} & set(labels(invoke))
    assert set(invoke["said"]["attributes"]) == {
        "gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model", "gen_ai.request.temperature",
        "gen_ai.agent.name", "gen_ai.input.messages",
    }  # fmt: skip
    assert result["said"]["attributes"]["gen_ai.output.messages"] == '[{"role":"assistant","parts":[]}]'
    assert result["said"]["attributes"]["custom"] == "kept"
    assert result["said"]["resource"] == {"service.name": "research"}


def test_a_failing_tool_keeps_its_exception(ledger: Ledger) -> None:
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
    happening = call.events.add()
    happening.name = "exception"
    happening.time_unix_nano = AT + 5
    happening.attributes.add(key="exception.type", value=any_value("TimeoutError"))
    assert ledger.post(traces(call).SerializeToString()).content == b""
    called, result = ledger.events()
    assert (called["action"], called["tool"], called["outcome"]) == ("tool.call", "get_weather", "unknown")
    assert called["said"]["attributes"]["gen_ai.tool.call.arguments"] == {"city": "Łódź"}
    assert (result["action"], result["tool"], result["outcome"]) == ("tool.result", "get_weather", "failure")
    assert (labels(result)["error.type"], labels(result)["otel.status"]) == ("TimeoutError", "error")
    assert result["said"]["status"] == {"code": 2, "message": "too slow"}
    assert result["said"]["events"] == [
        {"name": "exception", "time_unix_nano": AT + 5, "attributes": {"exception.type": "TimeoutError"}}
    ]
    assert labels(called)["tool.call.id"] == labels(result)["tool.call.id"] == "call_1"
