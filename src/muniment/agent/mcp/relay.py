"""One thread that moves both directions of a tee for as long as everything is simple.

Two threads hand the interpreter to each other on every message, which costs more than moving it. One thread that might
block on either side could come to a standstill, though. So nothing here blocks but the wait for the next message:
whenever something is out of the ordinary (a side that does not take data at once, a long line, the end of a stream, the
end of the child), this ends, and two threads go on from there.
"""

import contextlib
import os
import select
import socket
import stat
from collections.abc import Callable, Iterator
from typing import Final, Protocol

MAX_UNFINISHED: Final = 1_048_576
_CHUNK: Final = 64 * 1024
"""As much as a pipe holds; a larger buffer is mapped anew for every read, which costs more than the read."""


class Direction(Protocol):
    """One direction of the tee."""

    source: int
    pending: bytes

    @property
    def unfinished(self) -> int:
        """Bytes of the line whose end has not come yet."""

    def feed(self, chunk: bytes) -> bytes:
        """Take what was read; returns what is to be written now."""


def relay(upward: Direction, downward: Direction, to_child: int, pid: int) -> None:
    """Move both directions until something is out of the ordinary; what is left to be written is `pending` then.

    Args:
        upward: from our stdin to the child.
        downward: from the child to our stdout.
        to_child: the child's stdin, a pipe of ours alone.
        pid: the child's.
    """
    with contextlib.ExitStack() as open_:
        try:
            watch = os.pidfd_open(pid)
            open_.callback(os.close, watch)
            send_down = open_.enter_context(_sender(1))
        except OSError:
            return
        os.set_blocking(to_child, False)
        open_.callback(os.set_blocking, to_child, True)
        sides: dict[int, tuple[Direction, Callable[[bytes], int]]] = {
            upward.source: (upward, lambda data: os.write(to_child, data)),
            downward.source: (downward, send_down),
        }
        poll = select.poll()
        for descriptor in (watch, *sides):
            poll.register(descriptor, select.POLLIN)
        _move(poll, sides)


def _move(poll: select.poll, sides: dict[int, tuple[Direction, Callable[[bytes], int]]]) -> None:
    while True:
        for descriptor, _ in poll.poll():
            side = sides.get(descriptor)
            if side is None:
                return
            direction, send = side
            try:
                chunk = os.read(descriptor, _CHUNK)
            except OSError:
                return
            if not chunk:
                return
            data = direction.feed(chunk)
            if data:
                try:
                    data = data[send(data) :]
                except OSError:
                    # It would block, or nobody reads any more; a thread finds out which.
                    direction.pending = data
                    return
                if data:
                    direction.pending = data
                    return
            if direction.unfinished > MAX_UNFINISHED:
                return


@contextlib.contextmanager
def _sender(descriptor: int) -> Iterator[Callable[[bytes], int]]:
    """Writes to a pipe or a socket without ever waiting, and without changing it for those who share it.

    Raises:
        OSError: if it is something else.
    """
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISSOCK(mode):
        with socket.socket(fileno=os.dup(descriptor)) as connection:
            yield lambda data: connection.send(data, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
    elif stat.S_ISFIFO(mode):
        own = os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            yield lambda data: os.write(own, data)
        finally:
            os.close(own)
    else:
        raise OSError("neither a pipe nor a socket")
