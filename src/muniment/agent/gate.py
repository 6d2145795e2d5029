"""The gate: the ledger must have accepted an event before the action that it announces may run.

An agent's process holds no key, so it asks the shipper, over a unix socket in the state directory: ship my epoch up to
this number, and tell me. Everything but the ledger's receipt for this very event means no: no shipper, no answer in
time, a socket that is not ours, an answer that cannot be read. The event itself is on disk by then and is shipped like
any other, whatever the answer was.
"""

import os
import socket
import stat
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

import orjson

from muniment.agent.spools.spool import Spool
from muniment.agent.spools.written import SpoolFull, Written
from muniment.core.errors import Malformed, Refused
from muniment.core.identifiers import is_hash

TIMEOUT: Final = 5.0
"""Seconds that are waited for the ledger, unless told otherwise."""
MAX_TIMEOUT: Final = 3_600.0
MAX_MESSAGE: Final = 8_192
DIRECTORY: Final = "gate"
_SECONDS: Final = "must be seconds, more than 0 and at most 3600"
_PEER: Final = struct.Struct("3i")
_NO_SHIPPER: Final = "no shipper answers here; start `muniment ship --follow` with the same MUNIMENT_STATE"


class NotAccepted(Refused):
    """The ledger has not accepted the event, so what it announces must not be done. The event stays in the spool.

    Attributes:
        kind: `not-recorded` (not even on disk), `no-shipper`, `not-ours` (the source belongs to another key),
            `unavailable` (the ledger cannot be reached), `refused` (it refuses the event, or the key), `timeout`, or
            `broken` (the socket or its answer is not to be trusted).
        reference: of the event, `<source>/<event id>`; None where it was not recorded.
    """

    def __init__(self, reason: str, kind: str, reference: str | None = None) -> None:
        super().__init__(reason, "gate")
        self.kind = kind
        self.reference = reference


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The ledger's receipt: it has the event on disk. Not yet proof to others.

    Attributes:
        log: origin of the log.
        seq: the entry's place in the log.
        entry_hash: 32 bytes.
    """

    log: str
    seq: int
    entry_hash: bytes


class Question(NamedTuple):
    """What a client asks: has the ledger this event, and everything of its epoch before it?

    Attributes:
        source: `src_<ULID>`.
        epoch: 32 hex digits.
        seq: the event's number in the epoch.
        event: its id, `evt_<ULID>`.
        seconds: how long the client waits.
    """

    source: str
    epoch: str
    seq: int
    event: str
    seconds: float


def accepted(spool: Spool, timeout: float | None = None, **event: Any) -> Written:
    """Record an event durably and have it accepted.

    Args:
        spool: where it is recorded.
        timeout: seconds; by default `MUNIMENT_GATE_TIMEOUT`, else 5.
        event: the arguments of `Spool.write`.

    Raises:
        NotAccepted: if the ledger has not accepted it, whatever the reason.
        Malformed: naming the argument that cannot stand in an event.
    """
    event["durable"] = True
    try:
        written = spool.write(**event)
    except (SpoolFull, OSError) as error:
        raise NotAccepted(f"not even recorded: {error}", "not-recorded") from error
    ask(spool, written, timeout)
    return written


def ask(spool: Spool, written: Written, timeout: float | None = None) -> Acceptance:
    """Wait until the ledger has accepted an event that is in the spool. Blocks.

    Args:
        spool: where it is.
        written: what `Spool.write` returned for it.
        timeout: seconds; by default `MUNIMENT_GATE_TIMEOUT`, else 5.

    Raises:
        NotAccepted: if it has not, whatever the reason.
        Malformed: if `timeout` or `MUNIMENT_GATE_TIMEOUT` cannot be.
    """
    seconds = _timeout() if timeout is None else _checked(timeout, "timeout")
    if written.seq is None:
        raise NotAccepted("it waits in memory, because the disk does not take it", "not-recorded", written.reference)
    source, _, event = written.reference.partition("/")
    question = Question(source, written.epoch, written.seq, event, seconds)
    deadline = time.monotonic() + seconds
    refusal = NotAccepted(_NO_SHIPPER, "no-shipper", written.reference)
    for path in _sockets(spool.state.root):
        try:
            return _ask_at(path, question, written.reference, deadline)
        except NotAccepted as error:
            if error.kind not in ("no-shipper", "not-ours"):
                raise
            # One who ships for another key, or a socket that a dead shipper left: the next one may know.
            refusal = error if error.kind == "not-ours" else refusal
    raise refusal


def socket_path(directory: int, name: str) -> str:
    """A path to a socket below an open directory; a socket's own path may be no longer than 107 bytes."""
    return f"/proc/self/fd/{directory}/{name}"


def peer_uid(connection: socket.socket) -> int:
    """The user id of the process at the other end."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    _, uid, _ = _PEER.unpack(credentials)
    return int(uid)


def _sockets(root: Path) -> list[Path]:
    try:
        return sorted((root / DIRECTORY).glob("*.sock"))
    except OSError:
        return []


def _timeout() -> float:
    text = os.environ.get("MUNIMENT_GATE_TIMEOUT", "")
    try:
        return _checked(float(text) if text else TIMEOUT, "MUNIMENT_GATE_TIMEOUT")
    except ValueError as error:
        raise Malformed(_SECONDS, "MUNIMENT_GATE_TIMEOUT") from error


def _checked(seconds: float, where: str) -> float:
    if not 0 < seconds <= MAX_TIMEOUT:
        raise Malformed(_SECONDS, where)
    return seconds


def _ask_at(path: Path, question: Question, reference: str, deadline: float) -> Acceptance:
    def refuse(reason: str, kind: str) -> NoReturn:
        raise NotAccepted(reason, kind, reference)

    try:
        directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        refuse(_NO_SHIPPER, "no-shipper")
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as connection:
            connection.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                status = os.stat(path.name, dir_fd=directory, follow_symlinks=False)
                if not stat.S_ISSOCK(status.st_mode) or status.st_uid != os.geteuid():
                    refuse(f"{path} is not a socket of this user", "broken")
                connection.connect(socket_path(directory, path.name))
            except TimeoutError:
                refuse("the shipper does not take connections", "timeout")
            except OSError:
                refuse(_NO_SHIPPER, "no-shipper")
            if peer_uid(connection) != os.geteuid():
                refuse(f"another user answers at {path}", "broken")
            try:
                connection.sendall(orjson.dumps({"v": 1, **question._asdict()}) + b"\n")
                answer = _line(connection, deadline)
            except TimeoutError:
                refuse(f"the ledger has not accepted it within {question.seconds:g} s", "timeout")
            except OSError as error:
                refuse(f"the shipper went away while it was asked: {error}", "unavailable")
    finally:
        os.close(directory)
    return _acceptance(answer, question, refuse)


def _line(connection: socket.socket, deadline: float) -> bytes:
    data = b""
    while not data.endswith(b"\n") and len(data) <= MAX_MESSAGE:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        connection.settimeout(remaining)
        chunk = connection.recv(MAX_MESSAGE)
        if not chunk:
            raise ConnectionError("the connection ended")
        data += chunk
    return data


def _acceptance(answer: bytes, question: Question, refuse: Callable[[str, str], NoReturn]) -> Acceptance:
    try:
        value = orjson.loads(answer)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        refuse("the shipper's answer cannot be read", "broken")
    state = value.get("state")
    if state != "accepted":
        kind = state if state in ("refused", "unavailable", "timeout", "not-ours") else "broken"
        refuse(str(value.get("detail", "no reason given")), kind)
    log, seq, digest, event = (value.get(key) for key in ("log", "seq", "entry_hash", "event"))
    if event != question.event or not isinstance(digest, str) or not is_hash(digest):
        refuse("the shipper's answer is about another event", "broken")
    if not isinstance(log, str) or type(seq) is not int:
        refuse("the shipper's answer lacks the receipt", "broken")
    return Acceptance(log, seq, bytes.fromhex(digest))
