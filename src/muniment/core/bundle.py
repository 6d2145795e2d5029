"""Bundles: many entries with what proves them, in one file of lines.

Read from top to bottom a bundle tiles the tree from left to right. The reader here holds the file to its form: letters,
order of lines, base64, lengths, positions up to 2^53-1 and the `Z` line. What else depends on the *position* (the `seq`
of an entry, where a subtree may begin, the size and root of a checkpoint) is for a verifier to prove with
`merkle.Stack`; the writer keeps it.

Source: docs/format.md section 7.
"""

import hashlib
from collections.abc import Callable, Iterator
from typing import Protocol

from muniment.core.body import MAX_INLINE_BYTES, SALT_BYTES
from muniment.core.bundleline import (
    HEADER,
    BodyLine,
    CheckpointLine,
    End,
    EntryLine,
    Header,
    Keys,
    Line,
    Subtree,
    Token,
)
from muniment.core.canonical import MAX_INTEGER
from muniment.core.checkpoint import parse_signed_checkpoint
from muniment.core.entry import entry_hash
from muniment.core.errors import Malformed, VerificationFailed
from muniment.core.fields import read_base64, read_decimal, read_hex
from muniment.core.identifiers import check_origin
from muniment.core.keysnote import parse_signed_keysnote
from muniment.core.merkle import HASH_BYTES, MAX_LEVEL, Stack

__all__ = (
    "HEADER",
    "MAX_LINE",
    "BodyLine",
    "BundleWriter",
    "CheckpointLine",
    "End",
    "EntryLine",
    "Header",
    "Keys",
    "Line",
    "MalformedBundle",
    "Readable",
    "Subtree",
    "Token",
    "Writable",
    "read_bundle",
)

MAX_LINE = 524_288
"""The longest line, in bytes without its newline."""

_BLOCK = 1 << 18


class MalformedBundle(Malformed):
    """The file is no bundle; `line` counts from 1."""

    def __init__(self, reason: str, where: str | None = None, line: int = 0) -> None:
        super().__init__(reason, where)
        self.args = (reason, where, line)  # what pickle builds it from again
        self.line = line


class Readable(Protocol):
    """What a bundle is read from."""

    def read(self, size: int, /) -> bytes:
        """Give at most `size` bytes; none at the end."""


class Writable(Protocol):
    """What a bundle is written to."""

    def write(self, data: bytes, /) -> object:
        """Take all of `data`."""


def read_bundle(stream: Readable) -> Iterator[Line]:
    """Read a bundle line by line, in constant memory.

    Every line of the file is given exactly once and in order, so that `enumerate(read_bundle(stream), 1)` counts lines.
    What was given before an error has not been proven to belong to a whole file; only `End` says that.

    Args:
        stream: binary; `read(n)` gives some bytes, or none at the end.

    Raises:
        MalformedBundle: naming the line; also if the file ends without `Z`, or `Z` does not match.

    Source: docs/format.md section 7.
    """
    before = ""
    last_keys = 0
    number = 0
    position = 0
    read: Line
    for number, line, digest in _lines(stream):
        letter = line[:2]
        try:
            if letter == b"E " and before:
                before = "E"
                position += 1
                if position > MAX_INTEGER:
                    raise Malformed("the position goes beyond 2^53-1")
                yield EntryLine(line[2:])
                continue
            if letter not in _AFTER:
                raise Malformed("must be one of the letters H K E B N C T Z, a space, and the rest")
            kind = letter[:1].decode("ascii")
            if before not in _AFTER[letter]:
                raise Malformed(f"a {kind} line cannot stand {f'after {before}' if before else 'first'}")
            read = _READ[kind](line[2:])
            if isinstance(read, Keys):
                if read.keys.number <= last_keys:
                    raise Malformed("numbers of keys notes must ascend")
                last_keys = read.keys.number
            elif isinstance(read, Subtree):
                position += 1 << read.level
                if position > MAX_INTEGER:
                    raise Malformed("the position goes beyond 2^53-1")
            elif isinstance(read, End) and read.digest != digest:
                raise Malformed("the SHA-256 of all lines before differs: the file is damaged or was changed")
        except Malformed as error:
            detail = error.reason if error.where is None else f"{error.where}: {error.reason}"
            raise MalformedBundle(detail, f"line {number}", number) from None
        before = kind
        yield read
    if before != "Z":
        raise MalformedBundle("the file ends without a Z line: it was cut", f"line {number + 1}", number + 1)


class BundleWriter:
    """Writes a bundle and keeps every rule of its form and of positions, the roots of checkpoints included.

    Args:
        stream: binary; takes one line at a time.
        origin: of the log.

    Raises:
        Malformed: by any method, if a value breaks its grammar or a line cannot stand where it is written.
        VerificationFailed: if a position, an entry's `seq`, or a checkpoint's origin, size or root does not fit.
    """

    def __init__(self, stream: Writable, origin: str) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self._stack = Stack()
        self._before = ""
        self._origin = origin
        self._last_keys = 0
        self._last_size = -1
        check_origin(origin, "origin")
        self._put("H", Header(origin))

    @property
    def position(self) -> int:
        """How many leaves have been written or covered."""
        return self._stack.size

    def keys(self, data: bytes) -> None:
        """Write a signed keys note."""
        _, keys = parse_signed_keysnote(data)
        if keys.origin != self._origin or keys.number <= self._last_keys:
            raise VerificationFailed("keys notes must be of this log, and their numbers ascend", "keys")
        self._put("K", Keys(data, keys))
        self._last_keys = keys.number

    def entry(self, text: bytes) -> None:
        """Write an entry, given its canonical text, at the present position."""
        if not text.endswith(b',"seq":%d,"v":3}' % self.position) or b"\n" in text or b"\r" in text:
            raise VerificationFailed(f"is not the canonical text of entry {self.position}", "entry")
        self._put("E", EntryLine(text))
        self._stack.push(0, entry_hash(text))

    def body(self, salt: bytes, body: bytes) -> None:
        """Write salt and body of the entry written last."""
        if len(salt) != SALT_BYTES or len(body) > MAX_INLINE_BYTES:
            raise Malformed(f"takes a salt of {SALT_BYTES} and a body of at most {MAX_INLINE_BYTES} bytes", "body")
        self._put("B", BodyLine(salt, body))

    def subtree(self, level: int, value: bytes) -> None:
        """Write a perfect subtree of 2^level leaves at the present position."""
        self._stack.push(level, value)
        self._put("N", Subtree(level, value))

    def checkpoint(self, data: bytes) -> None:
        """Write a signed checkpoint note whose size is the present position."""
        note, checkpoint = parse_signed_checkpoint(data)
        if (checkpoint.origin, checkpoint.size) != (self._origin, self.position) or self.position <= self._last_size:
            raise VerificationFailed(f"the checkpoint is not of this log at size {self.position}", "checkpoint")
        if checkpoint.root != self._stack.root():
            raise VerificationFailed("the checkpoint's root is not that of the lines written", "checkpoint")
        self._put("C", CheckpointLine(data, note, checkpoint))
        self._last_size = self.position

    def token(self, der: bytes) -> None:
        """Write a DER TimeStampToken for the checkpoint written last."""
        if not der:
            raise Malformed("must not be empty", "token")
        self._put("T", Token(der))

    def end(self) -> bytes:
        """Write the last line; gives the SHA-256 of all before it, 32 bytes."""
        digest = self._digest.digest()
        self._put("Z", End(digest))
        return digest

    def _put(self, letter: str, line: Line) -> None:
        if self._before not in _AFTER[f"{letter} ".encode("ascii")]:
            raise Malformed(f"a {letter} line cannot stand after {self._before or 'nothing'}", "line")
        data = line.encoded()
        if len(data) - 1 > MAX_LINE:
            raise Malformed(f"longer than {MAX_LINE} bytes", "line")
        self._stream.write(data)
        self._digest.update(data)
        self._before = letter


# Which lines may stand before a line of each letter; the empty string is the beginning of the file.
_AFTER = {
    b"H ": frozenset({""}),
    b"K ": frozenset("HK"),
    b"E ": frozenset("HKEBNCT"),
    b"B ": frozenset("E"),
    b"N ": frozenset("HKEBNCT"),
    b"C ": frozenset("EBN"),
    b"T ": frozenset("CT"),
    b"Z ": frozenset("CT"),
}


def _lines(stream: Readable) -> Iterator[tuple[int, bytes, bytes]]:
    """Cut the stream into numbered lines; with the line that begins with Z comes the digest of all before it."""
    digest = hashlib.sha256()
    number = 0
    rest = b""
    while piece := stream.read(_BLOCK):
        block = rest + piece
        end = block.rfind(b"\n") + 1
        rest = block[end:]
        lines = block[:end].split(b"\n")
        lines.pop()
        closing = 0 if block.startswith(b"Z") else block.find(b"\nZ", 0, end) + 1 or end
        digest.update(block[:closing])
        carriage_return = b"\r" in block
        for place, line in enumerate(lines, 1):
            number += 1
            if len(line) > MAX_LINE:
                raise _too_long(number)
            if carriage_return and b"\r" in line:
                raise MalformedBundle("holds a carriage return", f"line {number}", number)
            if line.startswith(b"Z"):
                yield number, line, digest.digest()
                if place < len(lines) or rest or stream.read(1):
                    raise MalformedBundle("there is something after the Z line", f"line {number + 1}", number + 1)
                return
            yield number, line, b""
        if len(rest) > MAX_LINE:
            raise _too_long(number + 1)
    if rest:
        raise MalformedBundle("does not end in a newline: the file was cut", f"line {number + 1}", number + 1)


def _too_long(number: int) -> MalformedBundle:
    return MalformedBundle(f"longer than {MAX_LINE} bytes", f"line {number}", number)


def _header(rest: bytes) -> Header:
    format_name, _, origin = rest.decode("ascii", "replace").partition(" ")
    if format_name != HEADER:
        raise Malformed(f"must begin with {HEADER}", "header")
    return Header(check_origin(origin, "origin"))


def _keys(rest: bytes) -> Keys:
    data = read_base64(rest, "keys note")
    return Keys(data, parse_signed_keysnote(data)[1])


def _body(rest: bytes) -> BodyLine:
    data = read_base64(rest, "body")
    if not SALT_BYTES <= len(data) <= SALT_BYTES + MAX_INLINE_BYTES:
        raise Malformed(f"must be {SALT_BYTES} to {SALT_BYTES + MAX_INLINE_BYTES} bytes", "body")
    return BodyLine(data[:SALT_BYTES], data[SALT_BYTES:])


def _subtree(rest: bytes) -> Subtree:
    level, _, encoded = rest.partition(b" ")
    number = read_decimal(level.decode("ascii", "replace"), "level", MAX_LEVEL)
    value = read_base64(encoded, "hash")
    if len(value) != HASH_BYTES:
        raise Malformed(f"must be {HASH_BYTES} bytes", "hash")
    return Subtree(number, value)


def _checkpoint(rest: bytes) -> CheckpointLine:
    data = read_base64(rest, "checkpoint")
    return CheckpointLine(data, *parse_signed_checkpoint(data))


def _token(rest: bytes) -> Token:
    der = read_base64(rest, "token")
    if not der:
        raise Malformed("must not be empty", "token")
    return Token(der)


def _end(rest: bytes) -> End:
    return End(read_hex(rest.decode("ascii", "replace"), 32, "digest"))


_READ: dict[str, Callable[[bytes], Line]] = {
    "H": _header,
    "K": _keys,
    "B": _body,
    "N": _subtree,
    "C": _checkpoint,
    "T": _token,
    "Z": _end,
}
