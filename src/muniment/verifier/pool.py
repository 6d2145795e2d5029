"""Reading blocks on all cores, in order, with a bounded number of them under way."""

from __future__ import annotations

import io
import multiprocessing
import os
import re
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
    def before(self) -> bytes:
        """How the line before begins."""


def read_blocks(
    reader: BlockReader, blocks: Iterator[Located], stream: BinaryIO, workers: int | None = None
) -> Iterator[BlockRead]:
    """Read every block, in order, each from the position at which the one before ended; stops at a malformed one.

    Args:
        reader: reads one block.
        blocks: the blocks of one file.
        stream: where they come from. Processes read an ordinary file themselves, at the block's offset.
        workers: processes to use; None for as many as there are cores, if the file is worth it.
    """
    file = _file(stream)
    count = workers if workers is not None else _cores()
    if file is None or count < 2 or (workers is None and file[1] <= SMALL) or not _may_fork():
        reads = _alone(reader, blocks)
    else:
        reads = _spread(reader, blocks, file[0], count)
    for read in reads:
        yield read
        if read.malformed is not None:
            return


def _alone(reader: BlockReader, blocks: Iterator[Located]) -> Iterator[BlockRead]:
    position = 0
    for block in blocks:
        read = reader.read(block.data, position, block.before)
        position = read.end
        yield read


def _spread(reader: BlockReader, blocks: Iterator[Located], descriptor: int, count: int) -> Iterator[BlockRead]:
    pool = ProcessPoolExecutor(
        count, multiprocessing.get_context("fork"), initializer=_begin, initargs=(reader, descriptor)
    )
    under_way: deque[tuple[Located, Future[BlockRead]]] = deque()
    position = claimed = 0

    def next_read() -> BlockRead:
        nonlocal position
        block, future = under_way.popleft()
        read = future.result()
        if read.start != position:
            # The entries before lied about their numbers, or were followed by subtrees.
            read = reader.read(block.data, position, block.before)
        position = read.end
        return read

    try:
        for block in blocks:
            future = pool.submit(_read, block.offset, len(block.data), claimed, block.before)
            under_way.append((block, future))
            claimed = _claimed(block.data, claimed)
            if len(under_way) >= count * _AHEAD:
                yield next_read()
        while under_way:
            yield next_read()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _claimed(data: bytes, start: int) -> int:
    """Where the block after this one begins, if its last entry says the truth about its number. Never relied upon."""
    at = data.rfind(b'"seq":')
    found = _SEQ.match(data, at) if at >= 0 else None
    end = int(found[1]) + 1 if found is not None else start
    return end + sum(1 << int(level[1]) for level in _SUBTREE.finditer(data, max(at, 0)))


_SUBTREE: Final = re.compile(rb"(?m)^N ([0-9]{1,2}) ")
_SEQ: Final = re.compile(rb'"seq":([0-9]{1,15}),"v"')

_reader: BlockReader | None = None
_descriptor = -1


def _begin(reader: BlockReader, descriptor: int) -> None:
    global _reader, _descriptor
    _reader, _descriptor = reader, descriptor


def _read(offset: int, length: int, position: int, before: bytes) -> BlockRead:
    if _reader is None:
        raise RuntimeError("the process was not begun")
    data = os.pread(_descriptor, length, offset)
    if len(data) != length:
        raise VerificationFailed("the file became shorter while it was read", f"byte {offset}")
    return _reader.read(data, position, before)


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
