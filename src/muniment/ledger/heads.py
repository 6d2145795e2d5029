"""The last signed head of every log, kept outside the database and outside its backups.

One file a log, and in it the checkpoint note that was signed last: origin, size, root and signatures in the C2SP form
that any client reads. A database that was restored from a backup, or rewritten, then meets a head that it cannot
explain, and the sealer refuses to sign a second history. For that the directory must not be restored along with it.

Durability: a note is on disk, its name included, before `record` returns, and so before the checkpoint is committed.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from muniment.core.errors import Refused
from muniment.core.identifiers import check_origin
from muniment.keys.file import sync_directory
from muniment.keys.ring import file_stem

MAX_NOTE = 131_072


@dataclass(frozen=True, slots=True)
class HeadDirectory:
    """The directory of last signed heads.

    Attributes:
        path: made, mode 0700, when it is missing.
    """

    path: Path

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep every other sealer that uses this directory waiting.

        A lock of the operating system: it ends with the process, however that ends.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def read(self, origin: str) -> bytes | None:
        """The note that was signed last for a log, as its file holds it: nothing about it has been checked.

        Raises:
            Refused: if the file cannot be a note, or cannot be read.
        """
        path = self.file(origin)
        try:
            with path.open("rb") as file:
                note = file.read(MAX_NOTE + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Refused(f"the last signed head cannot be read: {error.strerror}", str(path)) from error
        if len(note) > MAX_NOTE:
            raise Refused(f"the last signed head is longer than {MAX_NOTE} bytes: the file was changed", str(path))
        return note

    def record(self, notes: Mapping[str, bytes]) -> None:
        """Replace the last signed heads of some logs, each in one step.

        Args:
            notes: a checkpoint note by origin.
        """
        written: list[tuple[Path, Path]] = []
        for origin, note in notes.items():
            path = self.file(origin)
            beside = path.with_name(f".{path.name}")
            beside.write_bytes(note)
            written.append((beside, path))
        for beside, path in written:
            _sync(beside)
            beside.rename(path)
        if written:
            sync_directory(self.path)

    def file(self, origin: str) -> Path:
        """Where the head of a log stands."""
        return self.path / f"{file_stem(check_origin(origin, 'log'))}.head"


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
