"""Downloads: few at a time, and nobody keeps a place who takes nothing."""

import asyncio
import threading
from collections.abc import Generator

import pytest

from muniment.server.api.streaming import STREAMS, StreamPlace, in_threads
from muniment.server.problems import ProblemError


def generator(place: StreamPlace, closed: threading.Event) -> Generator[bytes, None, None]:
    try:
        yield b"zero"
        yield b"one"
        yield b"two"
    finally:
        place.release()
        closed.set()


def begun(place: StreamPlace, closed: threading.Event) -> tuple[Generator[bytes, None, None], bytes]:
    """A stream whose first piece was made already, so that what is wrong with it could be answered."""
    chunks = generator(place, closed)
    return chunks, next(chunks)


def test_a_client_that_takes_nothing_loses_its_place_to_others() -> None:
    async def stalled() -> None:
        places = [StreamPlace() for _ in range(STREAMS)]
        with pytest.raises(ProblemError, match="already"):
            StreamPlace()
        closed = threading.Event()
        sent = in_threads(*begun(places[0], closed), patience=0.05)
        assert await anext(sent) == b"zero"
        # Nothing further is asked for, as by a server whose client does not read.
        assert await asyncio.to_thread(closed.wait, 20)
        StreamPlace().release()
        with pytest.raises(TimeoutError):
            await anext(sent)
        for place in places:
            place.release()

    asyncio.run(stalled())


def test_a_client_that_takes_everything_gets_everything() -> None:
    async def whole() -> list[bytes]:
        closed = threading.Event()
        sent = [chunk async for chunk in in_threads(*begun(StreamPlace(), closed))]
        assert closed.is_set()
        return sent

    assert asyncio.run(whole()) == [b"zero", b"one", b"two"]


def test_a_client_that_goes_away_gives_its_place_back() -> None:
    async def gone() -> bool:
        closed = threading.Event()
        sent = in_threads(*begun(StreamPlace(), closed))
        assert await anext(sent) == b"zero"
        await sent.aclose()
        return closed.is_set()

    assert asyncio.run(gone())
