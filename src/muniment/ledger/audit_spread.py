"""Reading the batches of a walk, in order: in this process, or in several with a connection each."""

import multiprocessing
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.conninfo import make_conninfo

from muniment.ledger.audit_batch import BATCH, Batch, BatchReader

SMALL = 100_000
"""Up to so many entries are read by one process: starting others would take longer."""

_AHEAD = 4
"""Batches under way for each process."""

Range = tuple[int, int]
"""Number of the first entry, and the number after the last one."""


def batches(first: int, size: int, alone: frozenset[int]) -> Iterator[Range]:
    """Cut the entries from `first` up to `size`; those in `alone` stand by themselves."""
    start = first
    for cut in [*sorted(seq for seq in alone if first <= seq < size), size]:
        while start < cut:
            end = min(start + BATCH, cut)
            yield start, end
            start = end
        if cut < size:
            yield cut, cut + 1
            start = cut + 1


def read_batches(
    reader: BatchReader, connection: Connection[Any], first: int, size: int, workers: int | None
) -> Iterator[tuple[Range, Batch | None]]:
    """Read every batch, in order.

    Args:
        reader: reads one.
        connection: outside a transaction; it can be used between two batches.
        first: number of the first entry.
        size: number after the last entry.
        workers: processes; None for as many as there are cores, if there is enough to read.
    """
    count = workers if workers is not None else _cores() if size - first > SMALL else 1
    if count < 2:
        for start, end in batches(first, size, reader.noted):
            yield (start, end), reader.read(connection, start, end)
        return
    info = connection.info
    # A forked process would share this one's connections and whatever locks its threads hold.
    pool = ProcessPoolExecutor(
        count,
        multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(reader, {**info.get_parameters(), "password": info.password}),
    )
    under_way: deque[tuple[Range, Future[Batch | None]]] = deque()
    try:
        for one in batches(first, size, reader.noted):
            under_way.append((one, pool.submit(_read, *one)))
            if len(under_way) >= count * _AHEAD:
                place, future = under_way.popleft()
                yield place, future.result()
        while under_way:
            place, future = under_way.popleft()
            yield place, future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_reader: BatchReader | None = None
_connection: Connection[Any] | None = None


def _begin(reader: BatchReader, parameters: dict[str, str]) -> None:
    global _reader, _connection
    _reader, _connection = reader, psycopg.connect(make_conninfo("", **parameters), autocommit=True)


def _read(first: int, end: int) -> Batch | None:
    if _reader is None or _connection is None:
        raise RuntimeError("the process was not begun")
    return _reader.read(_connection, first, end)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
