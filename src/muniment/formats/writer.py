"""What all formats share: the bytes are hashed as they are made, and the last line says the hash of all before it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from hashlib import sha256
from typing import ClassVar

from muniment.formats.exported import Exported, Frame


class Writer(ABC):
    """Writes one export: `begin`, `add` as often as there are entries, `end`. Never the same twice.

    The last line of what `end` gives holds the number of entries and the SHA-256 of every byte before that line, so
    that a file that was cut off shows.

    Attributes:
        name: of the format.
        suffix: of files.
        content_type: of answers.
        entries: that were written.
    """

    name: ClassVar[str]
    suffix: ClassVar[str]
    content_type: ClassVar[str]

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.entries = 0
        self._hash = sha256()

    def begin(self) -> bytes:
        """What stands first."""
        return self._hashed(self._begin())

    def add(self, batch: Sequence[Exported]) -> bytes:
        """Some entries, each on a line of its own."""
        made = self._hashed(b"".join(map(self._entry, batch)))
        self.entries += len(batch)
        return made

    def end(self) -> bytes:
        """What stands last; its last line is not hashed."""
        return self._hashed(self._close()) + self._last(self._hash.hexdigest())

    def _hashed(self, made: bytes) -> bytes:
        self._hash.update(made)
        return made

    def _begin(self) -> bytes:
        return b""

    @abstractmethod
    def _entry(self, entry: Exported) -> bytes: ...

    def _close(self) -> bytes:
        return b""

    @abstractmethod
    def _last(self, digest: str) -> bytes: ...
