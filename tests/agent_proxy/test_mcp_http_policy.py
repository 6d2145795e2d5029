"""A policy before an MCP server over HTTP: what it denies is answered, recorded, and does not arrive."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest
from mcp import Client, MCPError

from muniment.agent.mcp.policy import Policy
from tests.agent.reading_back import labels
from tests.agent_proxy.mcp_server import NotesServer
from tests.agent_proxy.running import RunningProxy
from tests.agent_proxy.test_mcp_http import ACCEPT, CALL, RESULT
from tests.agent_proxy.upstreams import Upstream

Mcp = Callable[..., RunningProxy]
DENY = Policy(b'[[rule]]\nname = "no-echo"\neffect = "deny"\ntools = ["echo"]\nreason = "echoes are not for agents"\n')
ASK = Policy(b'[[rule]]\nname = "ask-first"\neffect = "ask"\ntools = ["echo"]\n')


async def test_a_real_client_is_told_why_and_the_rest_works(mcp_server: Mcp) -> None:
    server = NotesServer()
    try:
        proxy = mcp_server(server.url, policy=DENY)
        async with Client(proxy.url) as client:
            with pytest.raises(MCPError, match="echoes are not for agents"):
                await client.call_tool("echo", {"text": "a"})
            assert (await client.call_tool("fail", {"text": "a"})).is_error
    finally:
        server.close()
    denied = [event for event in proxy.events() if event.outcome == "denied"]
    assert [event.action for event in denied] == ["tool.call", "tool.refuse"]
    assert denied[0].tool == "echo"
    assert labels(denied[0])["policy.rule"] == "no-echo"
    assert denied[1].causes == (f"{denied[0].source.id}/{denied[0].id}",)


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(CALL).encode(),
        json.dumps(CALL, indent=3).replace("\n", "\r\n").encode(),
        json.dumps([CALL, {**CALL, "id": 2, "params": {"name": "fail"}}]).encode(),
        json.dumps(CALL).replace("echo", "ec\\u0068o").encode(),
        json.dumps(CALL).replace('"echo"', '"fail","name":"echo"').encode(),
        json.dumps(CALL).encode("utf-16"),
        json.dumps(CALL).encode() + b" " * (5 << 20),
        b"not json",
    ],
    ids=["plain", "lines", "batch", "escape", "twice", "utf-16", "long", "unreadable"],
)
def test_no_spelling_of_a_denied_call_arrives(mcp_server: Mcp, upstream: Callable[..., Upstream], body: bytes) -> None:
    server = upstream(lambda talk: talk.answer(RESULT))
    proxy = mcp_server(server.url + "/mcp", policy=DENY)
    answer = httpx.post(proxy.url, content=body, headers=ACCEPT)
    assert b'"error"' in answer.content
    assert server.seen == []
    assert "denied" in {event.outcome for event in proxy.events()}


def test_a_message_over_what_is_held_is_refused_too(mcp_server: Mcp, upstream: Callable[..., Upstream]) -> None:
    server = upstream(lambda talk: talk.answer(RESULT))
    proxy = mcp_server(server.url + "/mcp", policy=DENY, max_held=1000)
    body = json.dumps({**CALL, "params": {"arguments": {"text": "x" * 300_000}, "name": "echo"}}).encode()
    assert b'"error"' in httpx.post(proxy.url, content=body, headers=ACCEPT).content
    assert server.seen == []


def test_asking_the_ledger_fails_closed_when_nobody_ships(mcp_server: Mcp, upstream: Callable[..., Upstream]) -> None:
    server = upstream(lambda talk: talk.answer(RESULT))
    proxy = mcp_server(server.url + "/mcp", policy=ASK)
    answer = httpx.post(proxy.url, json=CALL, headers=ACCEPT).json()
    assert answer["id"] == 1
    assert answer["error"]["code"] == -32_011
    assert server.seen == []
    call, refusal = (event for event in proxy.events() if event.action.startswith("tool."))
    assert (call.action, call.outcome, refusal.action, refusal.outcome) == (
        "tool.call",
        "unknown",
        "tool.refuse",
        "denied",
    )
    assert labels(refusal)["gate"] == "no-shipper"


def test_a_trace_is_taken_from_the_header_or_put_into_the_message(
    mcp_server: Mcp, upstream: Callable[..., Upstream]
) -> None:
    server = upstream(lambda talk: talk.answer(RESULT))
    proxy = mcp_server(server.url + "/mcp", trace=True)
    given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    httpx.post(proxy.url, json=CALL, headers={**ACCEPT, "traceparent": given})
    httpx.post(proxy.url, json=CALL, headers=ACCEPT)
    first, second = (json.loads(talk.body)["params"] for talk in server.seen)
    assert b"0af7651916cd43dd8448eb211c80319c" in proxy.events()[0].text()
    assert first["_meta"]["traceparent"].startswith("00-0af7651916cd43dd8448eb211c80319c-")
    assert second["_meta"]["traceparent"].startswith("00-")
