"""What passes between client and server becomes the right events."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from muniment.agent.mcp.observer import McpRecorder, McpSession
from muniment.agent.mcp.refusals import NOT_RECORDED
from muniment.agent.spools import epoch
from muniment.agent.spools.spool import Spool
from muniment.agent.state import State
from muniment.core.event import Event
from tests.agent.reading_back import events, frames, labels


@pytest.fixture
def recorder(state: State) -> Iterator[McpRecorder]:
    with Spool("agent", state=state) as spool:
        yield McpRecorder(spool, "server", "wks-1")


@pytest.fixture
def calls(recorder: McpRecorder) -> McpSession:
    return McpSession(recorder)


def line(**message: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}).encode()


def call(identifier: Any = 1, name: str = "git_log", **params: Any) -> bytes:
    return line(id=identifier, method="tools/call", params={"name": name, "arguments": {"n": 1}, **params})


def answer(identifier: Any = 1, **result: Any) -> bytes:
    return line(id=identifier, result={"content": [], **result})


def bodies(state: State) -> list[bytes | None]:
    return [frame.body for frame in frames(state)]


def only(state: State, action: str) -> list[Event]:
    return [event for event in events(state) if event.action == action]


def test_a_call_and_its_result_are_two_events_and_the_second_names_the_first(calls: McpSession, state: State) -> None:
    request, reply = call(7), answer(7)
    assert calls.from_client(request) is None
    calls.from_server(reply)
    first, second = events(state)
    assert (first.action, first.outcome, first.tool, first.workspace) == ("tool.call", "unknown", "git_log", "wks-1")
    assert (second.action, second.outcome, second.tool) == ("tool.result", "success", "git_log")
    assert second.causes == (f"{first.source.id}/{first.id}",)
    assert bodies(state) == [request, reply]
    assert labels(second)["mcp.id"] == "7"


@pytest.mark.parametrize(
    ("reply", "outcome", "label"),
    [
        (answer(isError=True), "failure", None),
        (line(id=1, error={"code": -32602, "message": "no"}), "failure", ("mcp.error", "-32602")),
        (line(id=1, error="odd"), "failure", None),
        (line(id=1), "failure", None),
        (answer(resultType="input_required"), "unknown", ("mcp.result", "input_required")),
        (answer(resultType="complete"), "success", None),
        (answer(task={"taskId": "x"}), "unknown", ("mcp.result", "task")),
    ],
)
def test_how_a_call_ended(
    calls: McpSession, state: State, reply: bytes, outcome: str, label: tuple[str, str] | None
) -> None:
    calls.from_client(call())
    calls.from_server(reply)
    (result,) = only(state, "tool.result")
    assert result.outcome == outcome
    if label is not None:
        assert labels(result)[label[0]] == label[1]


def test_answers_find_their_calls_out_of_order_and_by_type_of_id(calls: McpSession, state: State) -> None:
    for identifier, name in ((1, "a"), ("1", "b"), (2, "c")):
        calls.from_client(call(identifier, name))
    for identifier in (2, "1", 1):
        calls.from_server(answer(identifier))
    assert [event.tool for event in only(state, "tool.result")] == ["c", "b", "a"]


def test_a_batch_is_recorded_call_by_call(calls: McpSession, state: State) -> None:
    calls.from_client(b"[" + call(1, "a") + b"," + line(method="notifications/x") + b"," + call(2, "b") + b"]")
    calls.from_server(b"[" + answer(2) + b", " + answer(1) + b"]")
    assert [(event.action, event.tool) for event in events(state)] == [
        ("tool.call", "a"),
        ("mcp.notify", None),
        ("tool.call", "b"),
        ("tool.result", "b"),
        ("tool.result", "a"),
    ]
    assert bodies(state)[0] == call(1, "a")


def test_requests_of_the_server_are_not_taken_for_answers(calls: McpSession, state: State) -> None:
    calls.from_client(call(1))
    calls.from_server(line(id=1, method="sampling/createMessage", params={}))
    calls.from_client(line(id=1, result={"role": "assistant"}))
    assert not only(state, "tool.result")
    calls.from_server(answer(1))
    assert len(only(state, "tool.result")) == 1


def test_a_cancelled_call_is_said_to_be_cancelled_and_a_late_answer_is_kept(calls: McpSession, state: State) -> None:
    calls.from_client(call(1))
    calls.from_client(line(method="notifications/cancelled", params={"requestId": 1}))
    calls.from_server(answer(1))
    calls.finish()
    cancelled, late = only(state, "tool.result")
    assert (cancelled.outcome, labels(cancelled)["mcp.cancelled"]) == ("unknown", "client")
    assert (late.outcome, labels(late)["mcp.cancelled"]) == ("success", "answered")


def test_calls_without_an_answer_are_closed_at_the_end(calls: McpSession, state: State) -> None:
    calls.from_client(call(1))
    calls.from_client(call(2))
    calls.from_server(answer(1))
    calls.finish()
    assert [labels(event).get("mcp.answer") for event in only(state, "tool.result")] == [None, "none"]


def test_an_id_that_is_used_twice_at_once_gets_both_its_answers(calls: McpSession, state: State) -> None:
    calls.from_client(call(1, "a"))
    calls.from_client(call(1, "b"))
    calls.from_server(answer(1))
    calls.from_server(answer(1))
    assert [event.tool for event in only(state, "tool.result")] == ["a", "b"]


def test_a_call_without_an_id_is_recorded(calls: McpSession, state: State) -> None:
    calls.from_client(line(method="tools/call", params={"name": "t"}))
    assert [labels(event)["mcp.id"] for event in events(state)] == ["absent"]


def test_trace_and_versions_are_read(calls: McpSession, state: State) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    calls.from_client(line(id=0, method="initialize", params={}))
    calls.from_server(
        line(id=0, result={"protocolVersion": "2025-11-25", "serverInfo": {"name": "git", "version": "1"}})
    )
    calls.from_client(call(1, _meta={"traceparent": parent}))
    calls.from_client(call(2, _meta={"io.modelcontextprotocol/protocolVersion": "2026-07-28", "traceparent": "bad"}))
    first, second = only(state, "tool.call")
    assert first.trace is not None
    assert (first.trace.id.hex(), first.trace.span and first.trace.span.hex()) == (parent[3:35], parent[36:52])
    assert (labels(first)["mcp.protocol"], labels(first)["mcp.server"]) == ("2025-11-25", "git 1")
    assert second.trace is None
    assert labels(second)["mcp.protocol"] == "2026-07-28"


@pytest.mark.parametrize(
    "odd",
    [
        line(id=1, method="tools/call", params=7),
        line(id=1, method="tools/call", params={"name": 7}),
        line(id=1, method="tools/call", params={"name": ""}),
        line(id=1, method="tools/call", params={"name": "a\nb\u0000" * 200}),
        line(id=1, method="tools/call", params={"name": "\ud800"}),
        line(
            id=1, method="tools/call", params={"name": "x", "_meta": {"io.modelcontextprotocol/protocolVersion": [1]}}
        ),
        line(id=[1], method="tools/call", params={"name": "x"}),
        line(id={"a": 1}, method="tools/call", params={"name": "x"}),
        line(id="\ud800", method="tools/call", params={"name": "x"}),
        line(id=10**400, method="tools/call", params={"name": "x"}),
        line(id=None, method="tools/call", params={"name": "x"}),
        line(id="x" * 5_000, method="tools/call", params={"name": "x"}),
        b'{"id":1,"method":"tools/call","params":{"arguments":{"x":NaN}}}',
        b'{"id":1,"method":"tools/call","method":"ping","params":{}}',
    ],
)
def test_an_odd_call_is_recorded_all_the_same(
    recorder: McpRecorder, calls: McpSession, state: State, odd: bytes
) -> None:
    assert calls.from_client(odd) is None
    assert recorder.counts["unrecorded"] == 0
    assert [event.action for event in events(state)] == ["tool.call"]
    assert bodies(state) == [odd]


def test_a_line_that_nobody_can_read_is_recorded_as_it_is(calls: McpSession, state: State) -> None:
    calls.from_client(b"\xff not json tools/call")
    calls.from_client(b"   ")
    (event,) = events(state)
    assert labels(event) == {"mcp.unparsed": "client"}
    assert bodies(state) == [b"\xff not json tools/call"]


def test_noise_of_the_server_is_counted(recorder: McpRecorder, calls: McpSession, state: State) -> None:
    calls.from_client(call(1))
    calls.from_server(b"Listening on stdio ...")
    calls.from_server(b"")
    calls.from_server(answer(1))
    assert recorder.counts["unparsed.server"] == 1
    assert len(events(state)) == 2


def test_a_result_of_ten_megabytes_is_committed_to_and_not_kept(calls: McpSession, state: State) -> None:
    calls.from_client(call(1))
    calls.from_server(answer(1, content=["x" * 10_000_000]))
    result = events(state)[1]
    assert result.body is not None
    assert result.body.len > 10_000_000
    assert frames(state)[1].body == b""


def test_in_durable_mode_a_call_that_cannot_be_recorded_is_answered_and_not_forwarded(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int, parts: list[bytes]) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Spool("agent", state=state, durable=True) as spool:
        calls = McpSession(McpRecorder(spool, "server", durable=True))
        with monkeypatch.context() as patched:
            patched.setattr(epoch.os, "writev", full)
            reply = calls.from_client(call("q"))
            batch = calls.from_client(b"[" + call(1) + b"," + call(2) + b"]")
        assert reply is not None
        assert batch is not None
        assert (reply.forward, batch.forward) == (None, None)
        assert json.loads(reply.answer or b"")["id"] == "q"
        assert json.loads(reply.answer or b"")["error"]["code"] == NOT_RECORDED
        assert [item["id"] for item in json.loads(batch.answer or b"")] == [1, 2]
        assert calls.from_client(call(3)) is None
    assert len(events(state)) == 1


def test_without_durable_a_call_is_forwarded_even_if_the_disk_is_full(
    calls: McpSession, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int, parts: list[bytes]) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(epoch.os, "writev", full)
        assert calls.from_client(call(1)) is None
    calls.from_server(answer(1))
    assert [event.action for event in events(state)] == ["tool.call", "tool.result"]
