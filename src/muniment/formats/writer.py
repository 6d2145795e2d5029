"""What all formats share: the bytes are hashed as they are made, and the last line says the hash of all before it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import ClassVar, Generic, TypeVar

from muniment.formats.exported import Control, Exported, Frame

T = TypeVar("T")


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


class Shared(Generic[T]):
    """What is made of the controls of an entry, kept for all entries that share one tuple of them.

    An entry has dozens of controls and a log few combinations: whoever gives the same object again and again saves most
    of the work. Objects are told apart by identity, so that nothing is hashed; the oldest are forgotten.
    """

    MOST = 4096

    def __init__(self, make: Callable[[tuple[Control, ...]], T]) -> None:
        self._make = make
        self._kept: dict[int, tuple[tuple[Control, ...], T]] = {}

    def of(self, controls: tuple[Control, ...]) -> T:
        """What is made of these."""
        kept = self._kept.get(id(controls))
        if kept is not None:
            return kept[1]
        if len(self._kept) >= self.MOST:
            del self._kept[next(iter(self._kept))]
        made = self._make(controls)
        # The tuple is kept as well, so that its identity is not given to another.
        self._kept[id(controls)] = (controls, made)
        return made
