"""MCP over streamable HTTP through the proxy: a real client and a real server in both eras, and every way around it."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
from collections.abc import Callable

import httpx
import pytest
from mcp import Client, MCPError

from muniment.agent.mcp import http as mcphttp
from muniment.agent.spools.spool import Spool, SpoolFull
from tests.agent.reading_back import labels
from tests.agent_proxy.mcp_server import NotesServer
from tests.agent_proxy.running import RunningProxy
from tests.agent_proxy.test_streaming import wait_for
from tests.agent_proxy.upstreams import PATIENCE, Conversation, Upstream

Mcp = Callable[..., RunningProxy]
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo", "arguments": {"text": "a"}}}
RESULT = b'{"jsonrpc":"2.0","id":1,"result":{"content":[]}}'
ACCEPT = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


def pairs(proxy: RunningProxy) -> list[tuple[str, str, str | None]]:
    return [(e.action, e.outcome, e.tool) for e in proxy.events() if e.action.startswith("tool.")]


@pytest.mark.parametrize("mode", ["legacy", "auto"])
@pytest.mark.parametrize(
    "options", [{}, {"json_response": True}, {"stateless_http": True}], ids=["sse", "json", "alone"]
)
async def test_a_real_client_and_a_real_server(mcp_server: Mcp, mode: str, options: dict[str, bool]) -> None:
    server = NotesServer(**options)
    try:
        proxy = mcp_server(server.url)
        progress: list[float] = []

        async def note(done: float, total: float | None, message: str | None) -> None:
            progress.append(done)

        async with Client(proxy.url, mode=mode) as client:
            assert {tool.name for tool in (await client.list_tools()).tools} >= {"echo", "fail"}
            assert not (await client.call_tool("echo", {"text": "a"})).is_error
            assert (await client.call_tool("fail", {"text": "b"})).is_error
            await client.call_tool("steps", {"count": 3}, progress_callback=note)
            await client.read_resource("note://one")
            await client.get_prompt("greet", {"name": "x"})
    finally:
        server.close()
    if not options.get("json_response"):
        assert progress == [1, 2, 3]
    assert pairs(proxy) == [
        ("tool.call", "unknown", "echo"),
        ("tool.result", "success", "echo"),
        ("tool.call", "unknown", "fail"),
        ("tool.result", "failure", "fail"),
        ("tool.call", "unknown", "steps"),
        ("tool.result", "success", "steps"),
    ]
    call = next(event for event in proxy.events() if event.action == "tool.call")
    result = next(event for event in proxy.events() if event.action == "tool.result")
    assert result.causes == (f"{call.source.id}/{call.id}",)
    assert (call.workspace, call.resource and call.resource.id) == ("wks-1", "notes")


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_cancelled_call_is_cancelled_at_the_server_and_recorded(mcp_server: Mcp, mode: str) -> None:
    server = NotesServer()
    try:
        proxy = mcp_server(server.url)
        async with Client(proxy.url, mode=mode) as client:
            call = asyncio.create_task(client.call_tool("wait", {}))
            await asyncio.to_thread(server.waiting.wait, PATIENCE)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert await asyncio.to_thread(server.cancelled.wait, PATIENCE)
            await asyncio.to_thread(wait_for, lambda: len(pairs(proxy)) >= 2)
    finally:
        server.close()
    assert pairs(proxy)[:2] == [("tool.call", "unknown", "wait"), ("tool.result", "unknown", "wait")]


def test_the_call_is_on_disk_before_the_server_sees_it_and_the_result_before_the_client(mcp_server: Mcp) -> None:
    found: list[list[str]] = []

    def play(talk: Conversation) -> None:
        found.append([event.action for event in proxy.events()])
        talk.stream(b"data: " + RESULT + b"\n\n", end=False)
        assert go_on.wait(PATIENCE)
        talk.send(b"0\r\n\r\n")

    go_on = threading.Event()
    proxy = mcp_server(play)
    with httpx.stream("POST", proxy.url, json=CALL, headers=ACCEPT) as response:
        for _ in response.iter_raw():
            found.append([event.action for event in proxy.events()])
            go_on.set()
    assert found == [["tool.call"], ["tool.call", "tool.result"]]


def test_an_answer_may_come_on_a_stream_that_is_resumed(mcp_server: Mcp, upstream: Callable[..., Upstream]) -> None:
    def play(talk: Conversation) -> None:
        if talk.line.startswith(b"GET"):
            talk.stream(b"id: 8\ndata: " + RESULT + b"\n\n")
        else:
            talk.stream(b"id: 7\nretry: 1\ndata:\n\n", end=False)

    server = upstream(play)
    proxy = mcp_server(server.url + "/mcp")
    session = {**ACCEPT, "mcp-session-id": "s1"}
    with httpx.stream("POST", proxy.url, json=CALL, headers=session) as response, pytest.raises(httpx.HTTPError):
        response.read()
    assert pairs(proxy) == [("tool.call", "unknown", "echo")]
    answer = httpx.get(proxy.url, headers={**session, "last-event-id": "7"})
    assert answer.content == b"id: 8\ndata: " + RESULT + b"\n\n"
    assert server.seen[1].header(b"last-event-id") == b"7"
    assert pairs(proxy)[-1] == ("tool.result", "success", "echo")


@pytest.mark.parametrize("session", [{}, {"mcp-session-id": "s1"}], ids=["alone", "session"])
def test_a_call_that_an_http_error_answers_is_closed(mcp_server: Mcp, session: dict[str, str]) -> None:
    proxy = mcp_server(lambda talk: talk.answer(b"", status=b"500 Oops"))
    assert httpx.post(proxy.url, json=CALL, headers={**ACCEPT, **session}).status_code == 500
    assert pairs(proxy) == [("tool.call", "unknown", "echo"), ("tool.result", "failure", "echo")]
    found = labels(proxy.events()[-1])
    assert (found["mcp.answer"], found["mcp.status"], found["mcp.transport"]) == ("none", "500", "http")


def test_a_call_to_a_server_that_is_not_there_is_closed(mcp_server: Mcp, upstream: Callable[..., Upstream]) -> None:
    server = upstream(lambda talk: None)
    proxy = mcp_server(server.url + "/mcp")
    assert httpx.post(proxy.url, json=CALL, headers=ACCEPT).status_code == 502
    server.close()
    assert httpx.post(proxy.url, json=CALL, headers=ACCEPT).status_code == 502
    assert [outcome for action, outcome, _ in pairs(proxy) if action == "tool.result"] == ["unknown", "failure"]


def test_the_same_id_in_two_sessions_and_in_none_is_three_calls(mcp_server: Mcp) -> None:
    names: dict[bytes, str] = {b"s1": "one", b"s2": "two"}
    both = threading.Barrier(3)

    def play(talk: Conversation) -> None:
        both.wait(PATIENCE)
        talk.answer(RESULT)

    proxy = mcp_server(play)

    def ask(session: str | None, tool: str) -> None:
        headers = {**ACCEPT, **({"mcp-session-id": session} if session else {})}
        httpx.post(proxy.url, json={**CALL, "params": {"name": tool}}, headers=headers)

    threads = [threading.Thread(target=ask, args=case) for case in (("s1", "one"), ("s2", "two"), (None, "three"))]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    found = proxy.events()
    tools = {f"{event.source.id}/{event.id}": event.tool for event in found if event.action == "tool.call"}
    results = [event for event in found if event.action == "tool.result"]
    assert sorted(tools.values()) == ["one", "three", "two"]
    assert [tools[event.causes[0]] for event in results] == [event.tool for event in results]
    assert len(names) == 2


def test_a_session_ends_when_it_is_deleted(mcp_server: Mcp) -> None:
    def play(talk: Conversation) -> None:
        talk.stream(b": nothing\n\n") if talk.line.startswith(b"POST") else talk.answer(b"")

    proxy = mcp_server(play)
    session = {**ACCEPT, "mcp-session-id": "s1"}
    httpx.post(proxy.url, json=CALL, headers=session)
    assert len(pairs(proxy)) == 1
    httpx.delete(proxy.url, headers=session)
    assert labels(proxy.events()[-1])["mcp.answer"] == "none"


def test_the_number_of_sessions_is_bounded(mcp_server: Mcp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcphttp, "MAX_SESSIONS", 3)
    proxy = mcp_server(lambda talk: talk.stream(b": nothing\n\n"))
    for number in range(5):
        httpx.post(proxy.url, json=CALL, headers={**ACCEPT, "mcp-session-id": f"s{number}"})
    assert len(proxy.recorder.sessions) == 3  # type: ignore[attr-defined]
    assert [outcome for action, outcome, _ in pairs(proxy)].count("unknown") == 7


def test_a_batch_of_the_older_era_is_recorded_call_by_call(mcp_server: Mcp) -> None:
    answer = b'[{"jsonrpc":"2.0","id":2,"error":{"code":-1,"message":"no"}},' + RESULT + b"]"
    proxy = mcp_server(lambda talk: talk.answer(answer))
    batch = [CALL, {**CALL, "id": 2, "params": {"name": "fail"}}]
    text = json.dumps(batch, indent=2).encode()
    assert httpx.post(proxy.url, content=text, headers=ACCEPT).content == answer
    assert sorted(pairs(proxy)) == [
        ("tool.call", "unknown", "echo"),
        ("tool.call", "unknown", "fail"),
        ("tool.result", "failure", "fail"),
        ("tool.result", "success", "echo"),
    ]


@pytest.mark.parametrize(
    "path", ["/mcp/", "//mcp", "/MCP", "/%6dcp", "/mcp/../mcp", "/sse", "/messages", "/", "/mcp;x"]
)
def test_no_other_path_leads_to_the_server(mcp_server: Mcp, upstream: Callable[..., Upstream], path: str) -> None:
    server = upstream(lambda talk: talk.answer(RESULT))
    proxy = mcp_server(server.url + "/mcp")
    import socket

    body = json.dumps(CALL).encode()
    with socket.create_connection(proxy.address, PATIENCE) as raw:
        raw.sendall(
            b"POST %s HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n%s" % (path.encode(), len(body), body)
        )
        assert raw.recv(4096).startswith(b"HTTP/1.1 404 ")
    assert server.seen == []


def test_what_a_client_needs_to_find_out_how_to_sign_in_passes(mcp_server: Mcp) -> None:
    proxy = mcp_server(lambda talk: talk.answer(b'{"resource":"x"}'))
    well_known = proxy.url.removesuffix("/mcp") + "/.well-known/oauth-protected-resource/mcp"
    assert httpx.get(well_known).json() == {"resource": "x"}
    assert httpx.post(well_known, json=CALL).status_code == 404
    assert proxy.events() == []


def test_a_message_that_cannot_be_looked_at_is_not_forwarded(
    mcp_server: Mcp, upstream: Callable[..., Upstream]
) -> None:
    server = upstream(lambda talk: talk.answer(RESULT))
    proxy = mcp_server(server.url + "/mcp")
    packed = gzip.compress(json.dumps(CALL).encode())
    assert httpx.post(proxy.url, content=packed, headers={"content-encoding": "gzip"}).status_code == 415
    two = [("mcp-session-id", "a"), ("mcp-session-id", "b")]
    assert httpx.post(proxy.url, json=CALL, headers=two).status_code == 400
    assert server.seen == []


@pytest.mark.parametrize(
    "body", [b"not json", json.dumps(CALL).encode("utf-16"), b'{"method":"x","method":"tools/call","id":1}']
)
def test_what_only_some_servers_read_as_a_call_is_recorded_as_one(mcp_server: Mcp, body: bytes) -> None:
    proxy = mcp_server(lambda talk: talk.answer(b"", status=b"400 Bad"))
    httpx.post(proxy.url, content=body, headers=ACCEPT)
    assert pairs(proxy)[0][0] == "tool.call"


def test_an_oversize_message_flows_through_and_is_hashed(mcp_server: Mcp, upstream: Callable[..., Upstream]) -> None:
    server = upstream(lambda talk: talk.answer(b"", status=b"413 Large"))
    proxy = mcp_server(server.url + "/mcp", max_held=1000)
    body = json.dumps({**CALL, "params": {"name": "echo", "arguments": {"text": "x" * 200_000}}}).encode()
    assert httpx.post(proxy.url, content=body, headers=ACCEPT).status_code == 413
    assert server.seen[0].body == body
    assert labels(proxy.events()[0])["mcp.oversize"] == "client"
    assert labels(proxy.events()[1])["mcp.bytes"] == str(len(body))


def test_an_oversize_or_unreadable_answer_flows_through_and_is_hashed(
    mcp_server: Mcp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mcphttp, "MAX_ANSWER", 10_000)
    answer = RESULT + b" " * 300_000
    proxy = mcp_server(lambda talk: talk.answer(answer, *([b"content-encoding: br"] if b"br" in talk.body else [])))
    assert httpx.post(proxy.url, json=CALL, headers=ACCEPT).content == answer
    found = [labels(event).get("mcp.oversize") for event in proxy.events()]
    assert found[1:3] == ["server", "server-end"]
    assert labels(proxy.events()[2])["mcp.bytes"] == str(len(answer))


def test_durable_answers_what_the_disk_does_not_take_with_an_error(
    mcp_server: Mcp, upstream: Callable[..., Upstream], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = upstream(lambda talk: talk.answer(RESULT))
    proxy = mcp_server(server.url + "/mcp", durable=True)

    def full(*_: object, **__: object) -> None:
        raise SpoolFull("not recorded: No space left on device")

    monkeypatch.setattr(Spool, "write", full)
    monkeypatch.setattr(Spool, "record", full)
    answer = httpx.post(proxy.url, json=CALL, headers=ACCEPT).json()
    assert (answer["id"], answer["error"]["code"]) == (1, -32_010)
    assert server.seen == []


async def test_an_error_of_the_server_reaches_the_client_as_it_is(mcp_server: Mcp) -> None:
    server = NotesServer()
    try:
        proxy = mcp_server(server.url)
        async with Client(proxy.url) as client:
            with pytest.raises(MCPError):
                await client.get_prompt("nothing", {})
    finally:
        server.close()
