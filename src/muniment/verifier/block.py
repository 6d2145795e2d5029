"""A block: some complete lines of a bundle, read without knowing what stands before them.

Several processes can read blocks of one file at the same time; `bundle.verify_bundle` joins what they found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from muniment.core.body import MAX_INLINE_BYTES, SALT_BYTES
from muniment.core.bundle import MAX_LINE
from muniment.core.errors import Malformed
from muniment.core.fields import read_base64
from muniment.core.merkle import HASH_BYTES, MAX_LEVEL
from muniment.verifier.keyring import Judgement, Keyring
from muniment.verifier.run import Run
from muniment.verifier.scan import scan

_SUBTREE: Final = re.compile(rb"(0|[1-9][0-9]?) ([A-Za-z0-9+/]{43}=)")


class MalformedBlock(Malformed):
    """The file is no bundle from some line on; `where` names the line."""


@dataclass(frozen=True, slots=True)
class Subtree:
    """An `N` line: a perfect subtree of 2^level entries that are not shown."""

    level: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Judged:
    """A `C` line: a checkpoint and what its signatures are worth."""

    judgement: Judgement
    note: bytes


@dataclass(frozen=True, slots=True)
class Token:
    """A `T` line: a timestamp token, DER, not looked into."""

    der: bytes


Part = Run | Subtree | Judged | Token


@dataclass(frozen=True, slots=True)
class BlockRead:
    """What a block holds.

    Attributes:
        start: leaf index at which it was taken to begin.
        parts: in the order of the lines.
        lines: how many there are.
        malformed: why the block could not be read to its end, and the line, counted from 0 within the block.
    """

    start: int
    parts: tuple[Part, ...]
    lines: int
    malformed: tuple[str, int] | None

    @property
    def end(self) -> int:
        """Leaf index after the block."""
        end = self.start
        for part in self.parts:
            if isinstance(part, Run):
                end += part.count
            elif isinstance(part, Subtree):
                end += 1 << part.level
        return end


@dataclass(frozen=True, slots=True)
class BlockReader:
    """Reads blocks of one bundle.

    Attributes:
        origin: from the `H` line.
        keyring: judges the checkpoints.
        marks: positions at which runs are cut, because a pinned checkpoint has this size.
    """

    origin: str
    keyring: Keyring
    marks: frozenset[int]

    def read(self, block: bytes, position: int, before: bytes) -> BlockRead:
        """Read complete lines.

        Args:
            block: lines, each ending in a newline.
            position: leaf index at which the block begins.
            before: the two bytes with which the line before it begins.
        """
        parts: list[Part] = []
        lines = 0
        try:
            for part in self._parts(block, position, before):
                parts.append(part)
            lines = block.count(b"\n")
        except MalformedBlock as error:
            return BlockRead(position, tuple(parts), lines, (error.reason, int(error.where or 0)))
        return BlockRead(position, tuple(parts), lines, None)

    def _parts(self, block: bytes, position: int, before: bytes) -> Iterator[Part]:
        texts: list[bytes] = []
        bodies: dict[int, tuple[bytes, bytes]] = {}
        lines = block.split(b"\n")
        lines.pop()
        careful = b"\r" in block or max(map(len, lines)) > MAX_LINE
        room = self._room(position)
        for number, line in enumerate(lines):
            head = line[:2]
            if careful:
                _check_line(line, number)
            if head == b"E ":
                if len(texts) == room:
                    yield scan(texts, position, self.origin, bodies)
                    position += len(texts)
                    texts, bodies, room = [], {}, self._room(position)
                texts.append(line[2:])
            elif head == b"B ":
                if before != b"E ":
                    raise MalformedBlock("a body without its entry before it", str(number))
                bodies[len(texts) - 1] = read_body(line[2:], number)
            else:
                if texts:
                    yield scan(texts, position, self.origin, bodies)
                    position += len(texts)
                    texts, bodies = [], {}
                part = self._other(line, before, number)
                if type(part) is Subtree:
                    position += 1 << part.level
                room = self._room(position)
                yield part
            before = head
        if texts:
            yield scan(texts, position, self.origin, bodies)

    def _room(self, position: int) -> int:
        """How many entries may stand together from a position: up to the next mark."""
        return min((mark - position for mark in self.marks if mark > position), default=1 << 53)

    def _other(self, line: bytes, before: bytes, number: int) -> Part:
        head, rest = line[:2], line[2:]
        if head == b"N ":
            return read_subtree(rest, number)
        if head == b"C ":
            if before not in (b"E ", b"B ", b"N "):
                raise MalformedBlock("a checkpoint with neither entry nor subtree before it", str(number))
            note = read_blob(rest, number)
            try:
                return Judged(self.keyring.judge(note), note)
            except Malformed as error:
                raise MalformedBlock(f"no checkpoint note: {error}", str(number)) from error
        if head == b"T ":
            if before not in (b"C ", b"T "):
                raise MalformedBlock("a timestamp token that follows no checkpoint", str(number))
            token = read_blob(rest, number)
            if not token:
                raise MalformedBlock("an empty timestamp token", str(number))
            return Token(token)
        raise MalformedBlock(_stranger(line), str(number))


def _check_line(line: bytes, number: int) -> None:
    if len(line) > MAX_LINE:
        raise MalformedBlock(f"longer than {MAX_LINE:,} bytes", str(number))
    if b"\r" in line:
        raise MalformedBlock("contains a carriage return", str(number))


def read_blob(rest: bytes, number: int) -> bytes:
    """Strict base64: what is decoded encodes to the same characters again.

    Raises:
        MalformedBlock: naming the line.
    """
    try:
        return read_base64(rest, "")
    except Malformed as error:
        raise MalformedBlock(error.reason, str(number)) from error


def read_body(rest: bytes, number: int) -> tuple[bytes, bytes]:
    """Salt and body of a `B` line.

    Raises:
        MalformedBlock: naming the line.
    """
    data = read_blob(rest, number)
    if not SALT_BYTES <= len(data) <= SALT_BYTES + MAX_INLINE_BYTES:
        raise MalformedBlock(f"salt and body are {len(data)} bytes", str(number))
    return data[:SALT_BYTES], data[SALT_BYTES:]


def read_subtree(rest: bytes, number: int) -> Subtree:
    """Level and hash of an `N` line.

    Raises:
        MalformedBlock: naming the line.
    """
    found = _SUBTREE.fullmatch(rest)
    if found is None or int(found[1]) > MAX_LEVEL:
        raise MalformedBlock(f"no subtree: a level from 0 to {MAX_LEVEL} and a base64 hash", str(number))
    hash_ = read_blob(found[2], number)
    if len(hash_) != HASH_BYTES:
        raise MalformedBlock("the hash is not 32 bytes", str(number))
    return Subtree(int(found[1]), hash_)


def _stranger(line: bytes) -> str:
    head = line[:2]
    if head == b"H ":
        return "a second header"
    if head == b"K ":
        return "a keys note after entries, subtrees or checkpoints"
    if head == b"Z ":
        return "an end line, and more after it"
    if not line:
        return "an empty line"
    return f"no line of a bundle: it begins with {line[:2]!r}"
