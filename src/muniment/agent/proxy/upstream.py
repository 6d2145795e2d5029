"""The server behind the proxy."""

from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import urlsplit

import httpx

from muniment.agent.proxy.exchange import RequestHead
from muniment.agent.proxy.headers import end_to_end, first, readable_codings
from muniment.core.errors import Malformed

_CONNECT: Final = 10.0
_IDLE_CONNECTIONS: Final = 64
_OWN: Final = (b"host", b"content-length", b"expect", b"accept-encoding", b"muniment-cause")


class Unreachable(Exception):  # noqa: N818
    """No connection came about; the server has seen nothing."""


class Broken(Exception):  # noqa: N818
    """The connection broke off, before or within the answer."""


class Upstream:
    """One HTTP server, with connections that are kept.

    There is no limit on how long an answer may take: that is the client's to decide, and when it goes away the
    connection to the server is closed.

    Args:
        url: where it answers, such as `https://api.openai.com` or `http://127.0.0.1:9000/mcp`.

    Raises:
        Malformed: if that is no http or https URL, or holds a password, query or fragment.
    """

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise Malformed(f"is no URL: {error}", "--upstream") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Malformed("must begin with http:// or https:// and name a host", "--upstream")
        if parts.username is not None or parts.query or parts.fragment:
            raise Malformed("may not hold a user, a query or a fragment", "--upstream")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        self.origin = f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")
        self.path = parts.path.encode("ascii", "strict") if parts.path.isascii() else b""
        if not parts.path.isascii():
            raise Malformed("write the path in ASCII, percent-encoded", "--upstream")
        self._host = self.origin.partition("://")[2].encode("ascii")
        self._url = httpx.URL(self.origin + "/")
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(None, connect=_CONNECT),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=_IDLE_CONNECTIONS),
            follow_redirects=False,
        )

    async def send(
        self, head: RequestHead, target: bytes, body: bytes, rest: AsyncIterator[bytes] | None
    ) -> httpx.Response:
        """Forward a request; the answer's body is still to be read, and the answer to be closed.

        Args:
            head: the request as it came.
            target: path and query to ask for.
            body: its body, or the beginning of it.
            rest: what follows, or None if `body` is all.

        Raises:
            Unreachable: if the server cannot be reached.
            Broken: if the connection broke before the answer began.
        """
        headers = [(b"host", self._host), *end_to_end(head.headers, without=_OWN)]
        accepted = first(head.headers, b"accept-encoding")
        if accepted is not None:
            headers.append((b"accept-encoding", readable_codings(accepted)))
        length = first(head.headers, b"content-length")
        content: bytes | AsyncIterator[bytes] = body
        if rest is not None:
            content = _chain(body, rest)
            if length is not None and first(head.headers, b"transfer-encoding") is None:
                headers.append((b"content-length", length))
        elif body or length is not None or first(head.headers, b"transfer-encoding") is not None:
            headers.append((b"content-length", b"%d" % len(body)))
        request = httpx.Request(head.method, self._url, headers=headers, content=content, extensions={"target": target})
        try:
            return await self._http.send(request, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.UnsupportedProtocol) as error:
            raise Unreachable(str(error) or type(error).__name__) from error
        except httpx.HTTPError as error:
            raise Broken(str(error) or type(error).__name__) from error

    def location(self, value: bytes) -> bytes:
        """A `Location` of the server, as one of ours where it points back at the server itself.

        A client that followed it as it is would leave the recorder behind.
        """
        origin = self.origin.encode("ascii")
        rest = value[len(origin) :]
        if value[: len(origin)].lower() == origin and rest[:1] in (b"", b"/", b"?", b"#"):
            return rest if rest[:1] == b"/" else b"/" + rest
        return value


async def pieces(response: httpx.Response) -> AsyncIterator[bytes]:
    """The body of an answer as it comes, exactly as on the wire (chunked framing aside).

    Raises:
        Broken: if it ends before its end.
    """
    try:
        async for piece in response.aiter_raw():
            yield piece
    except (httpx.HTTPError, httpx.StreamError) as error:
        raise Broken(str(error) or type(error).__name__) from error


async def _chain(body: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield body
    async for piece in rest:
        yield piece
