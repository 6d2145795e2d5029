"""What passes through the proxy passes as it is, when it comes, and no further than both sides want."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import socket
import threading
import zlib
from collections.abc import Callable

import httpx
import pytest

from tests.agent.reading_back import labels
from tests.agent_proxy.running import RunningProxy
from tests.agent_proxy.upstreams import PATIENCE, Conversation, Upstream

Models = Callable[..., RunningProxy]
CHAT = "/v1/chat/completions"
ASK = b'{"model":"gpt-x","stream":true,"messages":[{"role":"user","content":"hi"}]}'
WHOLE = (
    b'{"id":"c1","object":"chat.completion","model":"gpt-x-1","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2}}'
)


def piece(text: str, finish: str = "null") -> bytes:
    return (
        b'data: {"id":"c1","model":"gpt-x-1","choices":[{"index":0,"delta":{"content":"%s"},"finish_reason":%s}]}\n\n'
        % (text.encode(), finish.encode())
    )


DONE = b"data: [DONE]\n\n"


def test_the_first_piece_of_a_stream_arrives_while_the_rest_is_not_yet_said(models: Models) -> None:
    read = threading.Event()

    def play(talk: Conversation) -> None:
        talk.stream(piece("hel"), end=False)
        assert read.wait(PATIENCE)
        talk.chunk(piece("lo", '"stop"'))
        talk.chunk(DONE)
        talk.send(b"0\r\n\r\n")

    proxy = models(play)
    with httpx.stream("POST", proxy.url + CHAT, content=ASK, timeout=PATIENCE) as response:
        pieces = response.iter_raw()
        assert next(pieces) == piece("hel")
        read.set()
        assert b"".join(pieces) == piece("lo", '"stop"') + DONE
    result = proxy.events()[-1]
    assert (result.action, result.outcome) == ("model.result", "success")
    assert labels(result)["answer.text.sha256"] == hashlib.sha256(b"hello").hexdigest()


def test_the_result_is_on_disk_before_the_client_has_the_end_of_the_answer(models: Models) -> None:
    go_on = threading.Event()

    def play(talk: Conversation) -> None:
        if b'"stream"' in talk.body:
            talk.stream(piece("hello", '"stop"'), DONE, end=False)
            assert go_on.wait(PATIENCE)
            talk.send(b"0\r\n\r\n")
        else:
            talk.answer(WHOLE)

    proxy = models(play)
    with httpx.stream("POST", proxy.url + CHAT, content=ASK, timeout=PATIENCE) as response:
        seen = b""
        for part in response.iter_raw():
            seen += part
            if seen.endswith(DONE):
                # The stream is still open, and its result is there.
                assert proxy.events()[-1].action == "model.result"
                go_on.set()
    with socket.create_connection(proxy.address, PATIENCE) as raw:
        raw.sendall(b"POST %s HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{}" % CHAT.encode())
        answer = b""
        while not answer.endswith(WHOLE):
            answer += raw.recv(1)
        assert [event.action for event in proxy.events()] == ["model.invoke", "model.result"] * 2


def test_the_request_is_on_disk_before_the_api_sees_it(models: Models) -> None:
    found: list[str] = []

    def play(talk: Conversation) -> None:
        found.extend(event.action for event in proxy.events())
        talk.answer(WHOLE)

    proxy = models(play)
    assert httpx.post(proxy.url + CHAT, content=ASK).status_code == 200
    assert found == ["model.invoke"]


def test_a_client_that_goes_away_ends_the_request_upstream_and_what_was_seen_is_recorded(
    models: Models, upstream: Callable[..., Upstream]
) -> None:
    gone = threading.Event()

    def play(talk: Conversation) -> None:
        talk.stream(piece("half an ans"), end=False)
        if talk.closed_by_peer():
            gone.set()

    proxy = models(upstream(play).url)
    with httpx.stream("POST", proxy.url + CHAT, content=ASK, timeout=PATIENCE) as response:
        assert next(response.iter_raw()) == piece("half an ans")
    assert gone.wait(PATIENCE)
    wait_for(lambda: len(proxy.events()) >= 2)
    result = proxy.events()[-1]
    assert result.outcome == "unknown"
    assert labels(result)["answer.cut"] == "client"
    assert labels(result)["model.answered"] == "gpt-x-1"
    assert labels(result)["answer.text.sha256"] == hashlib.sha256(b"half an ans").hexdigest()


def test_a_client_that_goes_away_before_the_answer_begins_ends_the_request_too(models: Models) -> None:
    asked, gone = threading.Event(), threading.Event()

    def play(talk: Conversation) -> None:
        asked.set()
        if talk.closed_by_peer():
            gone.set()

    proxy = models(play)
    with socket.create_connection(proxy.address) as raw:
        raw.sendall(
            b"POST %s HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n%s" % (CHAT.encode(), len(ASK), ASK)
        )
        assert asked.wait(PATIENCE)
    assert gone.wait(PATIENCE)
    wait_for(lambda: len(proxy.events()) >= 2)
    assert proxy.events()[-1].outcome == "unknown"
    assert labels(proxy.events()[-1])["answer.cut"] == "client"


def test_an_answer_that_breaks_off_breaks_off_for_the_client_too(models: Models) -> None:
    proxy = models(lambda talk: talk.stream(piece("half"), end=False))
    with (
        httpx.stream("POST", proxy.url + CHAT, content=ASK) as response,
        pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"),
    ):
        response.read()
    result = proxy.events()[-1]
    assert (result.outcome, labels(result)["answer.cut"]) == ("unknown", "upstream")


def test_an_answer_shorter_than_its_length_breaks_off_as_well(models: Models) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n"
    proxy = models(lambda talk: talk.send(head + WHOLE[:40]))
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.post(proxy.url + CHAT, content=ASK)
    assert [event.outcome for event in proxy.events()] == ["unknown", "unknown"]


def test_a_slow_client_slows_the_api_and_nothing_piles_up(models: Models) -> None:
    total, sent, stalled = 256 << 20, [0], threading.Event()

    def play(talk: Conversation) -> None:
        talk.send(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ncontent-length: %d\r\n\r\n" % total)
        talk.connection.settimeout(1.5)
        try:
            while sent[0] < total:
                talk.send(bytes(1 << 20))
                sent[0] += 1 << 20
        finally:
            stalled.set()

    proxy = models(play)
    with socket.create_connection(proxy.address) as raw:
        raw.sendall(b"GET /v1/files/f/content HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert raw.recv(15) == b"HTTP/1.1 200 OK"
        assert stalled.wait(PATIENCE)
    assert sent[0] < 64 << 20


def test_a_slow_api_slows_the_client_and_nothing_piles_up(models: Models, upstream: Callable[..., Upstream]) -> None:
    server = upstream(lambda talk: talk.closed_by_peer() and None, read_body=False)
    stop = threading.Event()
    server.play = lambda talk: stop.wait(PATIENCE) and None  # reads nothing
    proxy = models(server.url, max_held=1 << 20)
    total, sent = 256 << 20, 0
    with socket.create_connection(proxy.address) as raw:
        raw.sendall(b"POST /v1/files HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n" % total)
        raw.settimeout(1.5)
        with contextlib.suppress(TimeoutError):
            while sent < total:
                sent += raw.send(bytes(1 << 20))
    stop.set()
    assert sent < 64 << 20


def test_a_request_over_the_limit_flows_through_and_is_hashed(
    models: Models, upstream: Callable[..., Upstream]
) -> None:
    server = upstream(lambda talk: talk.answer(WHOLE))
    proxy = models(server.url, max_held=100_000)
    body = ASK + b" " * 3_000_000
    assert httpx.post(proxy.url + CHAT, content=body).content == WHOLE
    assert server.seen[0].body == body
    invoke, result = proxy.events()
    assert labels(invoke) == {"model.api": "openai.chat", "request.oversize": "yes"}
    assert labels(result)["request.bytes"] == str(len(body))
    assert labels(result)["request.sha256"] == hashlib.sha256(body).hexdigest()


def test_a_chunked_request_over_the_limit_flows_through(models: Models, upstream: Callable[..., Upstream]) -> None:
    server = upstream(lambda talk: talk.answer(WHOLE))
    proxy = models(server.url, max_held=10_000)
    pieces = [b"x" * 9_999] * 40
    assert httpx.post(proxy.url + CHAT, content=iter(pieces)).content == WHOLE
    assert server.seen[0].body == b"".join(pieces)
    assert server.seen[0].header(b"transfer-encoding") == b"chunked"


def test_gzip_passes_as_it_is_and_is_read(models: Models) -> None:
    packed = gzip.compress(WHOLE)
    proxy = models(lambda talk: talk.answer(packed, b"content-encoding: gzip"))
    with httpx.stream("POST", proxy.url + CHAT, content=ASK) as response:
        assert b"".join(response.iter_raw()) == packed
    result = proxy.events()[-1]
    assert result.outcome == "success"
    assert labels(result)["tokens.in"] == "3"
    assert labels(result)["answer.sha256"] == hashlib.sha256(packed).hexdigest()
    assert labels(result)["answer.coding"] == "gzip"


@pytest.mark.parametrize("raw", [False, True])
def test_both_readings_of_deflate_are_read(models: Models, raw: bool) -> None:
    packer = zlib.compressobj(wbits=-15 if raw else 15)
    packed = packer.compress(WHOLE) + packer.flush()
    proxy = models(lambda talk: talk.answer(packed, b"content-encoding: deflate"))
    assert httpx.post(proxy.url + CHAT, content=ASK).content == WHOLE
    assert labels(proxy.events()[-1])["tokens.out"] == "2"


def test_a_coding_that_cannot_be_undone_is_not_asked_for(models: Models, upstream: Callable[..., Upstream]) -> None:
    server = upstream(lambda talk: talk.answer(WHOLE))
    proxy = models(server.url)
    httpx.post(proxy.url + CHAT, content=ASK, headers={"accept-encoding": "br, zstd, gzip;q=0.5"})
    httpx.post(proxy.url + CHAT, content=ASK, headers={"accept-encoding": "br"})
    assert [talk.header(b"accept-encoding") for talk in server.seen] == [b"gzip;q=0.5", b"identity"]


@pytest.mark.parametrize(
    ("coding", "make", "why"),
    [
        (b"br", lambda: b"\x8b\x02\x80", "br"),
        (b"gzip", lambda: b"this is no gzip", "Error -3 while decompressing data: incorrect header check"),
        (b"gzip", lambda: gzip.compress(bytes(100 << 20), 1), "larger than 33554432 bytes"),
    ],
    ids=["unasked", "damaged", "bomb"],
)
def test_what_cannot_be_read_passes_all_the_same(
    models: Models, coding: bytes, make: Callable[[], bytes], why: str
) -> None:
    body = make()
    proxy = models(lambda talk: talk.answer(body, b"content-encoding: " + coding))
    with httpx.stream("POST", proxy.url + CHAT, content=ASK) as response:
        assert b"".join(response.iter_raw()) == body
    result = proxy.events()[-1]
    assert result.outcome == "unknown"
    assert labels(result)["answer.unread"] == why
    assert labels(result)["answer.sha256"] == hashlib.sha256(body).hexdigest()


def test_an_http_1_0_api_whose_answer_ends_with_its_connection(models: Models) -> None:
    proxy = models(lambda talk: talk.send(b"HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n" + WHOLE))
    assert httpx.post(proxy.url + CHAT, content=ASK).content == WHOLE
    assert proxy.events()[-1].outcome == "success"


def test_an_http_1_0_client(models: Models) -> None:
    proxy = models(lambda talk: talk.stream(piece("hello", '"stop"'), DONE))
    with socket.create_connection(proxy.address, PATIENCE) as raw:
        raw.sendall(b"POST %s HTTP/1.0\r\ncontent-length: %d\r\n\r\n%s" % (CHAT.encode(), len(ASK), ASK))
        answer = b""
        while more := raw.recv(65536):
            answer += more
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"chunked" not in head
    assert body == piece("hello", '"stop"') + DONE


def test_connections_are_kept_on_both_sides(models: Models, upstream: Callable[..., Upstream]) -> None:
    server = upstream(lambda talk: talk.answer(WHOLE), keep=True)
    proxy = models(server.url)
    with httpx.Client() as client:
        for _ in range(5):
            assert client.post(proxy.url + CHAT, content=ASK).content == WHOLE
    assert len({id(talk.connection) for talk in server.seen}) == 1


def wait_for(holds: Callable[[], bool]) -> None:
    """Wait until something that is on its way is there."""
    pause = threading.Event()
    for _ in range(int(PATIENCE * 100)):
        if holds():
            return
        pause.wait(0.01)
    raise AssertionError("it did not come")
