"""Headers and addresses as they pass, who may use the proxy, and what is never recorded."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from muniment.agent.proxy.guard import Guard
from muniment.agent.proxy.headers import end_to_end
from muniment.agent.proxy.upstream import Upstream as Target
from muniment.core.errors import Malformed
from tests.agent.reading_back import labels
from tests.agent_proxy.running import RunningProxy
from tests.agent_proxy.test_streaming import ASK, CHAT, WHOLE
from tests.agent_proxy.upstreams import PATIENCE, Upstream

Models = Callable[..., RunningProxy]
Servers = Callable[..., Upstream]


def ask(proxy: RunningProxy, request: bytes) -> bytes:
    """Send bytes, and read what is answered at first."""
    with socket.create_connection(proxy.address, PATIENCE) as raw:
        raw.sendall(request)
        return raw.recv(65536)


def test_credentials_pass_and_are_nowhere_on_our_disk(models: Models, upstream: Servers, tmp_path: Path) -> None:
    server = upstream(lambda talk: talk.answer(WHOLE, b"set-cookie: s=cookiesecret"))
    proxy = models(server.url, contents="full")
    headers = {
        "authorization": "Bearer sk-topsecret",
        "x-api-key": "sk-othersecret",
        "cookie": "a=cookiesecret",
        "proxy-authorization": "Basic hopsecret",
        "openai-organization": "org-1",
    }
    httpx.post(proxy.url + CHAT + "?key=querysecret", content=ASK, headers=headers)
    assert server.seen[0].header(b"authorization") == b"Bearer sk-topsecret"
    assert server.seen[0].header(b"x-api-key") == b"sk-othersecret"
    assert server.seen[0].header(b"openai-organization") == b"org-1"
    assert server.seen[0].line.startswith(b"POST /v1/chat/completions?key=querysecret ")
    assert server.seen[0].header(b"proxy-authorization") is None
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"model.invoke" in written
    assert b"secret" not in written


def test_fields_of_one_connection_stay_there_and_the_others_pass_in_order(models: Models, upstream: Servers) -> None:
    answer = (b"x-a: 1", b"X-A: 2", b"connection: x-hop", b"x-hop: 1", b"keep-alive: timeout=5", b"retry-after: 7")
    server = upstream(lambda talk: talk.answer(WHOLE, *answer))
    proxy = models(server.url)
    received = ask(
        proxy,
        b"POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\nTE: trailers\r\n"
        b"X-B: 1\r\nx-b: 2\r\nContent-Length: 2\r\n\r\n{}",
    )
    names = [name for name, _ in server.seen[0].headers]
    assert not {b"x-mine", b"te", b"connection"} & set(names)
    assert [value for name, value in server.seen[0].headers if name == b"x-b"] == [b"1", b"2"]
    assert server.seen[0].header(b"host") == server.url.removeprefix("http://").encode()
    assert b"x-a: 1\r\nx-a: 2\r\n" in received
    assert b"retry-after: 7" in received
    assert b"x-hop" not in received
    assert b"timeout=5" not in received


def test_nothing_is_added_to_a_request(models: Models, upstream: Servers) -> None:
    server = upstream(lambda talk: talk.answer(WHOLE))
    ask(models(server.url), b"POST /v1/embeddings HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{}")
    assert sorted(name for name, _ in server.seen[0].headers) == [b"content-length", b"host"]


@pytest.mark.parametrize("target", [b"/v1/a%2Fb/../c", b"/v1//x", b"/v1/%E2%82%AC?a=%20&b", b"/v1/models?a=b?c"])
def test_paths_pass_letter_by_letter(models: Models, upstream: Servers, target: bytes) -> None:
    server = upstream(lambda talk: talk.answer(b"{}"))
    proxy = models(server.url + "/base/")
    ask(proxy, b"GET %s HTTP/1.1\r\nhost: localhost\r\n\r\n" % target)
    assert server.seen[0].line == b"GET /base%s HTTP/1.1" % target
    assert labels(proxy.events()[0])["http.path"] == target.partition(b"?")[0].decode().replace("%", "%25")


def test_head_and_empty_answers(models: Models, upstream: Servers) -> None:
    def play(talk: object) -> None:
        talk.send(
            b"HTTP/1.1 204 No Content\r\n\r\n"
            if b"DELETE" in talk.line
            else b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"
        )  # type: ignore[attr-defined]

    proxy = models(upstream(play).url)
    assert httpx.head(proxy.url + "/v1/models").headers["content-length"] == "9"
    assert httpx.delete(proxy.url + "/v1/files/f").status_code == 204
    assert [event.outcome for event in proxy.events()] == ["unknown", "success"] * 2


def test_a_redirect_back_to_the_api_leads_through_the_proxy(models: Models, upstream: Servers) -> None:
    server = upstream(lambda talk: talk.send(
        b"HTTP/1.1 307 T\r\nlocation: %s/v1/x?y\r\ncontent-length: 0\r\n\r\n" % server.url.encode()
    ))  # fmt: skip
    assert httpx.post(models(server.url).url + CHAT, content=ASK).headers["location"] == "/v1/x?y"


@pytest.mark.parametrize("elsewhere", [b"https://other.example/", b"http://127.0.0.1.evil.example/", b"/v1/y"])
def test_other_redirects_pass_as_they_are(models: Models, upstream: Servers, elsewhere: bytes) -> None:
    server = upstream(lambda talk: talk.send(
        b"HTTP/1.1 307 T\r\nlocation: %s\r\ncontent-length: 0\r\n\r\n" % elsewhere
    ))  # fmt: skip
    assert httpx.post(models(server.url).url + CHAT, content=ASK).headers["location"] == elsewhere.decode()


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        (b"host: evil.example", b"421"),
        (b"host: 127.0.0.1.evil.example:80", b"421"),
        (b"host: localhost\r\nhost: evil.example", b"4"),
        (b"host: localhost\r\norigin: https://evil.example", b"403"),
        (b"host: localhost\r\norigin: null", b"403"),
        (b"host: localhost\r\norigin: http://localhost.evil.example", b"403"),
        (b"host: localhost\r\nconnection: upgrade\r\nupgrade: websocket", b"501"),
    ],
)
def test_web_pages_and_rebound_names_do_not_get_through(
    models: Models, upstream: Servers, fields: bytes, status: bytes
) -> None:
    server = upstream(lambda talk: talk.answer(WHOLE))
    proxy = models(server.url)
    answer = ask(proxy, b"POST %s HTTP/1.1\r\n%s\r\ncontent-length: 2\r\n\r\n{}" % (CHAT.encode(), fields))
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert server.seen == []


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1", "http://[::1]:5173"])
def test_pages_of_this_machine_get_through(models: Models, origin: str) -> None:
    proxy = models(lambda talk: talk.answer(WHOLE))
    assert httpx.post(proxy.url + CHAT, content=ASK, headers={"origin": origin}).status_code == 200


def test_a_target_that_is_another_server_does_not_lead_there(models: Models, upstream: Servers) -> None:
    server, other = upstream(lambda talk: talk.answer(WHOLE)), upstream(lambda talk: talk.answer(b"{}"))
    ask(models(server.url), b"GET %s/x HTTP/1.1\r\nhost: localhost\r\n\r\n" % other.url.encode())
    assert other.seen == []


def test_two_framings_of_one_body_do_not_reach_the_api(models: Models, upstream: Servers) -> None:
    server = upstream(lambda talk: talk.answer(WHOLE))
    smuggled = b"0\r\n\r\nGET /v1/hidden HTTP/1.1\r\nhost: localhost\r\n\r\n"
    ask(
        models(server.url),
        b"POST /v1/responses HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\ntransfer-encoding: chunked\r\n\r\n%s"
        % (len(smuggled), smuggled),
    )
    for talk in server.seen:
        assert len({name for name, _ in talk.headers} & {b"content-length", b"transfer-encoding"}) < 2
        assert talk.body in (b"", smuggled)


def test_fields_named_by_connection_are_found_in_any_spelling() -> None:
    headers = [(b"connection", b"Close ,  X-One"), (b"connection", b"x-two"), (b"x-one", b""), (b"x-two", b"")]
    assert end_to_end(headers) == []


@pytest.mark.parametrize(
    "url", ["ftp://x", "api.openai.com", "http://", "https://u:p@x/", "https://x/?a=b", "https://x/#f", "http://x:y"]
)
def test_upstream_urls_that_cannot_be_are_refused(url: str) -> None:
    with pytest.raises(Malformed, match="--upstream"):
        Target(url)


def test_a_guard_may_be_told_more_names_and_origins() -> None:
    from muniment.agent.proxy.exchange import RequestHead

    guard = Guard(["proxy.internal"], ["https://app.example"])
    headers = [(b"host", b"Proxy.Internal:8731"), (b"origin", b"https://app.example")]
    assert guard.check(RequestHead("POST", b"/", b"", headers)) is None
    assert Guard().check(RequestHead("POST", b"/", b"", headers)) is not None
