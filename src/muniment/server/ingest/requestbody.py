"""Reading a request's body with every size known before it is kept.

A body over the limit is read to its end and thrown away as it comes (up to a bound), so that a client that reads
answers only after writing gets its 413 instead of a broken pipe; nothing of it is buffered. A compressed body is
limited by what it unpacks to, so a small bomb is refused at the same size as a large file.
"""

from __future__ import annotations

import asyncio
import zlib
from typing import TYPE_CHECKING, Final

from muniment.server.problems import refuse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from muniment.server.ingest.asgitypes import Receive

DISCARD_LIMIT: Final = 64 << 20
READ_SECONDS: Final = 60.0
_GZIP_WINDOW: Final = 31


class ClientGone(Exception):  # noqa: N818 - a fact about the connection, not an error of ours
    """The client closed the connection before its request was complete."""


async def read_body(receive: Receive, headers: Mapping[bytes, bytes], limit: int) -> bytes:
    """Read the whole body, unpacked.

    Args:
        receive: the ASGI channel.
        headers: the request's headers, names in lower case.
        limit: the most bytes that are kept, packed or unpacked.

    Raises:
        ProblemError: body-too-large, unsupported-media-type, malformed-encoding or request-timeout.
        ClientGone: if the client closed the connection.
    """
    try:
        async with asyncio.timeout(READ_SECONDS):
            return await _read(receive, headers, limit)
    except TimeoutError:
        raise refuse(
            "request-timeout",
            f"the request body did not arrive within {READ_SECONDS:.0f} s; send smaller batches",
            headers={"connection": "close"},
        ) from None


async def _read(receive: Receive, headers: Mapping[bytes, bytes], limit: int) -> bytes:
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    if encoding not in (b"identity", b"gzip", b""):
        await _discard(receive, 0)
        raise refuse(
            "unsupported-media-type",
            f"content-encoding {encoding.decode('latin-1')[:40]!r} is not read here; use gzip or none",
            headers={"accept-encoding": "gzip, identity"},
        )
    unpack = zlib.decompressobj(_GZIP_WINDOW) if encoding == b"gzip" else None
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and int(declared[:20]) > limit:
        if headers.get(b"expect", b"").lower() != b"100-continue":
            await _discard(receive, 0)
        raise _too_large(limit)
    chunks: list[bytes] = []
    received = kept = 0
    more = True
    while more:
        chunk, more = await _next(receive)
        received += len(chunk)
        if unpack is not None and chunk:
            try:
                chunk = unpack.decompress(chunk, limit - kept + 1)
            except zlib.error:
                await _discard(receive, received, more=more)
                raise refuse("malformed-encoding", "the body is not a gzip stream") from None
        kept += len(chunk)
        if kept > limit or received > limit:
            chunks.clear()
            await _discard(receive, received, more=more)
            raise _too_large(limit)
        if chunk:
            chunks.append(chunk)
    if unpack is not None and (not unpack.eof or unpack.unused_data):
        raise refuse("malformed-encoding", "the body is not exactly one complete gzip stream")
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def _discard(receive: Receive, received: int, *, more: bool = True) -> None:
    while more and received < DISCARD_LIMIT:
        chunk, more = await _next(receive)
        received += len(chunk)


async def _next(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    return message.get("body", b""), message.get("more_body", False)


def _too_large(limit: int) -> Exception:
    return refuse(
        "body-too-large",
        f"a request body may have {limit} bytes, unpacked; send smaller batches",
        headers={"connection": "close"},
    )
