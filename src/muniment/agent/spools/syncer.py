"""The background thread of a spool: one `fdatasync` for all events of at most 5 ms, and tries at what had to wait."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final

from muniment.agent.spools.backlog import Backlog
from muniment.agent.spools.chain import Chain
from muniment.agent.spools.durability import Durability

_LOG = logging.getLogger("muniment.agent")

SYNC_INTERVAL: Final = 0.004
"""Seconds that the thread sleeps between syncs; with the sync itself about 5 ms."""
_IDLE_ROUNDS: Final = 250


class Syncer:
    """Keeps one epoch synced. The thread begins with the first event, and sleeps while there is nothing to do.

    Args:
        chain: what is written.
        disk: brings it to the disk.
        backlog: what waits in memory.
        writing: the spool's lock.
        drain: writes what waits; called with the lock held.

    Attributes:
        awake: whether the thread will see an event that is written now without being roused.
    """

    __slots__ = ("_backlog", "_chain", "_disk", "_drain", "_ended", "_thread", "_wake", "_writing", "awake")

    def __init__(
        self,
        chain: Chain,
        disk: Durability,
        backlog: Backlog,
        writing: AbstractContextManager[bool],
        drain: Callable[[], None],
    ) -> None:
        self.awake = False
        self._chain = chain
        self._disk = disk
        self._backlog = backlog
        self._writing = writing
        self._drain = drain
        self._ended = False
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def rouse(self) -> None:
        """Have the thread look."""
        with self._writing:
            if self._thread is not None:
                self._wake.set()
                return
            self.awake = True
            thread = threading.Thread(target=self._keep_synced, name="muniment-spool", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                # The interpreter is going down, or has no room for a thread: closing the spool syncs.
                self.awake = False
                return
            self._thread = thread

    def end(self) -> None:
        """Let the thread end; it is not waited for."""
        self._ended = True
        self._wake.set()

    def _keep_synced(self) -> None:
        """The thread. It does as little as it can per round, because the agent's thread waits meanwhile."""
        chain, disk, idle = self._chain, self._disk, 0
        while not self._ended:
            time.sleep(SYNC_INTERVAL)
            if disk.synced < chain.written:
                idle = 0
                try:
                    disk.sync(chain.written)
                except OSError as error:
                    _LOG.error("the last events may not survive a power failure: %s", error)
            elif self._backlog:
                with self._writing:
                    self._drain()
            elif (idle := idle + 1) > _IDLE_ROUNDS:
                idle = 0
                self.awake = False
                # An event that came before this line is seen here; one that comes later sees `awake` and wakes.
                if disk.synced >= chain.written and not self._backlog:
                    self._wake.wait()
                    self._wake.clear()
                self.awake = True
