"""The answering side of the gate, in the standing shipper: sends an epoch up to the event asked about, and says what
the ledger answered.

It sends what the shipper would send, in the same order, and proves and frees nothing: the shipper sends it again, and
the ledger answers with the first receipts. It serves `<state>/gate/<key id>.sock` (mode 0600, in a directory of mode
0700) to processes of the same user alone. Of several shippers with one key, the one that holds the lock beside it
serves; when that one ends, the next takes over.
"""

import contextlib
import fcntl
import logging
import os
import socket
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import orjson

from muniment.agent.gate import DIRECTORY, MAX_MESSAGE, Question, peer_uid, socket_path
from muniment.agent.shipping.binding import read_binding
from muniment.agent.shipping.client import LedgerClient, ProtocolViolated, Receipt, Rejected, RequestRefused
from muniment.agent.shipping.submitting import BATCH_BYTES, BATCH_EVENTS, append, batches, submission
from muniment.agent.spools.reading import Epoch, Place
from muniment.agent.state import State, make_private
from muniment.core.errors import Malformed, MunimentError
from muniment.core.identifiers import EVENT_IDS, SOURCE_IDS

_LOG = logging.getLogger("muniment.ship")

MAX_ASKING: Final = 32
"""Questions answered at a time; further ones are told to ask again."""
_MAX_KEPT: Final = 2_048
_MAX_EPOCHS: Final = 256
_READING: Final = 5.0
_AGAIN: Final = 0.02

_Answer = dict[str, object]


@dataclass(slots=True)
class _Progress:
    """How far an epoch has been sent from here."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    end: int = 0
    place: Place | None = None
    answers: OrderedDict[int, tuple[str, Receipt | Rejected]] = field(default_factory=OrderedDict)


class Gatekeeper:
    """Answers `gate.ask` for the sources of one key.

    Args:
        state: the state directory.
        ledger: the client with the API key. It is used from several threads.
    """

    def __init__(self, state: State, ledger: LedgerClient) -> None:
        self._state = state
        self._ledger = ledger
        self._directory = -1
        self._lock = -1
        self._listener: socket.socket | None = None
        self._asking = threading.Semaphore(MAX_ASKING)
        self._known = threading.Lock()
        self._progress: OrderedDict[Path, _Progress] = OrderedDict()

    def serve(self) -> bool:
        """Begin to serve, unless this one does already or another shipper with the same key does.

        Returns:
            Whether this one serves.

        Raises:
            OSError: if the socket cannot be made.
        """
        if self._listener is not None:
            return True
        home = self._state.root / DIRECTORY
        make_private(home)
        if self._lock < 0:
            self._lock = os.open(home / f"{self._ledger.key_id}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        name = f"{self._ledger.key_id}.sock"
        # With the lock held, a socket of that name is one that a dead shipper left.
        (home / name).unlink(missing_ok=True)
        self._directory = os.open(home, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        listener.bind(socket_path(self._directory, name))
        (home / name).chmod(0o600)
        listener.listen(MAX_ASKING)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), name="muniment-gate", daemon=True).start()
        return True

    def close(self) -> None:
        """Serve no more."""
        if self._listener is not None:
            (self._state.root / DIRECTORY / f"{self._ledger.key_id}.sock").unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for descriptor in (self._directory, self._lock):
            if descriptor >= 0:
                os.close(descriptor)
        self._directory = self._lock = -1

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                if self._listener is not listener:
                    return
                # Out of descriptors, say; who asks now waits until its own time is up.
                time.sleep(_AGAIN)
                continue
            if not self._asking.acquire(blocking=False):
                _tell(connection, {"state": "unavailable", "detail": "too many ask at once; ask again"})
                continue
            asking = threading.Thread(target=self._serve_one, args=(connection,), name="muniment-gate-ask", daemon=True)
            try:
                asking.start()
            except RuntimeError:
                self._asking.release()
                _tell(connection, {"state": "unavailable", "detail": "the shipper has no room for another thread"})

    def _serve_one(self, connection: socket.socket) -> None:
        try:
            if peer_uid(connection) != os.geteuid():
                _LOG.warning("a process of user %d asked at the gate and got no answer", peer_uid(connection))
                connection.close()
                return
            try:
                answer = self.answer(_question(_read(connection)))
            except (OSError, MunimentError) as error:
                answer = {
                    "state": "broken" if isinstance(error, Malformed) else "unavailable",
                    "detail": str(error)[:2_000],
                }
            except Exception as error:
                _LOG.exception("a question at the gate could not be answered")
                answer = {"state": "unavailable", "detail": f"the shipper failed: {type(error).__name__}"}
            _tell(connection, answer)
        finally:
            self._asking.release()

    def answer(self, question: Question) -> _Answer:
        """Send what is missing, and say what the ledger answered for the event asked about.

        Raises:
            Unavailable: if the ledger cannot be reached.
            Malformed, OSError: if the epoch cannot be read.
        """
        deadline = time.monotonic() + question.seconds
        source = self._state.spool / question.source
        binding = read_binding(source)
        if binding is not None and binding.key_id != self._ledger.key_id:
            return {"state": "not-ours", "detail": f"{question.source} is shipped with the key {binding.key_id}"}
        progress = self._progress_of(source / question.epoch)
        if not progress.lock.acquire(timeout=question.seconds):
            return {"state": "timeout", "detail": "others asked before, and the ledger has not answered yet"}
        try:
            while question.seq not in progress.answers:
                if time.monotonic() >= deadline:
                    return {"state": "timeout", "detail": "the ledger has not answered in time"}
                try:
                    sent = self._send(source / question.epoch, question.seq, progress)
                except FileNotFoundError:
                    # The shipper frees what is proven, perhaps while it is being read here.
                    sent = False
                if not sent:
                    time.sleep(_AGAIN)
            event, found = progress.answers[question.seq]
        except RequestRefused as error:
            return {
                "state": "refused",
                "detail": f"the ledger refuses to take anything with this key: {error.reason[:2_000]}",
            }
        except ProtocolViolated as error:
            return {"state": "broken", "detail": error.reason}
        finally:
            progress.lock.release()
        if event != question.event:
            return {"state": "broken", "detail": "another event has that number"}
        if isinstance(found, Rejected):
            return {"state": "refused", "detail": f"{found.kind}: {found.detail}"[:2_000]}
        if binding is not None and binding.log not in ("", found.log):
            return {"state": "broken", "detail": f"the ledger answers as {found.log}, and not as {binding.log}"}
        receipt: _Answer = {"log": found.log, "seq": found.seq, "entry_hash": found.entry_hash.hex()}
        return {"state": "accepted", "event": event, **receipt}

    def _progress_of(self, path: Path) -> _Progress:
        with self._known:
            progress = self._progress.setdefault(path, _Progress())
            self._progress.move_to_end(path)
            while len(self._progress) > _MAX_EPOCHS:
                self._progress.popitem(last=False)
            return progress

    def _send(self, path: Path, asked: int, progress: _Progress) -> bool:
        """Send the next batch, from where sending ended before; whether there was anything."""
        with contextlib.closing(Epoch(path)) as epoch:
            # An event from before that has no answer here any more is sent again alone: its receipt stays the same.
            alone = asked < max(progress.end, epoch.proven)
            epoch.proven = asked if alone else max(progress.end, epoch.proven)
            stretch = epoch.read(1 if alone else BATCH_EVENTS, BATCH_BYTES, None if alone else progress.place)
        for batch in batches(stretch.frames, lambda frame: frame):
            answers = append(self._ledger, [submission(frame) for frame in batch])
            for frame, found in zip(batch, answers, strict=True):
                progress.answers[frame.seq] = (_id_of(frame.event), found)
            while len(progress.answers) > _MAX_KEPT:
                progress.answers.popitem(last=False)
            if not alone:
                progress.end = batch[-1].seq + 1
        if not alone and stretch.frames:
            progress.place = stretch.place
        return bool(stretch.frames)


def _id_of(event: bytes) -> str:
    value = orjson.loads(event)
    return str(value.get("id")) if isinstance(value, dict) else ""


def _read(connection: socket.socket) -> bytes:
    connection.settimeout(_READING)
    data = b""
    while not data.endswith(b"\n"):
        chunk = connection.recv(MAX_MESSAGE)
        data += chunk
        if not chunk or len(data) > MAX_MESSAGE:
            raise Malformed("is no line of at most 8,192 bytes", "question")
    return data


def _question(data: bytes) -> Question:
    try:
        value = orjson.loads(data)
        source, epoch, seq = value["source"], value["epoch"], value["seq"]
        event, seconds = value["event"], value["seconds"]
    except (ValueError, KeyError, TypeError) as error:
        raise Malformed("cannot be read", "question") from error
    SOURCE_IDS.check(source, "source")
    EVENT_IDS.check(event, "event")
    if not isinstance(epoch, str) or len(epoch) != 32 or not set(epoch) <= set("0123456789abcdef"):
        raise Malformed("must be 32 hex digits", "epoch")
    if type(seq) is not int or seq < 0 or not isinstance(seconds, int | float) or not 0 < seconds <= 3_600:
        raise Malformed("must be numbers in their range", "seq, seconds")
    return Question(source, epoch, seq, event, float(seconds))


def _tell(connection: socket.socket, answer: _Answer) -> None:
    # Whoever asked may have gone away meanwhile; the event is shipped all the same.
    with contextlib.suppress(OSError), connection:
        connection.settimeout(_READING)
        connection.sendall(orjson.dumps({"v": 1, **answer}) + b"\n")
