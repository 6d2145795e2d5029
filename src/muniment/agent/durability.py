"""From written to durable: one `fdatasync` for everything that was written before it."""

import os
import threading
from contextlib import AbstractContextManager

from muniment.agent.chain import Chain
from muniment.agent.state import sync_directory


class Durability:
    """Brings the events of one chain to the disk. Any thread may ask; whoever comes first syncs for all.

    Args:
        chain: what is written.
        writing: the lock under which it is written.

    Attributes:
        lock: held while syncing.
    """

    __slots__ = ("_chain", "_synced", "_writing", "lock")

    def __init__(self, chain: Chain, writing: AbstractContextManager[bool]) -> None:
        self.lock = threading.Lock()
        self._chain = chain
        self._writing = writing
        self._synced = 0

    def sync(self, target: int) -> None:
        """Wait until the first `target` events are on disk. Must not be called with the lock for writing held.

        Raises:
            OSError: if the disk says no; what is written from then on goes into another file.
        """
        chain = self._chain
        with self.lock:
            if self._synced >= target:
                return
            with self._writing:
                written, segment = chain.written, chain.segment
                retired, chain.retired = chain.retired, []
                names_changed, chain.names_changed = chain.names_changed, False
            try:
                for descriptor in retired:
                    try:
                        os.fdatasync(descriptor)
                    finally:
                        os.close(descriptor)
                if segment is not None:
                    os.fdatasync(segment.descriptor)
                if names_changed:
                    sync_directory(chain.directory.path)
            except OSError:
                with self._writing:
                    if segment is not None:
                        chain.abandon(segment)
                raise
            self._synced = written
