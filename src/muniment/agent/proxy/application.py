"""The proxy as an ASGI application: hold the request until it is recorded, forward it, pass the answer on as it comes.

* The answer is never collected: each piece is shown to the recorder and sent on at once. Only of an answer that is one
  JSON document is the newest piece held until the next has come, so that its end is recorded before the client has it.
* A client that goes away ends the request upstream; an answer that breaks off breaks off for the client, too.
* A recorder that fails changes nothing about what passes, unless it fails closed.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Final

import httpx

from muniment.agent.proxy.asgitypes import Receive, Scope, Send
from muniment.agent.proxy.exchange import MAX_HELD, Ending, Recorder, Reply, RequestHead
from muniment.agent.proxy.guard import Guard
from muniment.agent.proxy.headers import end_to_end, first, media_type
from muniment.agent.proxy.intake import ClientGone, Intake
from muniment.agent.proxy.shielded import Shielded
from muniment.agent.proxy.upstream import Broken, Unreachable, Upstream, pieces

_LOG: Final = logging.getLogger("muniment.agent")
_ONE_DOCUMENT: Final = frozenset({"application/json"})
_BODILESS: Final = frozenset({204, 304})


class ReverseProxy:
    """An ASGI application between clients of this machine and one upstream server.

    Args:
        upstream: where requests go; its path is put before the path of each request.
        recorder: is shown what passes.
        guard: decides who may talk to it.
        prefix: whether the upstream URL's path is put before each request's.
        max_held: bytes of a request's body that are held.
    """

    def __init__(
        self, upstream: Upstream, recorder: Recorder, guard: Guard, *, prefix: bool = True, max_held: int = MAX_HELD
    ) -> None:
        self._upstream = upstream
        self._recorder = recorder
        self._guard = guard
        self._prefix = upstream.path.rstrip(b"/") if prefix else b""
        self._max_held = max_held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            return
        head = RequestHead(
            scope["method"], scope.get("raw_path") or b"", scope.get("query_string") or b"", list(scope["headers"])
        )
        refusal = self._guard.check(head)
        if refusal is None and first(head.headers, b"upgrade") is not None and self._switches(head):
            refusal = Reply.error(501, "upgrade", "WebSockets do not pass through this proxy")
        if refusal is not None:
            await _answer(send, head, refusal)
            return
        exchange = Shielded.begin(self._recorder, head)
        if isinstance(exchange, Reply):
            await _answer(send, head, exchange)
            return
        intake = Intake(receive)
        try:
            body, whole = await intake.hold(self._max_held)
        except ClientGone:
            return
        reply = await exchange.asked(body, whole)
        if isinstance(reply, Reply):
            await _answer(send, head, reply)
            return
        if reply is not None:
            body = reply.body
        await self._until_gone(head, exchange, intake, body, whole, send)

    @staticmethod
    def _switches(head: RequestHead) -> bool:
        connection = first(head.headers, b"connection") or b""
        return b"upgrade" in connection.lower()

    async def _until_gone(
        self, head: RequestHead, exchange: Shielded, intake: Intake, body: bytes, whole: bool, send: Send
    ) -> None:
        """Relay the exchange for as long as the client is there."""
        rest = None if whole else intake.rest(exchange.asked_more)
        relay = asyncio.create_task(self._relay(head, exchange, body, rest, send))
        gone = asyncio.create_task(intake.gone())
        try:
            await asyncio.wait({relay, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not relay.done():
                await _stopped(relay)
                await exchange.ended(Ending.CLIENT_GONE)
            else:
                relay.result()
        except asyncio.CancelledError:
            # Recorded first: the server that cancels us may not wait for anything that takes long.
            relay.cancel()
            await exchange.ended(Ending.STOPPED)
            raise
        finally:
            gone.cancel()

    async def _relay(
        self, head: RequestHead, exchange: Shielded, body: bytes, rest: AsyncIterator[bytes] | None, send: Send
    ) -> None:
        target = self._prefix + head.path + (b"?" + head.query if head.query else b"")
        try:
            response = await self._upstream.send(head, target, body, rest)
        except Unreachable as error:
            await exchange.ended(Ending.UNREACHABLE)
            await _answer(send, head, Reply.error(502, "unreachable", f"{self._upstream.origin}: {error}"))
            return
        except ClientGone:
            await exchange.ended(Ending.CLIENT_GONE)
            return
        except Broken as error:
            await exchange.ended(Ending.UPSTREAM_CUT)
            await _answer(send, head, Reply.error(502, "cut", f"{self._upstream.origin}: {error}"))
            return
        try:
            await self._pass(head, exchange, response, send)
        except Broken as error:
            # Returning without the last message closes the client's connection: to it, too, the answer breaks off.
            _LOG.warning("an answer of %s broke off: %s", self._upstream.origin, error)
            await exchange.ended(Ending.UPSTREAM_CUT)
        finally:
            await response.aclose()

    async def _pass(self, head: RequestHead, exchange: Shielded, response: httpx.Response, send: Send) -> None:
        headers = [(name.lower(), value) for name, value in response.headers.raw]
        await exchange.answering(response.status_code, headers)
        # Where both say how long the body is, the length is the one that a careful reader ignores (RFC 9112, 6.3).
        without = (b"content-length",) if first(headers, b"transfer-encoding") is not None else ()
        passed = [
            (name, self._upstream.location(value) if name == b"location" else value)
            for name, value in end_to_end(headers, without=without)
        ]
        start = {"type": "http.response.start", "status": response.status_code, "headers": passed}
        if head.method == "HEAD" or response.status_code in _BODILESS or first(passed, b"content-length") == b"0":
            # The head is all there is: with it the client has the end.
            await exchange.ended(Ending.COMPLETE)
            await send(start)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        await send(start)
        held = b""
        holding = media_type(headers) in _ONE_DOCUMENT
        async for piece in pieces(response):
            await exchange.passing(piece)
            if holding:
                held, piece = piece, held
            if piece:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await exchange.ended(Ending.COMPLETE)
        await send({"type": "http.response.body", "body": held, "more_body": False})


async def _stopped(task: "asyncio.Task[None]") -> None:
    """Cancel a task and wait until it has let go of what it held."""
    task.cancel()
    await asyncio.wait({task})


async def _answer(send: Send, head: RequestHead, reply: Reply) -> None:
    headers = [(b"content-length", b"%d" % len(reply.body))]
    if reply.body:
        headers.append((b"content-type", reply.media_type.encode("ascii")))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    body = b"" if head.method == "HEAD" else reply.body
    await send({"type": "http.response.body", "body": body, "more_body": False})
