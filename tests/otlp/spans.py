"""Requests as the official encoder writes them."""

import json
import secrets
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from muniment.server.otlp.drafting import drafts_of

SOURCE = "src_01ARYZ6S410000000000000000"
AT = 1_772_375_000_123_456_789
TRACE = bytes.fromhex("5b8efff798038103d269b633813fc60c")


def any_value(value: object) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case str():
            return AnyValue(string_value=value)
        case bytes():
            return AnyValue(bytes_value=value)
        case list():
            return AnyValue(array_value=ArrayValue(values=[any_value(item) for item in value]))
        case dict():
            return AnyValue(kvlist_value=KeyValueList(values=pairs(value)))
    return AnyValue()


def pairs(attributes: dict[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=any_value(value)) for key, value in attributes.items()]


def span(name: str = "operation", attributes: dict[str, Any] | None = None, **fields: Any) -> Span:
    """A span of a millisecond; fields as the protobuf message has them."""
    whole: dict[str, Any] = {
        "trace_id": TRACE,
        "span_id": secrets.token_bytes(8),
        "kind": Span.SpanKind.SPAN_KIND_INTERNAL,
        "start_time_unix_nano": AT,
        "end_time_unix_nano": AT + 1_000_000,
        **fields,
    }
    return Span(name=name, attributes=pairs(attributes or {}), **whole)


def traces(*spans: Span, service: str = "research", **resource: Any) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.extend(pairs({"service.name": service, **resource}))
    scope = group.scope_spans.add()
    scope.scope.name = "tests"
    scope.spans.extend(spans)
    return request


def logs(*records: LogRecord, service: str = "research") -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    group.resource.attributes.extend(pairs({"service.name": service}))
    group.scope_logs.add().log_records.extend(records)
    return request


def made(request: ExportTraceServiceRequest | ExportLogsServiceRequest) -> list[dict[str, Any]]:
    """The events of a request of which nothing is refused, each with the JSON of its body under `said`."""
    signal = "logs" if isinstance(request, ExportLogsServiceRequest) else "traces"
    drafts = drafts_of(request.SerializeToString(), "application/x-protobuf", signal, SOURCE)
    assert drafts.refused == {}
    return [event_of(draft) for _, draft in drafts.made]


def event_of(draft: Any) -> dict[str, Any]:
    event = draft.submission.event
    assert event.body.len == len(draft.submission.body)
    return {**json.loads(event.text()), "said": json.loads(draft.submission.body)}


def labels(event: dict[str, Any]) -> dict[str, str]:
    return dict(label.split("=", 1) for label in event["labels"])
