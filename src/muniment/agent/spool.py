"""The spool: where an agent's process leaves its events, on its own disk, before it goes on.

`record()` builds the event, chains it to the source's previous one, and hands it to the kernel with one `O_APPEND` write
before it returns: from then on it survives the death of the process. A background thread makes it survive the power, with
one `fdatasync` for all events of at most 5 ms; `durable=True` waits for that. Nothing here talks to a network.

Back-pressure. There is none while the disk takes data. When it does not:
* `durable` calls raise `SpoolFull`; the event is not recorded, and the caller knows.
* other calls keep the event in memory, at most 1,000 events and 4 MiB, and write them, in order, when space is back;
* what exceeds that is dropped and counted, and as soon as space is back the spool says so itself with an `event.dropped`
  event: how many, from when to when, why. `Spool.dropped` has the number.
"""

import atexit
import errno
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import orjson

from muniment.agent.draft import Actor, Fields, Labels, Resource, Trace, draft
from muniment.agent.epoch import EpochDirectory, Segment
from muniment.agent.eventids import EventIds
from muniment.agent.payload import MAX_STORED, encode_payload
from muniment.agent.state import State, sync_directory
from muniment.core.body import commit
from muniment.core.errors import Refused
from muniment.core.event import event_hash
from muniment.core.identifiers import MAX_LABELS, MEDIA_TYPES
from muniment.core.times import MAX_TIME9, format_time9

_LOG = logging.getLogger("muniment.agent")

NO_PREVIOUS: Final = "0" * 64
SYNC_INTERVAL: Final = 0.005
SEGMENT_BYTES: Final = 8 * 1024 * 1024
BACKLOG_EVENTS: Final = 1_000
BACKLOG_BYTES: Final = 4 * 1024 * 1024
RETRY_INTERVAL: Final = 0.1


class SpoolFull(Refused):
    """The event could not be put on disk, and the caller asked to know."""


@dataclass(frozen=True, slots=True)
class _Pending:
    """An event that has everything but its place in the chain."""

    fields: Fields
    salt: bytes
    body: bytes


@dataclass(slots=True)
class _Drops:
    """Events lost since the last report."""

    count: int = 0
    since: int = 0
    until: int = 0
    reason: str = ""


class Spool:
    """One process's spool of one source. Threads may share it; a forked child gets an epoch of its own by itself.

    Args:
        agent: the agent's name; with the machine it decides the source id.
        state: the state directory; by default the one of the environment.
        durable: whether `record` waits for the disk unless told otherwise.
        segment_bytes: size after which a new segment is begun.
        clock: nanoseconds since the Unix epoch, UTC.

    Raises:
        Refused: if the source id cannot be read or made.
        OSError: if the spool's directory cannot be made.
    """

    def __init__(
        self,
        agent: str,
        *,
        state: State | None = None,
        durable: bool = False,
        segment_bytes: int = SEGMENT_BYTES,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.agent = agent
        self.state = State.find() if state is None else state
        self.source = self.state.source_id(agent)
        self.durable = durable
        self.dropped = 0
        self._actor: tuple[str, str] = ("agent", agent if agent.startswith("agent:") else f"agent:{agent}")
        self._segment_bytes = segment_bytes
        self._clock = clock
        self._closed = False
        self._begin()
        _OPEN.add(self)

    @property
    def epoch(self) -> str:
        """The present epoch, 32 hex digits."""
        return self._directory.epoch.hex()

    def record(
        self,
        *,
        action: str,
        actor: Actor | None = None,
        payload: object = None,
        outcome: str = "unknown",
        tool: str | None = None,
        resource: Resource | None = None,
        causes: Iterable[str] = (),
        controls: Iterable[str] = (),
        labels: Labels = (),
        trace: Trace | None = None,
        workspace: str | None = None,
        media_type: str | None = None,
        occurred_at: int | None = None,
        durable: bool | None = None,
    ) -> str:
        """Record one event and return its reference, `<source>/<event id>`, to be named among the `causes` of others.

        Args:
            payload: arguments, result, reason for change …: bytes, or anything that can be written as JSON. It becomes
                the event's body, which the ledger commits to and never contains. None: no body.
            actor: by default the agent itself. This and the other fields are those of `draft`.
            media_type: of a payload given as bytes; `application/octet-stream` otherwise.
            occurred_at: nanoseconds since the Unix epoch, UTC; by default now.
            durable: wait until the event is on disk; by default what the spool was opened with.

        Raises:
            Malformed: naming the argument that cannot stand in an event.
            SpoolFull: with `durable`, if the disk does not take it. Nothing was recorded.
            Refused: if the spool is closed.
        """
        fields = draft(
            action=action,
            actor=self._actor if actor is None else actor,
            outcome=outcome,
            tool=tool,
            resource=resource,
            causes=causes,
            controls=controls,
            labels=labels,
            trace=trace,
            workspace=workspace,
        )
        salt = body = b""
        if payload is not None:
            body, kind = encode_payload(payload)
            salt = os.urandom(32)
            fields["body"] = {
                "commit": commit(salt, body).hex(),
                "len": len(body),
                "scheme": 1,
                "type": kind if media_type is None else MEDIA_TYPES.check(media_type, "media_type"),
            }
            if len(body) > MAX_STORED:
                body = b""
        return self._add(_Pending(fields, salt, body), occurred_at, self.durable if durable is None else durable)

    def flush(self) -> None:
        """Wait until everything recorded so far is on disk.

        Raises:
            SpoolFull: if events wait in memory because the disk does not take them.
            OSError: if the disk reports an error.
        """
        with self._lock:
            self._drain_backlog()
            waiting, target = len(self._backlog), self._written
        self._sync(target)
        if waiting:
            raise SpoolFull(f"{waiting} events wait in memory: the disk does not take them", str(self._directory.path))

    def close(self) -> None:
        """Write out what is left and give the epoch up. What cannot be written is logged and counted as dropped."""
        if self._closed or self._pid != os.getpid():
            return
        self._closed = True
        _OPEN.discard(self)
        self._wake.set()
        with self._lock:
            self._drain_backlog()
            if self._backlog or self._drops.count:
                self.dropped += len(self._backlog)
                _LOG.error("%d events could not be written and are lost: %s", self.dropped, self._failure)
        try:
            self._sync(self._written)
        except OSError as error:
            _LOG.error("the last events may not survive a power failure: %s", error)
        with self._sync_lock, self._lock:
            if self._segment is not None:
                os.close(self._segment.descriptor)
                self._segment = None
            if not self._written:
                self._directory.remove_if_empty()
            self._directory.close()

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # What follows is called with the lock held, unless it says otherwise.

    def _begin(self) -> None:
        """Start an epoch: at the beginning, and again in a forked child, which shares no lock with its parent."""
        self._lock = threading.RLock()
        self._sync_lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._pid = os.getpid()
        self._directory = EpochDirectory(self.state.spool / self.source)
        self._segment: Segment | None = None
        self._retired: list[int] = []
        self._names_changed = False
        self._seq = 0
        self._previous = NO_PREVIOUS
        self._ids = EventIds()
        self._written = 0
        self._synced = 0
        self._backlog: deque[_Pending] = deque()
        self._backlog_bytes = 0
        self._next_try = 0.0
        self._failure = ""
        self._drops = _Drops()
        self._inside = False
        self._interrupting: deque[_Pending] = deque()

    def let_go_after_fork(self) -> None:
        """In a forked child: close the parent's epoch without touching it, so that it ends when the parent ends."""
        for descriptor in self._retired:
            os.close(descriptor)
        self._retired = []
        if self._segment is not None:
            os.close(self._segment.descriptor)
            self._segment = None
        self._directory.close()

    def _add(self, pending: _Pending, occurred_at: int | None, durable: bool) -> str:
        if self._pid != os.getpid():
            self.let_go_after_fork()
            self._begin()
        with self._lock:
            if self._closed:
                raise Refused("the spool is closed; open another one", self.source)
            now = self._clock() if occurred_at is None else occurred_at
            if self._inside:
                # A signal handler or finalizer interrupted this very thread in the middle of an event: its own comes next.
                identifier = self._stamp(pending, now, EventIds())
                self._interrupting.append(pending)
                return f"{self.source}/{identifier}"
            self._inside = True
            try:
                identifier = self._stamp(pending, now, self._ids)
                self._take(pending, durable)
                while self._interrupting:
                    self._take(self._interrupting.popleft(), False)
            finally:
                self._inside = False
            target = self._written
        if durable:
            self._wait_for_disk(target)
        elif not self._wake.is_set():
            self._start_thread()
            self._wake.set()
        return f"{self.source}/{identifier}"

    def _stamp(self, pending: _Pending, now: int, ids: EventIds) -> str:
        fields = pending.fields
        if not 0 <= now <= MAX_TIME9:
            labels = fields.get("labels", [])
            fields["labels"] = sorted([*(labels if isinstance(labels, list) else []), f"clock.raw={now}"])[:MAX_LABELS]
            now = min(max(now, 0), MAX_TIME9)
        identifier = ids.next(now)
        fields["id"] = identifier
        fields["occurred_at"] = format_time9(now)
        return identifier

    def _take(self, pending: _Pending, durable: bool) -> None:
        if self._backlog or self._drops.count:
            self._drain_backlog(force=durable)
        if not self._backlog:
            try:
                self._write(pending)
            except OSError as error:
                self._note_failure(error)
            else:
                return
        if durable:
            raise SpoolFull(f"not recorded: {self._failure}; make room and try again", str(self._directory.path))
        self._keep(pending)

    def _write(self, pending: _Pending) -> None:
        fields = pending.fields
        fields["source"] = {
            "epoch": self._directory.epoch.hex(),
            "id": self.source,
            "prev": self._previous,
            "seq": self._seq,
        }
        text = orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)
        segment = self._segment
        if segment is None or segment.size >= self._segment_bytes:
            segment = self._next_segment()
        try:
            segment.append(self._seq, text, pending.salt, pending.body)
        except OSError as error:
            # A file may have reached the largest size allowed before the disk is full.
            if error.errno not in (errno.EFBIG, errno.ENOSPC) or not segment.size:
                raise
            self._next_segment().append(self._seq, text, pending.salt, pending.body)
        self._seq += 1
        self._written += 1
        self._previous = event_hash(text).hex()

    def _next_segment(self) -> Segment:
        segment = Segment(self._directory.path, self._directory.epoch, self._seq)
        if self._segment is not None:
            self._retired.append(self._segment.descriptor)
        self._segment = segment
        self._names_changed = True
        return segment

    def _keep(self, pending: _Pending) -> None:
        size = len(pending.body) + 1024
        if len(self._backlog) < BACKLOG_EVENTS and self._backlog_bytes + size <= BACKLOG_BYTES:
            self._backlog.append(pending)
            self._backlog_bytes += size
            return
        now = self._clock()
        self._drops.since = self._drops.since if self._drops.count else now
        self._drops.until = now
        self._drops.count += 1
        self._drops.reason = self._failure
        self.dropped += 1

    def _drain_backlog(self, force: bool = True) -> None:
        now = time.monotonic()
        if not force and now < self._next_try:
            return
        self._next_try = now + RETRY_INTERVAL
        try:
            while self._backlog:
                self._write(self._backlog[0])
                self._backlog_bytes -= len(self._backlog.popleft().body) + 1024
            if self._drops.count:
                self._write(self._dropped_event())
                self._drops = _Drops()
        except OSError as error:
            self._note_failure(error)

    def _note_failure(self, error: OSError) -> None:
        if not self._backlog:
            _LOG.error("the spool cannot be written, events are kept in memory for now: %s", error)
        self._failure = error.strerror or str(error)

    def _dropped_event(self) -> _Pending:
        drops = self._drops
        fields = draft(
            action="event.dropped",
            actor=("system", "system:muniment-spool"),
            outcome="failure",
            labels={
                "dropped.count": drops.count,
                "dropped.since": format_time9(min(max(drops.since, 0), MAX_TIME9)),
                "dropped.until": format_time9(min(max(drops.until, 0), MAX_TIME9)),
                "dropped.reason": drops.reason,
            },
        )
        pending = _Pending(fields, b"", b"")
        self._stamp(pending, self._clock(), self._ids)
        return pending

    # Durability. These are called without the lock.

    def _wait_for_disk(self, target: int) -> None:
        try:
            self._sync(target)
        except OSError as error:
            raise SpoolFull(f"written, but the disk did not confirm it: {error}", str(self._directory.path)) from error

    def _sync(self, target: int) -> None:
        """Wait until the first `target` events are on disk. Whoever comes first syncs for all that came before."""
        with self._sync_lock:
            if self._synced >= target:
                return
            with self._lock:
                written, segment = self._written, self._segment
                retired, self._retired = self._retired, []
                names_changed, self._names_changed = self._names_changed, False
            try:
                for descriptor in retired:
                    try:
                        os.fdatasync(descriptor)
                    finally:
                        os.close(descriptor)
                if segment is not None:
                    os.fdatasync(segment.descriptor)
                if names_changed:
                    sync_directory(self._directory.path)
            except OSError:
                # After a failed sync the kernel may have let go of the data: what follows goes into another file.
                with self._lock:
                    self._names_changed = True
                    if self._segment is segment and segment is not None:
                        self._retired.append(segment.descriptor)
                        self._segment = None
                raise
            self._synced = written

    def _start_thread(self) -> None:
        if self._thread is not None:
            return
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self.run_sync_rounds, name="muniment-spool", daemon=True)
                try:
                    self._thread.start()
                except RuntimeError:
                    # The interpreter is going down; `close` syncs.
                    self._thread = None

    def run_sync_rounds(self) -> None:
        """The background thread's work: sync in groups, and write out what had to wait in memory."""
        while not self._closed:
            if not self._backlog and not self._drops.count:
                self._wake.wait()
            time.sleep(SYNC_INTERVAL)
            self._wake.clear()
            with self._lock:
                if self._closed:
                    return
                if self._backlog or self._drops.count:
                    self._drain_backlog(force=False)
                target = self._written
            try:
                self._sync(target)
            except OSError as error:
                _LOG.error("the last events may not survive a power failure: %s", error)


_OPEN: set[Spool] = set()


def _close_all() -> None:
    for spool in list(_OPEN):
        spool.close()


def _let_go_of_all() -> None:
    for spool in _OPEN:
        spool.let_go_after_fork()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_let_go_of_all)
