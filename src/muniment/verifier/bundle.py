"""Verifying a bundle: docs/format.md sections 2 to 8 on one file, in constant memory and on all cores."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from muniment.core.bundle import HEADER, MAX_LINE
from muniment.core.canonical import MAX_INTEGER
from muniment.core.errors import Malformed
from muniment.core.fields import read_base64
from muniment.core.identifiers import check_origin
from muniment.core.keysnote import parse_signed_keysnote
from muniment.verifier.block import BlockRead, BlockReader, Judged, Subtree, Token
from muniment.verifier.checker import LogChecker
from muniment.verifier.pins import PinnedCheckpoint, Pins
from muniment.verifier.pool import read_blocks
from muniment.verifier.report import Report
from muniment.verifier.run import Run

BLOCK: Final = 2 * (MAX_LINE + 1) + 1
"""Bytes read at a time, about 1 MiB: in so many, two lines end, and behind one of them a block can be cut."""

_DIGEST: Final = re.compile(rb"Z ([0-9a-f]{64})\n")

Progress = Callable[[int], None]
"""Called with the number of bytes that were just read."""


@dataclass(frozen=True, slots=True)
class Block:
    """Complete lines of a bundle, and where they stand.

    Attributes:
        data: the lines.
        offset: of the first byte in the file.
        before: the two bytes with which the line before begins.
    """

    data: bytes
    offset: int
    before: bytes


def verify_bundle(
    stream: BinaryIO,
    pins: Pins | None = None,
    *,
    target: str = "bundle",
    workers: int | None = None,
    progress: Progress | None = None,
) -> Report:
    """Check a bundle.

    Nothing raises because the bundle is bad: that is in the report.

    Args:
        stream: the bundle, binary, from its first byte.
        pins: what is trusted from outside; without any the report says self-attested.
        target: what the report calls the bundle.
        workers: processes to use; by default one for each core, and none besides this one for a small file.
        progress: told how far reading has come.

    Source: docs/format.md section 8.
    """
    given = pins or Pins()
    return check_bundle(stream, lambda _: given, target=target, workers=workers, progress=progress)[1]


def check_bundle(
    stream: BinaryIO,
    pins: Callable[[str], Pins],
    *,
    target: str = "bundle",
    others: Sequence[tuple[PinnedCheckpoint, str]] = (),
    workers: int | None = None,
    progress: Progress | None = None,
) -> tuple[LogChecker, Report]:
    """As `verify_bundle`, for callers that need more than the report.

    Args:
        stream: the bundle, binary, from its first byte.
        pins: gives the pins for an origin.
        target: what the report calls the bundle.
        others: checkpoints of the same log from elsewhere, and the names of where they come from.
        workers: processes to use.
        progress: told how far reading has come.

    Returns:
        The checker, which knows the last checkpoint and the keys, and the report.

    Raises:
        MunimentError: only what `pins` raises.
    """
    reader = _Reader(stream, progress)
    try:
        origin = reader.header()
    except Malformed as error:
        checker = LogChecker("", target=target)
        return checker, checker.report(malformed=str(error))
    checker = LogChecker(origin, pins(origin), target=target, others=others)
    try:
        for note in reader.keys_notes():
            checker.keys(note)
        blocks = BlockReader(origin, checker.keyring, checker.marks)
        for read in read_blocks(blocks, reader.blocks(), stream, workers):
            _take(checker, read, reader.lines)
            reader.lines += read.lines
        reader.end()
    except Malformed as error:
        return checker, checker.report(malformed=str(error))
    checker.passed("form", "read to the end, and its closing digest matches", reader.lines)
    return checker, checker.report()


def _take(checker: LogChecker, read: BlockRead, lines: int) -> None:
    if read.end > MAX_INTEGER:
        raise Malformed("positions go beyond 2^53-1", f"line {lines + 1} or after it")
    for part in read.parts:
        if isinstance(part, Run):
            checker.run(part)
        elif isinstance(part, Judged):
            checker.judged(part.judgement, part.note)
        elif isinstance(part, Subtree):
            checker.subtree(part.level, part.hash)
        elif isinstance(part, Token):
            checker.token(part.der)
    if read.malformed is not None:
        reason, line = read.malformed
        raise Malformed(reason, f"line {lines + line + 1}")


class _Reader:
    """Cuts a bundle into its header, its keys notes, blocks of lines, and its closing digest."""

    def __init__(self, stream: BinaryIO, progress: Progress | None) -> None:
        self._stream = stream
        self._progress = progress
        self._rest = b""
        self._ended = False
        self._digest = hashlib.sha256()
        self._offset = 0
        self._before = b"H "
        self._closing = b""
        self.lines = 0

    def header(self) -> str:
        """The origin from the `H` line."""
        line = self._line()
        name, _, origin = line[2:].decode("latin-1").partition(" ")
        if line[:2] != b"H " or name != HEADER:
            raise Malformed(f"a bundle begins with H {HEADER}", "line 1")
        try:
            return check_origin(origin)
        except Malformed as error:
            raise Malformed("the header names no origin", "line 1") from error

    def keys_notes(self) -> Iterator[bytes]:
        """The notes of the `K` lines."""
        last = 0
        while self._peek(2) == b"K ":
            line = self._line()
            where = f"line {self.lines}"
            try:
                note = read_base64(line[2:], "keys note")
                number = parse_signed_keysnote(note)[1].number
            except Malformed as error:
                raise Malformed(f"no keys note: {error}", where) from error
            if number <= last:
                raise Malformed("the numbers of keys notes do not ascend", where)
            last = number
            self._before = b"K "
            yield note

    def blocks(self) -> Iterator[Block]:
        """All lines after the keys notes but the last, cut so that no body is parted from its entry."""
        while True:
            self._fill(BLOCK)
            cut = self._cut()
            if not cut:
                return
            data, self._rest = self._rest[:cut], self._rest[cut:]
            yield Block(data, self._offset, self._before)
            self._consume(data)
            self._before = data[data.rfind(b"\n", 0, -1) + 1 :][:2]

    def end(self) -> None:
        """The `Z` line: it must be the last one, and hold the digest of all before."""
        where = f"line {self.lines + 1}"
        if not self._rest:
            raise Malformed("the file ends without its Z line: it was cut", where)
        if not self._rest.endswith(b"\n"):
            raise Malformed("the file ends within a line: it was cut", where)
        found = _DIGEST.fullmatch(self._rest)
        if found is None:
            raise Malformed("the last line is not Z and 64 hex digits", where)
        if self._before not in (b"C ", b"T "):
            raise Malformed("the last checkpoint does not cover the lines before the end", where)
        if found[1].decode() != self._digest.hexdigest():
            raise Malformed("it is not the digest of what stands before it: the file was changed or damaged", where)
        self.lines += 1

    def _cut(self) -> int:
        """How many of the bytes in hand make up the next block: up to a line that is neither `B` nor the last `Z`."""
        rest = self._rest
        if self._ended:
            last = rest.rfind(b"\n", 0, -1) + 1
            if rest.endswith(b"\n") and rest[last : last + 1] != b"Z":
                return len(rest)
            return last
        at = len(rest) - 1
        while (at := rest.rfind(b"\n", 0, at)) >= 0:
            if rest[at + 1 : at + 2] != b"B":
                return at + 1
        # No such line: what there is breaks a rule, and the block's reader says which.
        at = rest.rfind(b"\n") + 1
        if not at:
            raise Malformed(f"longer than {MAX_LINE:,} bytes", f"line {self.lines + 1}")
        return at

    def _fill(self, wanted: int) -> None:
        pieces = [self._rest]
        have = len(self._rest)
        while not self._ended and have < wanted:
            piece = self._stream.read(BLOCK)
            if not piece:
                self._ended = True
                break
            if self._progress is not None:
                self._progress(len(piece))
            pieces.append(piece)
            have += len(piece)
        self._rest = b"".join(pieces)

    def _peek(self, count: int) -> bytes:
        self._fill(count)
        return self._rest[:count]

    def _line(self) -> bytes:
        self._fill(MAX_LINE + 1)
        at = self._rest.find(b"\n", 0, MAX_LINE + 1)
        if at < 0:
            reason = "the file ends within a line: it was cut" if self._ended else f"longer than {MAX_LINE:,} bytes"
            raise Malformed(reason, f"line {self.lines + 1}")
        line, self._rest = self._rest[: at + 1], self._rest[at + 1 :]
        if b"\r" in line:
            raise Malformed("contains a carriage return", f"line {self.lines + 1}")
        self._consume(line)
        self.lines += 1
        return line[:-1]

    def _consume(self, data: bytes) -> None:
        self._digest.update(data)
        self._offset += len(data)
