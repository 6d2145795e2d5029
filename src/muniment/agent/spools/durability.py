"""From written to durable: one `fdatasync` for everything that was written before it."""

import os
import threading
from contextlib import AbstractContextManager

from muniment.agent.spools.chain import Chain
from muniment.agent.state import sync_directory


class Durability:
    """Brings the events of one chain to the disk. Any thread may ask; whoever comes first syncs for all.

    The writer is not held up: what it publishes is read without its lock, in an order that makes this safe. It counts
    an event after writing it, and puts a full segment's descriptor into `retired` before it begins the next. So what
    was counted lies in the present segment, read after the count, or in one retired by then. Only here are they closed.

    Args:
        chain: what is written.
        writing: the lock under which it is written, for the one case in which the writer must be stopped.

    Attributes:
        lock: held while syncing.
        synced: events on disk.
    """

    __slots__ = ("_chain", "_writing", "lock", "synced")

    def __init__(self, chain: Chain, writing: AbstractContextManager[bool]) -> None:
        self.lock = threading.Lock()
        self.synced = 0
        self._chain = chain
        self._writing = writing

    def sync(self, target: int) -> None:
        """Wait until the first `target` events are on disk. Must not be called with the lock for writing held.

        Raises:
            OSError: if the disk says no; what is written from then on goes into another file.
        """
        chain = self._chain
        with self.lock:
            if self.synced >= target:
                return
            written = chain.written
            segment = chain.segment
            try:
                if segment is not None:
                    os.fdatasync(segment.descriptor)
                while chain.retired:
                    descriptor = chain.retired.popleft()
                    try:
                        os.fdatasync(descriptor)
                    finally:
                        os.close(descriptor)
                if chain.names_changed:
                    chain.names_changed = False
                    sync_directory(chain.directory.path)
            except OSError:
                with self._writing:
                    if segment is not None:
                        chain.abandon(segment)
                raise
            self.synced = written
