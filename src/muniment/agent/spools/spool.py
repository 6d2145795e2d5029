"""The spool: where an agent's process leaves its events, on its own disk, before it goes on.

`record()` builds the event, chains it to the source's previous one, and hands it to the kernel with one `O_APPEND`
write before it returns: from then on it survives the death of the process. A background thread makes it survive the
power, with one `fdatasync` for all events of at most 5 ms; `durable=True` waits for that. Nothing here talks to a
network.

Back-pressure. There is none while the disk takes data and the spools are below their limit (see `limit`). Otherwise:
* `durable` calls raise `SpoolFull`; the event is not recorded, and the caller knows.
* other calls keep the event in memory, at most 1,000 events and 4 MiB, and write them, in order, when space is back;
* what exceeds that is dropped and counted, and as soon as space is back the spool says so itself with an
  `event.dropped` event: how many, from when to when, why. `Spool.dropped` has the number.
"""

import atexit
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from muniment.agent.draft import Actor, Draft, Labels, Resource, Trace, check_action, draft
from muniment.agent.eventids import EventIds
from muniment.agent.payload import encode_payload
from muniment.agent.redaction.rules import Redaction
from muniment.agent.redaction.searching import Findings
from muniment.agent.spools.backlog import Backlog
from muniment.agent.spools.chain import SEGMENT_BYTES, Chain, Pending
from muniment.agent.spools.durability import Durability
from muniment.agent.spools.epoch import EpochDirectory
from muniment.agent.spools.limit import Limit, spool_limit
from muniment.agent.spools.syncer import Syncer
from muniment.agent.stamp import stamp
from muniment.agent.state import State
from muniment.core.body import MAX_INLINE_BYTES, SALT_BYTES, commit
from muniment.core.errors import Refused
from muniment.core.identifiers import MEDIA_TYPES

_LOG = logging.getLogger("muniment.agent")


class SpoolFull(Refused):
    """The event could not be put on disk, and the caller asked to know."""


class Written(NamedTuple):
    """Where an event was written.

    Attributes:
        reference: `<source>/<event id>`.
        epoch: 32 hex digits.
        seq: its number in the epoch; None while it waits in memory for space on the disk.
    """

    reference: str
    epoch: str
    seq: int | None


class Spool:
    """One process's spool of one source. Threads may share it; a forked child gets an epoch of its own by itself.

    Args:
        agent: the agent's name; with the machine it decides the source id.
        state: the state directory; by default the one of the environment.
        durable: whether `record` waits for the disk unless told otherwise.
        segment_bytes: size after which a new segment is begun.
        clock: nanoseconds since the Unix epoch, UTC.
        redaction: what must not be written in clear, beside the rules of `MUNIMENT_REDACT`.
        environ: by default the process's environment.

    Raises:
        Malformed: if the rules of `MUNIMENT_REDACT`, or `MUNIMENT_SPOOL_LIMIT`, cannot be read.
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
        redaction: Redaction | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        environ = os.environ if environ is None else environ
        self.agent = agent
        self.state = State.find() if state is None else state
        self._limit = Limit(self.state.spool, spool_limit(environ))
        self._redaction = _both(Redaction.from_environment(environ), redaction)
        self.source = self.state.source_id(agent)
        self.durable = durable
        self._actor = ("agent", agent if agent.startswith("agent:") else f"agent:{agent}")
        self._segment_bytes = segment_bytes
        self._clock = clock
        self._closed = False
        # The registry is read now: the first event may come from a signal handler, where nothing should be imported.
        check_action("event.dropped")
        self._begin()
        _OPEN.add(self)

    def _begin(self) -> None:
        """Start an epoch: at the beginning, and again in a forked child, which shares nothing with its parent."""
        self._lock = threading.RLock()
        self._ids = EventIds()
        self._chain = Chain(
            EpochDirectory(self.state.spool / self.source), self.source, self._segment_bytes, self._limit
        )
        self._epoch_name = self._chain.directory.epoch.hex()
        self._disk = Durability(self._chain, self._lock)
        self._backlog = Backlog()
        self._syncer = Syncer(self._chain, self._disk, self._backlog, self._lock, lambda: self._drain(at_once=False))
        self._inside = False
        self._interrupting: deque[Pending] = deque()
        self._forked = False

    @property
    def epoch(self) -> str:
        """The present epoch, 32 hex digits."""
        return self._epoch_name

    @property
    def dropped(self) -> int:
        """Events of this epoch that were lost because the disk did not take them."""
        return self._backlog.dropped

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
        redaction: Redaction | None = None,
    ) -> str:
        """Record one event; returns its reference `<source>/<event id>`. Arguments and errors are those of `write`."""
        return self._write(
            action,
            actor,
            payload,
            outcome,
            tool,
            resource,
            causes,
            controls,
            labels,
            trace,
            workspace,
            media_type,
            occurred_at,
            durable,
            redaction,
        ).reference

    def write(
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
        redaction: Redaction | None = None,
    ) -> Written:
        """Record one event. Its reference is to be named among the `causes` of others.

        Args:
            payload: arguments, result, reason for change …: bytes, or anything that can be written as JSON. It becomes
                the event's body, which the ledger commits to and never contains. None: no body.
            actor: by default the agent itself. This and the other fields are those of `draft`.
            media_type: of a payload given as bytes; `application/octet-stream` otherwise.
            occurred_at: nanoseconds since the Unix epoch, UTC; by default now.
            durable: wait until the event is on disk; by default what the spool was opened with.
            redaction: rules for this event, beside those of the spool.

        Raises:
            Malformed: naming the argument that cannot stand in an event.
            SpoolFull: with `durable`, if the disk does not take it. Nothing was recorded, unless the message says so.
            Refused: if the spool is closed.
        """
        return self._write(
            action,
            actor,
            payload,
            outcome,
            tool,
            resource,
            causes,
            controls,
            labels,
            trace,
            workspace,
            media_type,
            occurred_at,
            durable,
            redaction,
        )

    def flush(self) -> None:
        """Wait until everything recorded so far is on disk.

        Raises:
            SpoolFull: if events wait in memory because the disk does not take them, or if it reports an error.
        """
        with self._lock:
            if self._backlog:
                self._drain(at_once=True)
            waiting, target = len(self._backlog), self._chain.written
        self._wait_for_disk(target)
        if waiting:
            raise SpoolFull(f"{waiting} events wait in memory: {self._backlog.reason}", self._where)

    def close(self) -> None:
        """Write out what is left and give the epoch up. What cannot be written is logged and counted as dropped."""
        if self._closed or self._forked:
            return
        with self._lock:
            self._closed = True
            if self._backlog:
                self._drain(at_once=True)
            if self._backlog:
                self._backlog.give_up()
                _LOG.error("%d events could not be written and are lost: %s", self.dropped, self._backlog.reason)
        _OPEN.discard(self)
        self._syncer.end()
        try:
            self._disk.sync(self._chain.written)
        except OSError as error:
            _LOG.error("the last events may not survive a power failure: %s", error)
        with self._disk.lock, self._lock:
            if not self._chain.written:
                self._chain.directory.remove_if_empty()
            self._chain.close()

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def let_go_after_fork(self) -> None:
        """In a forked child: close the parent's epoch without touching it; the next event begins the child's own."""
        self._chain.close()
        self._forked = True

    # Writing. What comes after `_add` is called with the lock held.

    def _write(
        self,
        action: str,
        actor: Actor | None,
        payload: object,
        outcome: str,
        tool: str | None,
        resource: Resource | None,
        causes: Iterable[str],
        controls: Iterable[str],
        labels: Labels,
        trace: Trace | None,
        workspace: str | None,
        media_type: str | None,
        occurred_at: int | None,
        durable: bool | None,
        redaction: Redaction | None,
    ) -> Written:
        rules = self._redaction if redaction is None else _both(self._redaction, redaction)
        salt = body = b""
        kind = described = ""
        if payload is not None:
            body, kind = encode_payload(payload)
            if media_type is not None:
                kind = MEDIA_TYPES.check(media_type, "media_type")
        if rules is not None and rules.applies(action):
            findings = Findings()
            if payload is not None:
                body, kind = rules.body(action, body, kind, findings)
            actor, tool, resource, labels = rules.fields(
                action, self._actor if actor is None else actor, tool, resource, labels, findings
            )
        drafted = draft(
            action,
            self._actor if actor is None else actor,
            outcome,
            tool,
            resource,
            causes,
            controls,
            labels,
            trace,
            workspace,
        )
        if self._forked:
            self._begin()
        if payload is not None:
            salt = os.urandom(SALT_BYTES)
            commitment = commit(salt, body).hex()
            described = f',"body":{{"commit":"{commitment}","len":{len(body)},"scheme":1,"type":"{kind}"}}'
            if len(body) > MAX_INLINE_BYTES:
                body = b""
        return self._add(drafted, described, salt, body, occurred_at, self.durable if durable is None else durable)

    @property
    def _where(self) -> str:
        return str(self._chain.directory.path)

    def _add(
        self, drafted: Draft, described: str, salt: bytes, body: bytes, occurred_at: int | None, durable: bool
    ) -> Written:
        with self._lock:
            if self._closed:
                raise Refused("the spool is closed; open another one", self.source)
            now = self._clock() if occurred_at is None else occurred_at
            if self._inside:
                # A signal handler or a finalizer interrupted this very thread: its event comes next.
                identifier, before, after = stamp(drafted, described, now, EventIds())
                self._interrupting.append(Pending(before, after, salt, body))
                return Written(f"{self.source}/{identifier}", self._epoch_name, None)
            self._inside = True
            try:
                identifier, before, after = stamp(drafted, described, now, self._ids)
                self._take(before, after, salt, body, durable)
                seq = None if self._backlog else self._chain.written - 1
                while self._interrupting:
                    event = self._interrupting.popleft()
                    self._take(event.before, event.after, event.salt, event.body, durable=False)
            finally:
                self._inside = False
            target = self._chain.written
        if durable:
            self._wait_for_disk(target)
        elif not self._syncer.awake:
            self._syncer.rouse()
        return Written(f"{self.source}/{identifier}", self._epoch_name, seq)

    def confirm(self, written: Written) -> None:
        """Wait until an event of this epoch is on disk.

        Raises:
            SpoolFull: if it still waits in memory, or the disk reports an error.
        """
        if written.seq is None:
            raise SpoolFull(f"waits in memory: {self._backlog.reason}", self._where)
        self._wait_for_disk(written.seq + 1)

    def _stamp_now(self, drafted: Draft) -> Pending:
        _, before, after = stamp(drafted, "", self._clock(), self._ids)
        return Pending(before, after, b"", b"")

    def _take(self, before: str, after: str, salt: bytes, body: bytes, durable: bool) -> None:
        if self._backlog:
            self._drain(at_once=durable)
        if not self._backlog:
            try:
                self._chain.write(before, after, salt, body)
            except OSError as error:
                self._note(error)
            else:
                return
        if durable:
            raise SpoolFull(f"not recorded: {self._backlog.reason}; make room and try again", self._where)
        self._backlog.keep(Pending(before, after, salt, body), self._clock())

    def _drain(self, at_once: bool) -> None:
        try:
            self._backlog.drain(self._chain.write, self._stamp_now, at_once=at_once)
        except OSError as error:
            self._note(error)

    def _note(self, error: OSError) -> None:
        if not self._backlog:
            _LOG.error("the spool cannot be written, events are kept in memory for now: %s", error)
        self._backlog.reason = error.strerror or str(error)

    def _wait_for_disk(self, target: int) -> None:
        try:
            self._disk.sync(target)
        except OSError as error:
            raise SpoolFull(f"written, but the disk did not confirm it: {error}", self._where) from error


def _both(first: Redaction | None, second: Redaction | None) -> Redaction | None:
    if first is None or second is None:
        return second if first is None else first
    return first + second


_OPEN: set[Spool] = set()


def _close_all() -> None:
    for spool in list(_OPEN):
        spool.close()


def _let_go_of_all() -> None:
    for spool in _OPEN:
        spool.let_go_after_fork()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_let_go_of_all)
