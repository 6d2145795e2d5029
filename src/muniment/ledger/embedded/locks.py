"""Two locks in the cluster's directory: who may start and stop it now, and whether a process of it is left."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from muniment.core.errors import Refused


@contextmanager
def operation(directory: Path, deadline: float) -> Iterator[None]:
    """Hold the lock under which the server is started and stopped.

    Args:
        directory: of the cluster.
        deadline: by the monotonic clock.

    Raises:
        Refused: if another process holds it beyond the deadline.
    """
    lock = os.open(directory / "operation.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while not _try(lock):
            if time.monotonic() > deadline:
                raise Refused(f"another process is starting or stopping {directory}", "postgres")
            time.sleep(0.05)
        yield
    finally:
        os.close(lock)


@contextmanager
def running(directory: Path) -> Iterator[int]:
    """Take the lock that every process of the server inherits; gives its descriptor, to be handed on.

    Raises:
        Refused: if a process of an earlier server still has it.
    """
    lock = os.open(directory / "running.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not _try(lock):
            raise Refused(f"a process of an earlier server still runs in {directory}", "postgres")
        yield lock
    finally:
        os.close(lock)


def is_running(directory: Path) -> bool:
    """Whether any process of the server is left, on this machine, in whatever container."""
    try:
        lock = os.open(directory / "running.lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _try(lock)
    finally:
        os.close(lock)


def _try(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
