"""Sending what a blocking generator makes, without blocking the server and without keeping it in memory."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Final

from muniment.server.problems import refuse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator

STREAMS: Final = 3
"""Streams that may run at one time: each keeps a database connection for as long as its reader takes."""

_places = threading.BoundedSemaphore(STREAMS)


class StreamPlace:
    """One of the places for streams, taken now and given back once.

    Raises:
        ProblemError: unavailable, if all are taken.
    """

    def __init__(self) -> None:
        if not _places.acquire(blocking=False):
            raise refuse(
                "unavailable",
                f"{STREAMS} downloads are running already; try again",
                headers={"retry-after": "5"},
            )
        self._held = True

    def release(self) -> None:
        """Give the place back; a second time does nothing."""
        if self._held:
            self._held = False
            _places.release()


async def in_threads(chunks: Generator[bytes, None, None], first: bytes) -> AsyncIterator[bytes]:
    """Send `first` and then what the generator yields, each step in a thread.

    The generator is closed in every case, also when the client goes away in the middle of a step.
    """
    step: asyncio.Future[bytes | None] | None = None
    try:
        yield first
        while True:
            step = asyncio.ensure_future(asyncio.to_thread(next, chunks, None))
            chunk = await asyncio.shield(step)
            if chunk is None:
                return
            yield chunk
    finally:
        await asyncio.shield(_close(chunks, step))


async def _close(chunks: Generator[bytes, None, None], step: asyncio.Future[bytes | None] | None) -> None:
    if step is not None:
        await asyncio.wait([step])
    await asyncio.to_thread(chunks.close)
