"""How the server answers exporters: authentication, encodings, partial success, and what is worth sending again."""

import base64
import gzip
import json

import httpx
import pytest
from google.rpc.error_details_pb2 import BadRequest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from muniment.ledger.bodies import erase_body
from muniment.ledger.connection import tenant_transaction
from muniment.server.otlp import answers
from muniment.server.problems import KINDS, Problem
from tests.otlp.conftest import Ledger
from tests.otlp.spans import logs, span, traces

JSON = "application/json"
MODEL = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}


def status_of(answer: httpx.Response) -> Status:
    assert answer.headers["content-type"] == "application/x-protobuf"
    return Status.FromString(answer.content)


def test_a_request_that_comes_again_makes_no_second_entry(ledger: Ledger) -> None:
    one = span("chat", {**MODEL, "gen_ai.input.messages": "x" * 300_000})
    sent = traces(one, span("other")).SerializeToString()
    assert [ledger.post(sent).content for _ in range(3)] == [b"", b"", b""]
    # A collector may put the same span into another batch.
    assert ledger.post(traces(span("third"), one).SerializeToString()).content == b""
    assert sorted(event["action"] for event in ledger.events()) == [
        "model.invoke", "model.result", "x.otel.span", "x.otel.span",
    ]  # fmt: skip


def test_the_same_span_with_other_content_is_refused_and_counted(ledger: Ledger) -> None:
    one = span("first")
    assert ledger.post(traces(one).SerializeToString()).content == b""
    one.name = "second"
    partial = ExportTraceServiceResponse.FromString(ledger.post(traces(one, span("new")).SerializeToString()).content)
    assert partial.partial_success.rejected_spans == 1
    assert "other content" in partial.partial_success.error_message
    assert [event["said"]["name"] for event in ledger.events()] == ["first", "new"]


def test_what_is_refused_is_told_as_partial_success_in_either_encoding(ledger: Ledger) -> None:
    mixed = traces(span("good"), span("bad", span_id=b""), span("bad", trace_id=b"\1"))
    answer = ledger.post(mixed.SerializeToString())
    told = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, told.rejected_spans) == (200, 2)
    assert "span_id must be 8 bytes" in told.error_message
    record = {"traceId": "0102", "body": {"stringValue": "x"}, "eventName": "x.y"}
    request = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
    answer = ledger.post(json.dumps(request).encode(), "logs", content_type=JSON)
    assert (answer.status_code, answer.headers["content-type"]) == (200, JSON)
    assert answer.json()["partialSuccess"]["rejectedLogRecords"] == "1"
    line = ledger.post(logs(LogRecord(severity_text="INFO")).SerializeToString(), "logs")
    assert ExportLogsServiceResponse.FromString(line.content).partial_success.rejected_log_records == 1


def test_success_says_nothing_and_an_empty_request_is_one(ledger: Ledger) -> None:
    assert ledger.post(b"").content == b""
    answer = ledger.post(b"{}", content_type=JSON)
    assert (answer.status_code, answer.content) == (200, b"{}")
    answer = ledger.post(b"{}", content_type="application/json; charset=utf-8")
    assert (answer.status_code, answer.headers["content-type"]) == (200, JSON)


def basic(told: str) -> str:
    """What HTTP clients make of an address with `told@` in it."""
    return f"Basic {base64.b64encode(told.encode()).decode()}"


def test_a_key_is_taken_from_either_header_and_from_no_two(ledger: Ledger) -> None:
    sent = traces(span("x")).SerializeToString()
    other = ledger.tenant.new_key("append")[1]
    read = ledger.tenant.made.tokens["read"]
    assert ledger.post(sent, authorization="", x_muniment_key=ledger.key).status_code == 200
    assert ledger.post(sent, x_muniment_key=ledger.key).status_code == 200
    assert ledger.post(sent, authorization=basic(f"muniment:{ledger.key}")).status_code == 200
    assert ledger.post(sent, authorization=basic(f"{ledger.key}:")).status_code == 200
    for headers, status in (
        ({"authorization": ""}, 401),
        ({"authorization": "Bearer nonsense"}, 401),
        ({"authorization": "", "x_muniment_key": "mk_no"}, 401),
        ({"x_muniment_key": other}, 401),
        ({"authorization": basic(f"muniment:{other}"), "x_muniment_key": ledger.key}, 401),
        ({"authorization": basic("muniment:mk_no")}, 401),
        ({"authorization": basic(":")}, 401),
        ({"authorization": "Basic ===="}, 401),
        ({"authorization": f"Basic {'A' * 4_000}"}, 401),
        ({"authorization": basic(f"muniment:{read}")}, 403),
        ({"authorization": f"Bearer {read}"}, 403),
    ):
        answer = ledger.post(sent, **headers)
        assert answer.status_code == status
        assert status_of(answer).message


def test_gzip_is_read_and_a_bomb_is_refused_at_the_limit_of_the_api(ledger: Ledger) -> None:
    packed = gzip.compress(traces(span("x")).SerializeToString())
    assert ledger.post(packed, content_encoding="gzip").status_code == 200
    bomb = ledger.post(gzip.compress(bytes(64 << 20)), content_encoding="gzip")
    assert bomb.status_code == 413
    assert "unpacked" in status_of(bomb).message
    assert ledger.post(packed[:-9], content_encoding="gzip").status_code == 400
    assert ledger.post(packed, content_encoding="br").status_code == 415
    assert len(ledger.events()) == 1


def test_bad_data_is_400_and_says_which_field_as_the_protocol_asks(ledger: Ledger) -> None:
    answer = ledger.post(b"\xff\xff")
    assert answer.status_code == 400
    told = status_of(answer)
    assert (told.code, "not an OTLP protobuf message" in told.message) == (3, True)
    why = BadRequest()
    assert told.details[0].Unpack(why)
    assert why.field_violations[0].description in told.message
    answer = ledger.post(b"{", content_type=JSON)
    assert (answer.status_code, answer.json()["code"]) == (400, 3)


@pytest.mark.parametrize("media", ["text/plain", "application/grpc", ""])
def test_another_content_type_is_415_in_json(ledger: Ledger, media: str) -> None:
    answer = ledger.post(b"x", content_type=media)
    assert (answer.status_code, answer.headers["content-type"]) == (415, JSON)
    assert "application/x-protobuf" in answer.headers["accept-post"]


def test_metrics_are_declined_with_advice(ledger: Ledger) -> None:
    answer = ledger.post(b"", "metrics")
    assert answer.status_code == 404
    assert "OTEL_METRICS_EXPORTER=none" in status_of(answer).message


def test_only_post_is_answered(ledger: Ledger) -> None:
    answer = httpx.get(f"{ledger.url}/v1/traces", trust_env=False)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_every_answer_has_a_request_id(ledger: Ledger) -> None:
    assert ledger.post(b"", x_request_id="mine-1").headers["x-request-id"] == "mine-1"
    made = [ledger.post(b"", x_request_id=offered).headers["x-request-id"] for offered in ("a b", "")]
    assert len(set(made)) == 2
    assert "a b" not in made


@pytest.mark.parametrize("kind", list(KINDS))
def test_what_can_be_sent_again_has_a_status_that_exporters_send_again_and_nothing_else_has(kind: str) -> None:
    problem = Problem(kind, "why")
    again = kind in ("request-timeout", "rate-limited", "internal", "broken-ledger", "unavailable")
    assert (answers.status_of(problem) in (429, 502, 503, 504)) is again
    assert Status.FromString(answers.failure(answers.PROTOBUF, problem)).message == "why"


def test_an_event_whose_body_was_erased_is_no_loss_when_its_span_comes_again(ledger: Ledger) -> None:
    sent = traces(span("x")).SerializeToString()
    ledger.post(sent)
    (event,) = ledger.events()
    made = ledger.tenant.made
    with (
        ledger.tenant.installation.database.connect("app", autocommit=True) as connection,
        tenant_transaction(connection, made.tenant_id),
    ):
        erase_body(connection, by="system:test", log_id=made.log_id, seq=event["seq"])
    assert ledger.post(sent).content == b""
    assert [again["said"] for again in ledger.events()] == [None]
