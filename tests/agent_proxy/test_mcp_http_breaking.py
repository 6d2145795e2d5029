"""MCP over HTTP when one side goes away in the middle, says very much, or says what is no message."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import httpx
import pytest

from muniment.core.body import commit
from tests.agent.reading_back import frames, labels
from tests.agent_proxy.running import RunningProxy
from tests.agent_proxy.test_mcp_http import ACCEPT, CALL, Mcp
from tests.agent_proxy.test_streaming import wait_for
from tests.agent_proxy.upstreams import PATIENCE, Conversation, Upstream

PROGRESS = b'data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}\n\n'


def ended(proxy: RunningProxy) -> tuple[str, dict[str, str]]:
    """Outcome and labels of the call's result."""
    asked, result = [event for event in proxy.events() if event.action.startswith("tool.")]
    assert result.causes == (f"{asked.source.id}/{asked.id}",)
    return result.outcome, labels(result)


@pytest.mark.parametrize(
    "play",
    [
        lambda talk: talk.stream(PROGRESS, b'data: {"jsonrpc":"2.0","id":1,"resu', end=False),
        lambda talk: talk.send(
            b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{"jsonrpc":"2.0","id":1,'
        ),
    ],
    ids=["stream", "document"],
)
def test_a_server_that_breaks_off_breaks_off_for_the_client_and_the_end_is_unknown(
    mcp_server: Mcp, play: Callable[[Conversation], None]
) -> None:
    proxy = mcp_server(play)
    with httpx.stream("POST", proxy.url, json=CALL, headers=ACCEPT) as response, pytest.raises(httpx.HTTPError):
        response.read()
    wait_for(lambda: len(proxy.events()) >= 2)
    outcome, found = ended(proxy)
    assert (outcome, found["mcp.answer"], found["mcp.cut"]) == ("unknown", "none", "upstream")


def test_a_client_that_goes_away_ends_its_request_at_the_server_and_the_end_is_unknown(
    mcp_server: Mcp, upstream: Callable[..., Upstream]
) -> None:
    gone = threading.Event()

    def play(talk: Conversation) -> None:
        talk.stream(PROGRESS, end=False)
        if talk.closed_by_peer():
            gone.set()

    proxy = mcp_server(upstream(play).url + "/mcp")
    with httpx.stream("POST", proxy.url, json=CALL, headers=ACCEPT, timeout=PATIENCE) as response:
        assert next(response.iter_raw()) == PROGRESS
    assert gone.wait(PATIENCE)
    wait_for(lambda: len(proxy.events()) >= 2)
    outcome, found = ended(proxy)
    assert (outcome, found["mcp.answer"], found["mcp.cancelled"]) == ("unknown", "none", "client")


@pytest.mark.parametrize("streamed", [True, False], ids=["stream", "document"])
def test_a_result_of_ten_megabytes_passes_whole_and_its_hash_and_length_are_kept(
    mcp_server: Mcp, streamed: bool
) -> None:
    result = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"content": ["x" * 10_000_000]}}).encode()
    whole = b"data: " + result + b"\n\n" if streamed else result
    proxy = mcp_server(lambda talk: talk.stream(whole) if streamed else talk.answer(whole))
    assert httpx.post(proxy.url, json=CALL, headers=ACCEPT, timeout=PATIENCE).content == whole
    event, salt = proxy.events()[-1], frames(proxy.state)[-1].salt
    assert (event.action, event.outcome) == ("tool.result", "success")
    assert event.body is not None
    assert event.body.len == len(result)
    assert salt is not None
    assert event.body.commit == commit(salt, result)
    assert proxy.bodies()[-1] == b""


def test_an_answer_that_is_no_message_passes_and_leaves_the_end_unknown(mcp_server: Mcp) -> None:
    binary = bytes(range(256)) * 40
    proxy = mcp_server(lambda talk: talk.answer(binary, media=b"application/octet-stream"))
    assert httpx.post(proxy.url, json=CALL, headers=ACCEPT).content == binary
    wait_for(lambda: len(proxy.events()) >= 2)
    outcome, found = ended(proxy)
    assert (outcome, found["mcp.answer"], found["mcp.status"]) == ("unknown", "none", "200")
