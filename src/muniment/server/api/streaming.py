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

PATIENCE: Final = 60.0
"""Seconds for which a client may take nothing of a stream: then its place and its connection are given to others."""

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


async def in_threads(
    chunks: Generator[bytes, None, None], first: bytes, *, patience: float = PATIENCE
) -> AsyncIterator[bytes]:
    """Send `first` and then what the generator yields, each step in a thread.

    The generator is closed in every case, also when the client goes away in the middle of a step, or takes nothing
    for `patience` seconds.

    Raises:
        TimeoutError: for a client that took nothing for so long; what it has is cut off, and says so by its form.
    """
    step: asyncio.Future[bytes | None] | None = None
    given_up: asyncio.Task[None] | None = None
    loop = asyncio.get_running_loop()

    def give_up() -> None:
        nonlocal given_up
        given_up = loop.create_task(asyncio.to_thread(chunks.close))

    chunk: bytes | None = first
    try:
        while chunk is not None:
            timer = loop.call_later(patience, give_up)
            yield chunk
            timer.cancel()
            if given_up is not None:
                raise TimeoutError(f"the client took nothing for {patience} seconds")
            step = asyncio.ensure_future(asyncio.to_thread(next, chunks, None))
            chunk = await asyncio.shield(step)
    finally:
        timer.cancel()
        if given_up is not None:
            await asyncio.shield(given_up)
        await asyncio.shield(_close(chunks, step))


async def _close(chunks: Generator[bytes, None, None], step: asyncio.Future[bytes | None] | None) -> None:
    if step is not None:
        await asyncio.wait([step])
    await asyncio.to_thread(chunks.close)
