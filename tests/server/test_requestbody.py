"""Reading request bodies with every size known before it is kept."""

import gzip
import zlib
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.server.ingest.asgitypes import Message, Receive
from muniment.server.ingest.requestbody import DISCARD_LIMIT, ClientGone, read_body
from muniment.server.problems import ProblemError

LIMIT = 1000


def sent(chunks: Iterable[bytes]) -> tuple[Receive, list[int]]:
    """A channel that gives these chunks, and the count of how many were taken."""
    left = list(chunks) or [b""]
    taken = [0]

    async def receive() -> Message:
        taken[0] += 1
        chunk = left.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(left)}

    return receive, taken


@given(st.lists(st.binary(max_size=200), max_size=5))
async def test_chunks_are_put_together(chunks: list[bytes]) -> None:
    assert await read_body(sent(chunks)[0], {}, LIMIT) == b"".join(chunks)


@given(st.binary(max_size=LIMIT), st.integers(1, 50))
async def test_a_compressed_body_is_unpacked_however_it_is_cut(data: bytes, step: int) -> None:
    packed = gzip.compress(data)
    chunks = [packed[at : at + step] for at in range(0, len(packed), step)]
    assert await read_body(sent(chunks)[0], {b"content-encoding": b"gzip"}, LIMIT) == data


@pytest.mark.parametrize("size", [LIMIT, LIMIT + 1])
@pytest.mark.parametrize("packed", [False, True])
async def test_the_limit_is_exact_packed_or_not(size: int, packed: bool) -> None:
    data = b"x" * size
    headers = {b"content-encoding": b"gzip"} if packed else {}
    receive, _ = sent([gzip.compress(data) if packed else data])
    if size <= LIMIT:
        assert await read_body(receive, headers, LIMIT) == data
    else:
        with pytest.raises(ProblemError) as refused:
            await read_body(receive, headers, LIMIT)
        assert refused.value.problem.kind == "body-too-large"


async def test_a_body_too_large_is_read_to_its_end_and_no_further_than_a_bound() -> None:
    chunk = b"x" * (1 << 20)
    receive, taken = sent([chunk] * 200)
    with pytest.raises(ProblemError):
        await read_body(receive, {}, LIMIT)
    assert taken[0] == DISCARD_LIMIT >> 20


async def test_a_client_that_asks_before_it_sends_is_told_at_once() -> None:
    receive, taken = sent([b"x" * 2000])
    with pytest.raises(ProblemError):
        await read_body(receive, {b"content-length": b"2000", b"expect": b"100-continue"}, LIMIT)
    assert taken[0] == 0


async def test_a_client_that_goes_away_is_no_error_of_the_request() -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    with pytest.raises(ClientGone):
        await read_body(receive, {}, LIMIT)


async def test_deflate_without_a_gzip_header_is_refused() -> None:
    receive, _ = sent([zlib.compress(b"x")])
    with pytest.raises(ProblemError) as refused:
        await read_body(receive, {b"content-encoding": b"gzip"}, LIMIT)
    assert refused.value.problem.kind == "malformed-encoding"
