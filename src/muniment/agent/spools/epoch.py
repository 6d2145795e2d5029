"""One epoch of a spool on disk: a directory of segments that exactly one live process may write.

`<state>/spool/<source>/<epoch>/` holds `writer.lock`, kept under flock for as long as the writer lives, and the
segments `<first seq, 16 digits>.seg`. The directory appears complete, with its lock already held, by a rename.
"""

import contextlib
import errno
import fcntl
import os
from pathlib import Path

from muniment.agent.spools.frames import HEADER_BYTES, frame_header, marker_of
from muniment.agent.state import make_private, sync_directory

WRITER_LOCK = "writer.lock"
SEGMENT_SUFFIX = ".seg"


class Segment:
    """An append-only file of frames, open for writing.

    Args:
        directory: the epoch's directory.
        epoch: 16 bytes.
        first_seq: number of the first event that it will hold.
    """

    __slots__ = ("descriptor", "marker", "path", "size")

    def __init__(self, directory: Path, epoch: bytes, first_seq: int) -> None:
        self.path = directory / f"{first_seq:016d}{SEGMENT_SUFFIX}"
        self.marker = marker_of(epoch, first_seq)
        # A file of that name is left over from an attempt that failed; what follows its torn bytes can still be read.
        self.descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self.size = os.fstat(self.descriptor).st_size

    def append(self, seq: int, event: bytes, salt: bytes, body: bytes) -> None:
        """Write one frame with one system call.

        Raises:
            OSError: if it cannot be written in full. The torn part is taken back; where even that fails it stays, and
                reading steps over it.
        """
        parts = [frame_header(self.marker, seq, event, salt, body), event, salt, body]
        expected = HEADER_BYTES + len(event) + len(salt) + len(body)
        if os.writev(self.descriptor, parts) != expected:
            with contextlib.suppress(OSError):
                os.ftruncate(self.descriptor, self.size)
            self.size = os.fstat(self.descriptor).st_size
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        self.size += expected


class EpochDirectory:
    """A new epoch, with its writer's lock held until `close`.

    Args:
        source_directory: `<state>/spool/<source>`.

    Raises:
        OSError: if it cannot be made.
    """

    __slots__ = ("_lock", "epoch", "path")

    def __init__(self, source_directory: Path) -> None:
        make_private(source_directory)
        self.epoch = os.urandom(16)
        name = self.epoch.hex()
        fresh = source_directory / f".{name}.new"
        fresh.mkdir(mode=0o700)
        self._lock = os.open(fresh / WRITER_LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.path = source_directory / name
        fresh.rename(self.path)
        sync_directory(source_directory)

    def close(self) -> None:
        """Give the epoch up: whoever ships may treat it as finished. In a forked child the parent's lock stays held."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def remove_if_empty(self) -> None:
        """Take away an epoch in which nothing was ever written."""
        if any(path.suffix == SEGMENT_SUFFIX for path in self.path.iterdir()):
            return
        (self.path / WRITER_LOCK).unlink(missing_ok=True)
        self.path.rmdir()
