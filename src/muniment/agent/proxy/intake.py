"""A request's body as the ASGI server hands it over, and the moment the client goes away."""

import asyncio
from collections.abc import AsyncIterator, Callable

from muniment.agent.proxy.asgitypes import Receive


class ClientGone(Exception):  # noqa: N818
    """The client closed its connection."""


class Intake:
    """Reads one request's body. Nothing is read ahead, so that a slow upstream server slows the client.

    Args:
        receive: of the ASGI server.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._read = asyncio.Event()

    async def hold(self, limit: int) -> tuple[bytes, bool]:
        """Read until the body's end, or until more than `limit` bytes are there.

        Returns:
            What was read, and whether that is all.

        Raises:
            ClientGone: if the client goes away before.
        """
        held: list[bytes] = []
        size = 0
        while size <= limit:
            piece, more = await self._next()
            held.append(piece)
            size += len(piece)
            if not more:
                self._read.set()
                return b"".join(held), True
        return b"".join(held), False

    async def rest(self, shown: Callable[[bytes], None]) -> AsyncIterator[bytes]:
        """What follows after `hold`, each piece shown before it is given out.

        Raises:
            ClientGone: if the client goes away before its end.
        """
        more = True
        while more:
            piece, more = await self._next()
            if piece:
                shown(piece)
                yield piece
        self._read.set()

    async def gone(self) -> None:
        """Return when the client has gone away. Sees nothing before the whole body has been read."""
        await self._read.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _next(self) -> tuple[bytes, bool]:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        return message.get("body", b""), message.get("more_body", False)
