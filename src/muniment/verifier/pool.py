"""Reading blocks on all cores, in order, with a bounded number of them under way."""

from __future__ import annotations

import io
import multiprocessing
import os
import stat
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import BinaryIO, Final, Protocol

from muniment.core.errors import VerificationFailed
from muniment.verifier.block import BlockRead, BlockReader

SMALL: Final = 16 << 20
"""A file up to so many bytes is read by one process: starting others would take longer."""

_AHEAD: Final = 3
"""Blocks under way for each process."""


class Located(Protocol):
    """A block with its place, as `bundle.Block` has it."""

    @property
    def data(self) -> bytes:
        """The lines."""

    @property
    def offset(self) -> int:
        """Of the first byte in the file."""

    @property
    def position(self) -> int:
        """Leaf index at which the lines begin."""

    @property
    def line(self) -> int:
        """Number of the first line."""

    @property
    def before(self) -> bytes:
        """How the line before begins."""


def read_blocks(
    reader: BlockReader, blocks: Iterator[Located], stream: BinaryIO, workers: int | None = None
) -> Iterator[BlockRead]:
    """Read every block, in order; stops after the first that is malformed.

    Args:
        reader: reads one block.
        blocks: the blocks of one file.
        stream: where they come from. Processes read an ordinary file themselves, at the block's offset.
        workers: processes to use; None for as many as there are cores, if the file is worth it.
    """
    file = _file(stream)
    count = workers if workers is not None else _cores()
    if file is None or count < 2 or (workers is None and file[1] <= SMALL) or not _may_fork():
        for block in blocks:
            read = reader.read(block.data, block.position, block.line, block.before)
            yield read
            if read.malformed is not None:
                return
        return
    yield from _spread(reader, blocks, file[0], count)


def _spread(reader: BlockReader, blocks: Iterator[Located], descriptor: int, count: int) -> Iterator[BlockRead]:
    pool = ProcessPoolExecutor(
        count, multiprocessing.get_context("fork"), initializer=_begin, initargs=(reader, descriptor)
    )
    under_way: deque[Future[BlockRead]] = deque()
    try:
        for block in blocks:
            under_way.append(
                pool.submit(_read, block.offset, len(block.data), block.position, block.line, block.before)
            )
            if len(under_way) >= count * _AHEAD:
                read = under_way.popleft().result()
                yield read
                if read.malformed is not None:
                    return
        while under_way:
            read = under_way.popleft().result()
            yield read
            if read.malformed is not None:
                return
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_reader: BlockReader | None = None
_descriptor = -1


def _begin(reader: BlockReader, descriptor: int) -> None:
    global _reader, _descriptor
    _reader, _descriptor = reader, descriptor


def _read(offset: int, length: int, position: int, line: int, before: bytes) -> BlockRead:
    if _reader is None:
        raise RuntimeError("the process was not begun")
    data = os.pread(_descriptor, length, offset)
    if len(data) != length:
        raise VerificationFailed("the file became shorter while it was read", f"byte {offset}")
    return _reader.read(data, position, line, before)


def _file(stream: BinaryIO) -> tuple[int, int] | None:
    """Descriptor and size of an ordinary file that is read from its start."""
    try:
        descriptor = stream.fileno()
    except (OSError, AttributeError, io.UnsupportedOperation):
        return None
    status = os.fstat(descriptor)
    return (descriptor, status.st_size) if stat.S_ISREG(status.st_mode) else None


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _may_fork() -> bool:
    # A process with other threads may hold locks that its child would wait for in vain.
    return "fork" in multiprocessing.get_all_start_methods() and threading.active_count() == 1
