"""How much of a file is looked at before it is given up, and what giving up is called."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from muniment.core.errors import Refused

MIB: Final = 1 << 20


class Unscannable(Refused):
    """It could not be read to its end, so nobody knows what stands in it."""


class Hostile(Unscannable):
    """It is built so that programs that read it fail or see different things: a bomb, or two files in one."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one file.

    Attributes:
        depth: archives within archives.
        members: of all archives and documents together.
        ratio: bytes that one byte of an archive may become, for members over 1 MiB.
        expanded: bytes that all members may have together once they are unpacked.
        pages: of a PDF.
        pixels: of a picture that is given to the OCR engine.
        seconds: that the whole may take, by the clock.
        memory: bytes that the process which reads it may have.
    """

    depth: int = 4
    members: int = 5_000
    ratio: int = 200
    expanded: int = 256 * MIB
    pages: int = 2_000
    pixels: int = 50_000_000
    seconds: int = 60
    memory: int = 1_024 * MIB


class Budget:
    """What is left of the limits while a file is read.

    Args:
        limits: of the file.
    """

    __slots__ = ("_expanded", "_members", "_until", "limits")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._members = 0
        self._expanded = 0
        self._until = time.monotonic() + limits.seconds

    def member(self) -> None:
        """One more member of an archive.

        Raises:
            Hostile: if that is too many.
        """
        self.check_time()
        self._members += 1
        if self._members > self.limits.members:
            raise Hostile(f"holds more than {self.limits.members:,} files", "members")

    def expand(self, count: int) -> None:
        """So many more bytes that were unpacked.

        Raises:
            Hostile: if that is too much.
        """
        self._expanded += count
        if self._expanded > self.limits.expanded:
            raise Hostile(f"unpacks to more than {self.limits.expanded // MIB:,} MiB", "expanded")

    def check_time(self) -> None:
        """Raises Unscannable once the time is up."""
        if time.monotonic() > self._until:
            raise Unscannable(f"was not read within {self.limits.seconds} seconds", "time")
