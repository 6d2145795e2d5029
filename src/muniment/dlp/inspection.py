"""Reading a file that others sent, in a process of its own whose memory and time are limited.

The process is given the file on its standard input and answers in one line. It gets no environment but where programs
are, so that no password of the server is in it, and no open files. It may not write files, and a file that makes a
library fail, loop or grow ends that process alone: the file counts as one that cannot be scanned.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import IO, Any, Final

import orjson

from muniment.dlp.limits import Limits
from muniment.dlp.patterns import Pattern
from muniment.dlp.scanning import UNSCANNABLE, Place, Scan

_GRACE: Final = 5
"""Seconds more than the limit that the process has to begin and to end."""
_MOST_SAID: Final = 1 << 20
_KEPT: Final = ("PATH", "TESSDATA_PREFIX", "LANG")


def inspect(
    pieces: Iterable[bytes], patterns: Iterable[Pattern] = (), *, today: date, limits: Limits | None = None
) -> Scan:
    """Search a file in a process of its own.

    Args:
        pieces: the file's bytes, in pieces of any length; taken one after the other.
        patterns: of the tenant.
        today: bounds dates of birth in numbers.
        limits: the usual ones if None.

    Returns:
        What was found; `unscannable` if the process failed or was ended.
    """
    limits = limits or Limits()
    order = {
        "today": today.isoformat(),
        "seconds": limits.seconds,
        "memory": limits.memory,
        "patterns": [[one.name, one.expression] for one in patterns],
    }
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    with subprocess.Popen(
        [sys.executable, "-I", "-c", _START, str(Path(__file__).parents[2])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd="/",
        start_new_session=True,
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise TypeError("the process has no pipes")
        out_of_time = threading.Timer(limits.seconds + _GRACE, _end, [process])
        out_of_time.start()
        try:
            _send(process.stdin, orjson.dumps(order) + b"\n", pieces)
            said = process.stdout.read(_MOST_SAID)
        finally:
            out_of_time.cancel()
            _end(process)
    return _read(said)


# The folder of the package is put before others: an isolated interpreter does not look at the environment for it.
_START: Final = "import sys; sys.path.insert(0, sys.argv[1]); from muniment.dlp.confined import main; main()"


def _send(stream: IO[bytes], head: bytes, pieces: Iterable[bytes]) -> None:
    # A process that has ended already reads no more; what it said, or that it said nothing, tells why.
    with suppress(BrokenPipeError):
        stream.write(head)
        for piece in pieces:
            stream.write(piece)
    with suppress(BrokenPipeError):
        stream.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and whatever it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _read(said: bytes) -> Scan:
    try:
        found: dict[str, Any] = orjson.loads(said)
        return Scan(
            found["coverage"],
            found["reason"],
            tuple((kind, count) for kind, count in found["counts"]),
            tuple(Place(where, kind, count) for where, kind, count in found["places"]),
            found["pictures"],
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return Scan(UNSCANNABLE, "reading it took more time or memory than it may, or ended in an error", (), (), 0)
