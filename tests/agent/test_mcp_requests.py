"""Resources, prompts, completions, requests of the server, notifications: what is recorded and what is counted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import mcp_types.methods as published
import pytest

from muniment.agent.mcp import waiting as mcp_waiting
from muniment.agent.mcp.methods import (
    CANCELLED,
    COUNTED_NOTICES,
    COUNTED_REQUESTS,
    RECORDED_NOTICES,
    REQUESTS,
)
from muniment.agent.mcp.observer import McpRecorder, McpSession
from muniment.agent.spools.spool import Spool
from muniment.agent.state import State
from muniment.core.event import Event
from tests.agent.reading_back import events, frames, labels

CAUSE = "src_01KAY9M2Z7Q4WXYH3J8V5T6R0C/evt_01KAY9M2Z7Q4WXYH3J8V5T6R0D"


@pytest.fixture
def spool(state: State) -> Iterator[Spool]:
    with Spool("agent", state=state) as spool:
        yield spool


@pytest.fixture
def recorder(spool: Spool) -> McpRecorder:
    return McpRecorder(spool, "server")


@pytest.fixture
def session(recorder: McpRecorder) -> McpSession:
    return McpSession(recorder)


def line(**message: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}).encode()


def ask(method: str, identifier: Any = 1, **params: Any) -> bytes:
    return line(id=identifier, method=method, params=params)


def reference(event: Event) -> str:
    return f"{event.source.id}/{event.id}"


def test_every_published_method_has_its_place() -> None:
    requests = {method for method, _ in [*published.CLIENT_REQUESTS, *published.SERVER_REQUESTS]}
    notices = {method for method, _ in [*published.CLIENT_NOTIFICATIONS, *published.SERVER_NOTIFICATIONS]}
    assert requests <= set(REQUESTS) | COUNTED_REQUESTS
    assert notices <= RECORDED_NOTICES | set(COUNTED_NOTICES) | {CANCELLED}


def test_a_resource_that_is_read_is_named_by_its_uri(session: McpSession, state: State) -> None:
    request, reply = ask("resources/read", uri="file:///etc/hosts"), line(id=1, result={"contents": []})
    session.from_client(request)
    session.from_server(reply)
    first, second = events(state)
    assert (first.action, second.action, second.outcome) == ("resource.read", "resource.result", "success")
    assert first.resource is not None
    assert (first.resource.type, first.resource.id) == ("mcp.resource", "file:///etc/hosts")
    assert second.resource == first.resource
    assert second.causes == (reference(first),)
    assert labels(first)["mcp.method"] == "resources/read"
    assert labels(first)["mcp.via"] == "server"
    assert [frame.body for frame in frames(state)] == [request, reply]


def test_a_resource_that_is_not_there_is_a_failure(session: McpSession, state: State) -> None:
    session.from_client(ask("resources/read", uri="file:///nope"))
    session.from_server(line(id=1, error={"code": -32002, "message": "Resource not found"}))
    assert (events(state)[1].outcome, labels(events(state)[1])["mcp.error"]) == ("failure", "-32002")


@pytest.mark.parametrize(
    ("method", "action"),
    [
        ("prompts/get", "mcp.request"),
        ("prompts/list", "mcp.request"),
        ("tools/list", "mcp.request"),
        ("resources/templates/list", "mcp.request"),
        ("completion/complete", "mcp.request"),
        ("resources/subscribe", "resource.read"),
        ("subscriptions/listen", "resource.read"),
        ("vendor/does_something", "mcp.request"),
    ],
)
def test_every_other_request_of_the_client_is_recorded_with_its_answer(
    session: McpSession, state: State, method: str, action: str
) -> None:
    session.from_client(ask(method, name="n", uri="u:1"))
    session.from_server(line(id=1, result={}))
    first, second = events(state)
    assert (first.action, labels(first)["mcp.method"]) == (action, method)
    assert (second.outcome, second.causes) == ("success", (reference(first),))


@pytest.mark.parametrize(
    ("method", "action"),
    [
        ("sampling/createMessage", "model.invoke"),
        ("elicitation/create", "mcp.request"),
        ("roots/list", "mcp.request"),
    ],
)
def test_what_the_server_asks_of_the_client_is_recorded_and_so_is_the_answer(
    session: McpSession, state: State, method: str, action: str
) -> None:
    session.from_client(ask("tools/call", 7, name="t"))
    session.from_server(ask(method, 7, messages=[]))
    session.from_client(line(id=7, result={"role": "assistant"}))
    session.from_server(line(id=7, result={"content": []}))
    call, asked, answered, result = events(state)
    assert (asked.action, labels(asked)["mcp.from"]) == (action, "server")
    assert (asked.causes, labels(asked)["mcp.cause"]) == ((reference(call),), "only-waiting")
    assert (answered.causes, answered.outcome) == ((reference(asked),), "success")
    assert (result.action, result.causes) == ("tool.result", (reference(call),))


def test_which_of_two_calls_made_the_server_ask_is_not_guessed(session: McpSession, state: State) -> None:
    session.from_client(ask("tools/call", 1, name="a"))
    session.from_client(ask("tools/call", 2, name="b"))
    session.from_server(ask("elicitation/create", 1, message="?"))
    assert events(state)[2].causes == ()


def test_pings_progress_and_log_messages_are_counted_and_not_recorded(
    recorder: McpRecorder, session: McpSession, state: State
) -> None:
    session.from_client(ask("tools/call", 1, name="a", _meta={"progressToken": "p"}))
    for share in range(5):
        session.from_server(line(method="notifications/progress", params={"progressToken": "p", "progress": share}))
    session.from_server(line(method="notifications/progress", params={"progressToken": "other", "progress": 1}))
    session.from_server(line(method="notifications/message", params={"level": "info", "data": "x"}))
    session.from_server(line(method="notifications/resources/updated", params={"uri": "u:1"}))
    session.from_server(line(id=9, method="ping"))
    session.from_client(line(id=9, result={}))
    session.from_client(line(method="notifications/initialized"))
    session.from_server(line(id=1, result={"content": []}))
    assert [event.action for event in events(state)] == ["tool.call", "tool.result"]
    assert labels(events(state)[1])["mcp.progress"] == "5"
    counted = {key: recorder.counts[key] for key in ("progress", "messages", "updates", "ping", "initialized")}
    assert counted == {"progress": 6, "messages": 1, "updates": 1, "ping": 1, "initialized": 1}


def test_a_changed_list_of_tools_is_recorded(session: McpSession, state: State) -> None:
    session.from_server(line(method="notifications/tools/list_changed"))
    (event,) = events(state)
    assert (event.action, labels(event)["mcp.method"]) == ("mcp.notify", "notifications/tools/list_changed")
    assert labels(event)["mcp.from"] == "server"


def test_a_notification_that_nobody_published_is_recorded_from_the_client_and_counted_from_the_server(
    recorder: McpRecorder, session: McpSession, state: State
) -> None:
    session.from_client(line(method="vendor/go", params={"x": 1}))
    session.from_server(line(method="vendor/tick"))
    assert [labels(event)["mcp.method"] for event in events(state)] == ["vendor/go"]
    assert recorder.counts["unknown"] == 1


def test_a_server_may_take_back_what_it_asked_and_end_what_was_asked_of_it(session: McpSession, state: State) -> None:
    session.from_client(ask("subscriptions/listen", 1, notifications={}))
    session.from_server(ask("elicitation/create", 2, message="?"))
    session.from_server(line(method="notifications/cancelled", params={"requestId": 2}))
    session.from_server(line(method="notifications/cancelled", params={"requestId": 1}))
    session.finish()
    ended = [(event.action, labels(event).get("mcp.cancelled")) for event in events(state)[2:]]
    assert ended == [("mcp.result", "server"), ("resource.result", "server")]


def test_a_result_that_wants_input_is_the_cause_of_the_request_that_brings_it(
    recorder: McpRecorder, session: McpSession, state: State
) -> None:
    wanted = {"e": {"method": "elicitation/create", "params": {}}}
    session.from_client(ask("tools/call", 1, name="t"))
    session.from_server(
        line(id=1, result={"resultType": "input_required", "inputRequests": wanted, "requestState": "s-1"})
    )
    # Stateless: the retry may come in another post.
    McpSession(recorder).from_client(ask("tools/call", 2, name="t", requestState="s-1", inputResponses={"e": {}}))
    _, paused, retry = events(state)
    assert (paused.outcome, labels(paused)["mcp.result"]) == ("unknown", "input_required")
    assert labels(paused)["mcp.wants"] == "elicitation/create"
    assert retry.causes == (reference(paused),)


def test_a_task_is_followed_by_its_id(session: McpSession, state: State) -> None:
    session.from_client(ask("tools/call", 1, name="t"))
    session.from_server(line(id=1, result={"task": {"taskId": "t-1"}}))
    session.from_client(ask("tasks/result", 2, taskId="t-1"))
    assert events(state)[2].causes == (reference(events(state)[1]),)


def test_causes_and_traces_come_from_the_message_then_from_the_transport(session: McpSession, state: State) -> None:
    header, own = ("a" * 32, "b" * 16), "00-" + "c" * 32 + "-" + "d" * 16 + "-01"
    session.from_client(ask("tools/call", 1, name="t"), trace=header, causes=(CAUSE,))
    session.from_client(ask("tools/call", 2, name="t", _meta={"traceparent": own, "muniment/cause": CAUSE}), header)
    session.from_client(ask("tools/call", 3, name="t", _meta={"muniment/cause": "not a reference"}))
    one, two, three = events(state)
    assert one.trace is not None
    assert two.trace is not None
    assert (one.trace.id.hex(), one.causes) == ("a" * 32, (CAUSE,))
    assert (two.trace.id.hex(), two.causes) == ("c" * 32, (CAUSE,))
    assert (three.trace, three.causes) == (None, ())


def test_what_the_environment_says_is_the_cause_of_last_resort(spool: Spool, state: State) -> None:
    from muniment.agent.cause import caused_by

    with caused_by(CAUSE, ("a" * 32, "b" * 16)):
        recorder = McpRecorder(spool, "server")
    McpSession(recorder).from_client(ask("tools/call", 1, name="t"))
    (event,) = events(state)
    assert event.trace is not None
    assert (event.causes, event.trace.id.hex()) == ((CAUSE,), "a" * 32)


def test_requests_that_were_given_up_by_the_transport_are_closed(session: McpSession, state: State) -> None:
    body = b"[" + ask("tools/call", 1, name="a") + b"," + ask("tools/call", 2, name="b") + b"]"
    session.from_client(body)
    session.abandoned(body, "failure", mcp_status=502)
    session.finish()
    ended = [(event.tool, event.outcome, labels(event)["mcp.status"]) for event in events(state)[2:]]
    assert ended == [("a", "failure", "502"), ("b", "failure", "502")]


def test_a_server_that_never_answers_does_not_fill_the_memory(
    session: McpSession, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mcp_waiting, "MAX_WAITING", 5)
    for number in range(5 + 3):
        session.from_client(ask("tools/list", number))
    given_up = [event for event in events(state) if labels(event).get("mcp.answer") == "given-up"]
    assert len(given_up) == 3


def test_a_pretty_printed_body_is_one_message(spool: Spool, state: State) -> None:
    session = McpSession(McpRecorder(spool, "server", framing="body"))
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "t"}}
    session.from_client(json.dumps(message, indent=2).replace("\n", "\r\n").encode())
    assert [event.action for event in events(state)] == ["tool.call"]


def test_labels_of_the_transport_stand_on_every_event(spool: Spool, state: State) -> None:
    session = McpSession(McpRecorder(spool, "server", labels={"mcp.transport": "http"}), {"mcp.session": "s"})
    session.from_client(ask("tools/call", 1, name="t"))
    session.from_client(b"\xff")
    session.from_server(line(id=1, result={}))
    assert {(labels(event)["mcp.transport"], labels(event)["mcp.session"]) for event in events(state)} == {
        ("http", "s")
    }


@pytest.mark.parametrize(
    "odd",
    [
        b'{"jsonrpc":"2.0","id":1,"Method":"tools/call","params":{"name":"t"}}',
        b'{"jsonrpc":"2.0","id":1,"method":"Tools/Call","params":{"name":"t"}}',
        b'{"jsonrpc":"2.0","id":1,"method":"ping","METHOD":"tools/call","params":{"name":"t"}}',
    ],
)
def test_a_call_that_only_some_servers_understand_is_recorded_as_one(
    session: McpSession, state: State, odd: bytes
) -> None:
    session.from_client(odd)
    assert [event.action for event in events(state)] == ["tool.call"]


@pytest.mark.parametrize(
    "odd",
    [
        line(id=1, method=["tools/call"], params={}),
        line(id=1, method={"a": 1}, params={}),
        line(method=["x"]),
        line(id=1, method="tools/call", params={"name": "t", "_meta": {"progressToken": [1]}}),
        line(id=1, method="tools/call", params={"name": "t", "_meta": [], "requestState": 7, "taskId": []}),
    ],
)
@pytest.mark.parametrize("trace", [False, True])
def test_a_message_of_any_shape_is_recorded(spool: Spool, state: State, odd: bytes, trace: bool) -> None:
    recorder = McpRecorder(spool, "server", trace=trace)
    session = McpSession(recorder)
    session.from_client(odd)
    session.from_server(odd)
    session.from_server(line(id=1, result={"resultType": [], "inputRequests": {"a": {"method": []}}, "task": []}))
    session.from_server(line(method="notifications/progress", params={"progressToken": [1]}))
    session.from_server(line(method="notifications/cancelled", params=[]))
    session.from_server(b"7")
    session.finish()
    assert recorder.counts["unrecorded"] == 0
    assert events(state)
