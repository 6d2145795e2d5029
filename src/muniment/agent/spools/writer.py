"""The writer of one epoch: takes events in the order in which they come, and keeps what the disk does not take."""

import logging
import threading
from collections import deque
from collections.abc import Callable

from muniment.agent.draft import Draft
from muniment.agent.eventids import EventIds
from muniment.agent.spools.backlog import Backlog
from muniment.agent.spools.chain import Chain, Pending
from muniment.agent.spools.durability import Durability
from muniment.agent.spools.syncer import Syncer
from muniment.agent.spools.written import SpoolFull, Written
from muniment.agent.stamp import stamp
from muniment.core.errors import Refused

_LOG = logging.getLogger("muniment.agent")


class Writer:
    """Writes one epoch. Threads may share it; a forked child must let go of it.

    Args:
        chain: what is written.
        source: the source's id.
        clock: nanoseconds since the Unix epoch, UTC.

    Attributes:
        epoch: 32 hex digits.
    """

    __slots__ = (
        "_backlog",
        "_chain",
        "_clock",
        "_closed",
        "_disk",
        "_ids",
        "_inside",
        "_interrupting",
        "_lock",
        "_source",
        "_syncer",
        "epoch",
    )

    def __init__(self, chain: Chain, source: str, clock: Callable[[], int]) -> None:
        self.epoch = chain.directory.epoch.hex()
        self._chain = chain
        self._source = source
        self._clock = clock
        self._closed = False
        self._lock = threading.RLock()
        self._ids = EventIds()
        self._disk = Durability(chain, self._lock)
        self._backlog = Backlog()
        self._syncer = Syncer(chain, self._disk, self._backlog, self._lock, lambda: self._drain(at_once=False))
        self._inside = False
        self._interrupting: deque[Pending] = deque()

    @property
    def dropped(self) -> int:
        """Events that were lost because the disk did not take them."""
        return self._backlog.dropped

    def add(
        self, drafted: Draft, described: str, salt: bytes, body: bytes, occurred_at: int | None, durable: bool
    ) -> Written:
        """Give an event its id, its time and its place, and write it.

        Args:
            drafted: its text.
            described: `body` in the text, beginning with a comma; empty where it has none.
            salt: 32 bytes; none without a body.
            body: what is kept of the body.
            occurred_at: nanoseconds since the Unix epoch, UTC; by default now.
            durable: wait until it is on disk.

        Raises:
            SpoolFull: with `durable`, if the disk does not take it, or does not confirm it.
            Refused: if the writer is closed.
        """
        with self._lock:
            if self._closed:
                raise Refused("the spool is closed; open another one", self._source)
            now = self._clock() if occurred_at is None else occurred_at
            if self._inside:
                # A signal handler or a finalizer interrupted this very thread: its event comes next.
                identifier, before, after = stamp(drafted, described, now, EventIds())
                self._interrupting.append(Pending(before, after, salt, body))
                return Written(f"{self._source}/{identifier}", self.epoch, None)
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
        return Written(f"{self._source}/{identifier}", self.epoch, seq)

    def confirm(self, written: Written) -> None:
        """Wait until an event of this epoch is on disk.

        Raises:
            SpoolFull: if it still waits in memory, or the disk reports an error.
        """
        if written.seq is None:
            raise SpoolFull(f"waits in memory: {self._backlog.reason}", self._where)
        self._wait_for_disk(written.seq + 1)

    def flush(self) -> None:
        """Wait until everything written so far is on disk.

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
        """Write out what is left and give the epoch up. What cannot be done any more is logged, and counted."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if self._backlog:
                self._drain(at_once=True)
            if self._backlog:
                self._backlog.give_up()
                _LOG.error("%d events could not be written and are lost: %s", self.dropped, self._backlog.reason)
        self._syncer.end()
        try:
            self._disk.sync(self._chain.written)
        except OSError as error:
            _LOG.error("the last events may not survive a power failure: %s", error)
        with self._disk.lock, self._lock:
            try:
                if not self._chain.written:
                    self._chain.directory.remove_if_empty()
            except OSError as error:
                _LOG.error("an empty epoch is left behind: %s", error)
            finally:
                self._chain.close()

    def let_go(self) -> None:
        """In a forked child: close the parent's files without touching what is in them."""
        self._chain.close()

    # What follows is called with the lock held, `_wait_for_disk` aside.

    @property
    def _where(self) -> str:
        return str(self._chain.directory.path)

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

    def _stamp_now(self, drafted: Draft) -> Pending:
        _, before, after = stamp(drafted, "", self._clock(), self._ids)
        return Pending(before, after, b"", b"")

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
