"""The chain of one epoch: gives each event its number and the hash of the one before, and writes it."""

import errno
import os
from collections import deque
from dataclasses import dataclass
from typing import Final

from muniment.agent.spools.epoch import EpochDirectory, Segment
from muniment.agent.spools.limit import Limit
from muniment.core.event import event_hash

NO_PREVIOUS: Final = "0" * 64
SEGMENT_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Pending:
    """An event that has everything but its place in the chain.

    Attributes:
        before: canonical text before `source`.
        after: canonical text after it.
        salt: 32 bytes, or none where the event has no body.
        body: the bytes to keep with it; none where it is longer than may be stored.
    """

    before: str
    after: str
    salt: bytes
    body: bytes

    @property
    def size(self) -> int:
        """Roughly what it takes in memory, in bytes."""
        return len(self.before) + len(self.after) + len(self.body) + 512


class Chain:
    """Writes the events of one epoch. Not thread-safe: whoever calls holds the spool's lock.

    Attributes:
        directory: the epoch's directory, with the writer's lock.
        segment: the segment being written, if any.
        retired: descriptors of full segments that still have to be synced and closed.
        names_changed: a segment was made whose name is perhaps not on disk yet.
        written: events written so far; also the number of the next one.
    """

    __slots__ = (
        "_limit",
        "_previous",
        "_segment_bytes",
        "_source_text",
        "directory",
        "names_changed",
        "retired",
        "segment",
        "written",
    )

    def __init__(self, directory: EpochDirectory, source: str, segment_bytes: int, limit: Limit) -> None:
        self.directory = directory
        self.segment: Segment | None = None
        self.retired: deque[int] = deque()
        self.names_changed = False
        self.written = 0
        self._source_text = f',"source":{{"epoch":"{directory.epoch.hex()}","id":"{source}","prev":"'
        self._previous = NO_PREVIOUS
        self._segment_bytes = segment_bytes
        self._limit = limit

    def write(self, before: str, after: str, salt: bytes, body: bytes) -> None:
        """Write the next event of the chain; a failed attempt uses up no number. The arguments are those of `Pending`.

        Raises:
            OSError: if the disk does not take it.
        """
        number = self.written
        text = f'{before}{self._source_text}{self._previous}","seq":{number}}}{after}'.encode()
        segment = self.segment
        if segment is None or segment.size >= self._segment_bytes:
            segment = self._next_segment()
        try:
            segment.append(number, text, salt, body)
        except OSError as error:
            # The file may have reached the largest size that files may have here, and the disk still have room.
            if error.errno not in (errno.EFBIG, errno.ENOSPC) or not segment.size:
                raise
            self._next_segment().append(number, text, salt, body)
        self.written = number + 1
        self._previous = event_hash(text).hex()

    def abandon(self, segment: Segment) -> None:
        """Write no more into a segment whose sync failed: the kernel may have let go of its data."""
        self.names_changed = True
        if self.segment is segment:
            self.retired.append(segment.descriptor)
            self.segment = None

    def close(self) -> None:
        """Close every file, the writer's lock included; write and sync nothing."""
        while self.retired:
            os.close(self.retired.popleft())
        if self.segment is not None:
            os.close(self.segment.descriptor)
            self.segment = None
        self.directory.close()

    def _next_segment(self) -> Segment:
        self._limit.check(self.directory.path, self.written)
        segment = Segment(self.directory.path, self.directory.epoch, self.written)
        # In this order: whoever syncs looks without a lock (see `durability`).
        self.names_changed = True
        if self.segment is not None:
            self.retired.append(self.segment.descriptor)
        self.segment = segment
        return segment
