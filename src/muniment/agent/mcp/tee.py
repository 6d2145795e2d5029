"""A byte tee between our own stdin and stdout and those of a child process: raw descriptors, whole lines.

Bytes are forwarded exactly as they came, unless the observer says otherwise. Each complete line is shown to it before
it is forwarded. What is left at the end of a stream is shown and forwarded as a last line. A line longer than
`MAX_LINE` is not held back any further: its beginning is shown, then it flows through (or is drained, if the observer
says so) and its length and hash are reported at its end.
"""

import contextlib
import hashlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Final, Protocol

from muniment.agent.mcp.refusals import Passage
from muniment.agent.mcp.relay import relay

MAX_LINE: Final = 64 * 1024 * 1024
_CHUNK: Final = 64 * 1024
"""As much as a pipe holds; a larger buffer is mapped anew for every read, which costs more than the read."""
_LAST_BYTES: Final = 2.0
"""Seconds of silence after which a child's output counts as ended, once it has ended itself; a grandchild may hold it
open."""


class Observer(Protocol):
    """Who is shown what passes."""

    def from_client(self, line: bytes) -> Passage | None:
        """A line towards the child, without its newline. None: forward it as it is."""

    def from_server(self, line: bytes) -> None:
        """A line from the child, without its newline."""

    def oversize(self, direction: str, start: bytes) -> Passage | None:
        """The beginning of a line that is too long to be held. None: let it flow; otherwise none of it is forwarded."""

    def oversize_end(self, direction: str, length: int, sha256: str) -> None:
        """Length and SHA-256 of such a line."""


class Outlet:
    """A descriptor that two threads write whole lines to."""

    def __init__(self, descriptor: int) -> None:
        self.lock = threading.RLock()
        self._descriptor = descriptor

    def write(self, data: bytes) -> None:
        """Write everything.

        Raises:
            OSError: if nobody reads any more.
        """
        with self.lock:
            written = os.write(self._descriptor, data)
            if written < len(data):
                view = memoryview(data)
                while written < len(data):
                    written += os.write(self._descriptor, view[written:])


class Pump:
    """Moves one direction, line by line.

    Args:
        source: descriptor to read.
        outlet: where it goes.
        direction: `client` or `server`: who speaks.
        show: is shown each line without its newline; returns what is forwarded, None for nothing.
        observer: is told about oversize lines.
        back: where what is answered instead of forwarding goes; None where nothing is.

    Attributes:
        source: the descriptor that is read.
        pending: what was fed and is still to be written.
        reading: whether it waits for something to read.
        rounds: how often it has waited so.
    """

    def __init__(
        self,
        source: int,
        outlet: Outlet,
        direction: str,
        show: Callable[[bytes], bytes | None],
        observer: Observer,
        back: Outlet | None = None,
    ) -> None:
        self.source = source
        self._outlet = outlet
        self._direction = direction
        self._show = show
        self._observer = observer
        self._back = back
        self._held: list[bytes] = []
        self._size = 0
        self.pending = b""
        self.rounds = 0
        self.reading = False

    @property
    def unfinished(self) -> int:
        """Bytes of the line whose end has not come yet."""
        return self._size

    def feed(self, chunk: bytes) -> bytes:
        """Take what was read; returns what is to be written now."""
        newline = chunk.rfind(b"\n")
        if newline < 0:
            self._held.append(chunk)
            self._size += len(chunk)
            return b""
        self._held.append(chunk[: newline + 1])
        block = b"".join(self._held) if len(self._held) > 1 else self._held[0]
        rest = chunk[newline + 1 :]
        self._held, self._size = ([rest] if rest else []), len(rest)
        return self._shown(block)

    def run(self) -> None:
        """Pump until the source ends.

        Raises:
            OSError: if the outlet does not take data any more.
        """
        if self.pending:
            self._outlet.write(self.pending)
            self.pending = b""
        while chunk := self._read():
            block = self.feed(chunk)
            if block:
                self._outlet.write(block)
            elif self._size > MAX_LINE:
                rest = self._flow(b"".join(self._held))
                self._held, self._size = [], 0
                if rest:
                    block = self.feed(rest)
                    if block:
                        self._outlet.write(block)
        if self._held:
            last = self._show(b"".join(self._held))
            if last is not None:
                self._outlet.write(last)

    def _read(self) -> bytes:
        self.rounds += 1
        self.reading = True
        chunk = os.read(self.source, _CHUNK)
        self.reading = False
        return chunk

    def _shown(self, block: bytes) -> bytes:
        if block.find(b"\n") == len(block) - 1:
            # Nearly always: one message.
            line = block[:-1]
            shown = self._show(line)
            return block if shown is line else b"" if shown is None else shown + b"\n"
        lines = block.split(b"\n")
        lines.pop()
        passing = [self._show(line) for line in lines]
        if all(new is old for new, old in zip(passing, lines, strict=True)):
            return block
        return b"".join(line + b"\n" for line in passing if line is not None)

    def _flow(self, start: bytes) -> bytes:
        """Let an oversize line through, or drain it; returns what came after its newline."""
        passage = self._observer.oversize(self._direction, start)
        digest, length = hashlib.sha256(start), len(start)
        with self._outlet.lock if passage is None else contextlib.nullcontext():
            if passage is None:
                self._outlet.write(start)
            while chunk := self._read():
                line, newline, rest = chunk.partition(b"\n")
                digest.update(line)
                length += len(line)
                if passage is None:
                    self._outlet.write(line + newline)
                if newline:
                    break
            else:
                rest = b""
        self._observer.oversize_end(self._direction, length, digest.hexdigest())
        if passage is not None and passage.answer and self._back is not None:
            self._back.write(passage.answer + b"\n")
        return rest


def run_between(
    command: Sequence[str],
    observer: Observer,
    environ: Mapping[str, str],
    started: Callable[[int], None],
    *,
    waits: bool = True,
) -> int:
    """Run a command with our stdin and stdout teed to an observer; its stderr is ours.

    SIGINT, SIGTERM and SIGHUP are passed on to the command.

    Args:
        command: program and arguments.
        observer: is shown every line.
        environ: the command's environment.
        started: is told the command's process id before the first byte is moved.
        waits: whether the observer may take its time; if not, one thread moves both directions as long as it can.

    Returns:
        The command's exit status; 128 + n if signal n ended it.

    Raises:
        OSError: if the command cannot be started.
    """
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=dict(environ))
    if child.stdin is None or child.stdout is None:
        raise OSError("the command has no stdin or stdout")
    with _signals_passed_to(child) as signals:
        started(child.pid)
        to_client, to_child = Outlet(1), Outlet(child.stdin.fileno())

        def show_client(line: bytes) -> bytes | None:
            passage = observer.from_client(line)
            if passage is None:
                return line
            if passage.answer:
                to_client.write(passage.answer + b"\n")
            return passage.forward

        def show_server(line: bytes) -> bytes | None:
            observer.from_server(line)
            return line

        upward = Pump(0, to_child, "client", show_client, observer, to_client)
        downward = Pump(child.stdout.fileno(), to_client, "server", show_server, observer)
        if not waits:
            relay(upward, downward, child.stdin.fileno(), child.pid)
        threading.Thread(target=_run, args=(upward, child.stdin.close), daemon=True).start()
        down = threading.Thread(target=_run, args=(downward, lambda: _end_output(child)), daemon=True)
        down.start()
        status = child.wait()
        # The child may have left much to a client that listens slowly, or its output to a process that lives on.
        while down.is_alive() and not signals.unheard:
            rounds = downward.rounds
            down.join(_LAST_BYTES)
            if downward.reading and downward.rounds == rounds:
                break
    return status if status >= 0 else 128 - status


def _run(pump: Pump, finish: Callable[[], None]) -> None:
    # Either side may go away at any time; the other side then sees the end of its stream, as it would without us.
    with contextlib.suppress(OSError):
        pump.run()
    with contextlib.suppress(OSError):
        finish()


def _end_output(child: subprocess.Popen[bytes]) -> None:
    if child.stdout is not None:
        child.stdout.close()
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)


class _signals_passed_to:  # noqa: N801
    """While it lasts, signals that would end us go to the child instead; it decides.

    Attributes:
        unheard: whether one came after the child had ended.
    """

    _PASSED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        self.unheard = False

    def __enter__(self) -> "_signals_passed_to":
        self._before = {number: signal.signal(number, self._pass) for number in self._PASSED}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _pass(self, number: int, _: FrameType | None) -> None:
        if self._child.poll() is None:
            self._child.send_signal(number)
        else:
            self.unheard = True
