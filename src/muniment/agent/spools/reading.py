"""Reading spools for shipping: which epochs there are, what they hold from a number on, and giving space free."""

import contextlib
import fcntl
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from muniment.agent.spools.epoch import SEGMENT_SUFFIX, WRITER_LOCK
from muniment.agent.spools.frames import Damage, Frame, marker_of, read_frames
from muniment.agent.state import replace_file
from muniment.core.identifiers import SOURCE_IDS

_EPOCH: Final = re.compile("[0-9a-f]{32}").fullmatch
_SEGMENT: Final = re.compile(rf"[0-9]{{16}}{re.escape(SEGMENT_SUFFIX)}").fullmatch
SHIPPED: Final = "shipped.json"


@dataclass(frozen=True, slots=True)
class Loss:
    """Events of an epoch that cannot be read.

    Attributes:
        first, last: their numbers; `last` is None where a torn end leaves it open.
        segment: file name.
        reason: `damaged` (bytes changed), `torn` (cut at the end), or `missing` (no bytes at all).
    """

    first: int
    last: int | None
    segment: str
    reason: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where reading can go on without looking at what was read before.

    Attributes:
        proven: the number up to which everything was settled there.
        segment: first number of the segment.
        offset: of the first byte not read.
    """

    proven: int
    segment: int
    offset: int


@dataclass(slots=True)
class Stretch:
    """What one pass reads of an epoch.

    Attributes:
        frames: events in order.
        losses: what is missing between and after them.
        damaged: segments that have damaged bytes; they are kept when the others are freed.
        complete: nothing follows; `end` is then the number after the last event.
        end: number of the first event that was not read.
        place: where that would stand; None if nothing was read.
    """

    frames: list[Frame] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    damaged: set[str] = field(default_factory=set)
    complete: bool = True
    end: int = 0
    place: Place | None = None


class Epoch:
    """One epoch's directory, open for shipping.

    Args:
        path: `<state>/spool/<source>/<epoch>`.

    Attributes:
        orphan: its writer has ended; as long as this object lives, no one else ships or writes it.
        proven: every event with a smaller number has been proven or has a name among the dead letters.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        self._epoch = bytes.fromhex(path.name)
        self._lock = os.open(path / WRITER_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.orphan = True
        except BlockingIOError:
            self.orphan = False
        self.proven = _read_proven(path / SHIPPED)

    def close(self) -> None:
        """Let go of it."""
        os.close(self._lock)

    def read(self, max_events: int, max_bytes: int, place: Place | None = None) -> Stretch:
        """Read on from `proven`, up to about these bounds; at `place`, if that was settled and is still so."""
        stretch = Stretch(end=self.proven)
        segments = self._segments()
        size = 0
        hole: Damage | None = None
        for number, (first, path) in enumerate(segments):
            last = number + 1 == len(segments)
            if not last and segments[number + 1][0] <= self.proven:
                continue
            known = place is not None and place.proven == self.proven and place.segment == first
            offset = place.offset if place is not None and known else 0
            with path.open("rb") as file:
                file.seek(offset)
                data = file.read()
            for part in read_frames(data, marker_of(self._epoch, first)):
                if isinstance(part, Damage):
                    if part.at_end and last and not self.orphan:
                        # The writer may be in the middle of this frame.
                        return stretch
                    stretch.damaged.add(path.name)
                    hole = part
                    continue
                if part.seq < stretch.end:
                    hole = None
                    stretch.place = Place(stretch.end, first, offset + part.end)
                    continue
                if len(stretch.frames) >= max_events or size >= max_bytes:
                    stretch.complete = False
                    return stretch
                if part.seq > stretch.end:
                    reason = "missing" if hole is None else "damaged"
                    stretch.losses.append(Loss(stretch.end, part.seq - 1, path.name, reason))
                hole = None
                if part.body_damaged:
                    stretch.damaged.add(path.name)
                stretch.frames.append(part)
                size += len(part.event) + len(part.body or b"")
                stretch.end = part.seq + 1
                stretch.place = Place(stretch.end, first, offset + part.end)
        if hole is not None and segments:
            stretch.losses.append(Loss(stretch.end, None, segments[-1][1].name, "torn"))
        return stretch

    def advance(self, proven: int) -> None:
        """Remember, durably, that everything before this number is settled.

        Raises:
            OSError: if it cannot be written.
        """
        if proven > self.proven:
            replace_file(self.path / SHIPPED, json.dumps({"v": 1, "proven": proven}).encode("ascii"))
            self.proven = proven

    def free(self, stretch: Stretch, graveyard: Path) -> int:
        """Delete the segments in which everything is settled; of a finished epoch that is settled, everything.

        Args:
            stretch: what was just read and settled.
            graveyard: where damaged segments are moved instead of being deleted.

        Returns:
            Segments freed.

        Raises:
            OSError: if the disk says no.
        """
        segments = self._segments()
        finished = self.orphan and stretch.complete and self.proven >= stretch.end
        freed = 0
        for place, (_, path) in enumerate(segments):
            last = place + 1 == len(segments)
            if not (finished if last else segments[place + 1][0] <= self.proven):
                break
            if path.name in stretch.damaged:
                graveyard.mkdir(mode=0o700, parents=True, exist_ok=True)
                path.rename(graveyard / f"{self.path.parent.name}-{self.name}-{path.name}")
            else:
                path.unlink()
            freed += 1
        if finished:
            for name in (SHIPPED, WRITER_LOCK):
                (self.path / name).unlink(missing_ok=True)
            # Something of somebody else's in there is left where it is.
            with contextlib.suppress(OSError):
                self.path.rmdir()
        return freed

    def waiting(self) -> bool:
        """Whether there may be anything to read."""
        return self.orphan or bool(self._segments())

    def _segments(self) -> list[tuple[int, Path]]:
        return sorted((int(path.stem), path) for path in self.path.iterdir() if _SEGMENT(path.name))


class Sources:
    """The sources of a state directory.

    Args:
        spool: `<state>/spool`.
    """

    def __init__(self, spool: Path) -> None:
        self._spool = spool

    def all(self) -> list[Path]:
        """Directories of the sources, sorted."""
        if not self._spool.is_dir():
            return []
        return sorted(path for path in self._spool.iterdir() if SOURCE_IDS.fullmatch(path.name) and path.is_dir())

    @staticmethod
    @contextlib.contextmanager
    def lock(source: Path) -> Iterator[bool]:
        """Hold a source for shipping; False if another shipper has it."""
        descriptor = os.open(source / "ship.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(descriptor)

    @staticmethod
    def epochs(source: Path) -> list[Path]:
        """Directories of a source's epochs, the one that was begun first first."""
        found = [path for path in source.iterdir() if _EPOCH(path.name) and path.is_dir()]
        return sorted(found, key=lambda path: ((path / WRITER_LOCK).stat().st_mtime_ns, path.name))


def _read_proven(path: Path) -> int:
    # Without the file, or with one that cannot be read, everything is sent again: the ledger knows it already.
    try:
        value = json.loads(path.read_bytes())
        proven = value["proven"]
    except (OSError, ValueError, TypeError, KeyError):
        return 0
    return proven if type(proven) is int and proven >= 0 else 0
