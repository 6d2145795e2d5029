"""The archive of a packet: a ZIP file in which every byte is determined by the names and contents of its members.

Members are stored without compression, one after the other, with fixed times and no extra fields; the directory follows
at once, and nothing else stands anywhere. The reader holds a file to exactly that, so a byte that was changed between
members, in a header, in the directory or at the end is found, and there is nothing that could unpack to more than it
is. Compression would make the bytes depend on the version of a library.

Source: docs/packets.md section 2; PKWARE APPNOTE.TXT 6.3.10 sections 4.3.7, 4.3.12 and 4.3.16.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from muniment.core.errors import Malformed

MAX_MEMBERS: Final = 20_000
MAX_BYTES: Final = 2**31 - 1
"""Of the whole archive: below it every reader of ZIP files agrees."""
PIECE: Final = 1 << 20

_DATE: Final = 0x21  # 1980-01-01, the first day that the format knows
_LOCAL: Final = struct.Struct("<4s5H3I2H")
_CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
_END: Final = struct.Struct("<4s4H2IH")
END_BYTES: Final = _END.size
"""Of the end of an archive, which has no comment."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*( [A-Za-z0-9._-]+)*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
_MAX_NAME: Final = 200


class MalformedArchive(Malformed):
    """The file is no archive of a packet; `where` names the member or the place."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the archive.

    Attributes:
        name: its path, with `/`.
        size: bytes.
        crc: CRC-32 of its content.
        offset: of its first byte in the archive.
    """

    name: str
    size: int
    crc: int
    offset: int


def check_name(name: str) -> str:
    """The name, if it may stand in a packet: relative, ASCII, nothing that climbs out of a folder or hides in one.

    Raises:
        MalformedArchive: otherwise.

    >>> check_name("../passwd")
    Traceback (most recent call last):
        ...
    muniment.packet.archive.MalformedArchive: '../passwd': no name of a file of a packet
    """
    if len(name) > _MAX_NAME or not _NAME.fullmatch(name) or ".." in name or name.endswith("."):
        raise MalformedArchive("no name of a file of a packet", ascii(name[:_MAX_NAME]))
    return name


class ArchiveWriter:
    """Writes members in the order in which they come; `close` writes the directory."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._members: list[Member] = []
        self._names: set[str] = set()
        self._position = 0

    def add(self, name: str, *, size: int, crc: int, content: Iterable[bytes]) -> None:
        """Write a member.

        Args:
            name: its path.
            size: bytes that `content` gives.
            crc: CRC-32 of them.
            content: in pieces.

        Raises:
            MalformedArchive: for a name that may not be or was there before, for content that is not as announced, or
                for more than an archive holds.
        """
        key = check_name(name).lower()
        if key in self._names:
            raise MalformedArchive("two files of one name", name)
        member = Member(name, size, crc, self._position + _LOCAL.size + len(name))
        if len(self._members) >= MAX_MEMBERS or member.offset + size > MAX_BYTES:
            raise MalformedArchive(f"a packet has at most {MAX_MEMBERS:,} files and {MAX_BYTES:,} bytes", name)
        self._out.write(_local(member))
        found = length = 0
        for piece in content:
            found, length = zlib.crc32(piece, found), length + len(piece)
            self._out.write(piece)
        if (found, length) != (crc, size):
            raise MalformedArchive("its content changed while the packet was written", name)
        self._names.add(key)
        self._members.append(member)
        self._position = member.offset + size

    def close(self) -> int:
        """Write the directory and the end.

        Returns:
            The bytes of the whole archive.
        """
        directory = b"".join(map(_central, self._members))
        end = _end(len(self._members), len(directory), self._position)
        self._out.write(directory + end)
        return self._position + len(directory) + len(end)


def read_archive(stream: BinaryIO) -> tuple[Member, ...]:
    """Read the directory of an archive, and hold every byte outside the members' contents to what it must be.

    Args:
        stream: seekable, binary.

    Raises:
        MalformedArchive: naming the member or the place.
    """
    total = stream.seek(0, 2)
    if total > MAX_BYTES:
        raise MalformedArchive(f"longer than {MAX_BYTES:,} bytes", "the archive")
    tail = _at(stream, max(0, total - _END.size), _END.size)
    if len(tail) < _END.size or tail[:4] != b"PK\5\6":
        raise MalformedArchive("does not end as an archive does: it was cut, changed, or added to", "the archive's end")
    _, _, _, _, count, length, start, _ = _END.unpack(tail)
    if tail != _end(count, length, start) or start + length + _END.size != total or count > MAX_MEMBERS:
        raise MalformedArchive("does not fit the archive: it was changed, cut, or added to", "the archive's end")
    members = tuple(_directory(_at(stream, start, length), count))
    position, names = 0, set[str]()
    for member in members:
        if member.name.lower() in names:
            raise MalformedArchive("stands twice in the archive", member.name)
        names.add(member.name.lower())
        if member.offset != position + _LOCAL.size + len(member.name) or member.offset + member.size > start:
            raise MalformedArchive("does not stand where the archive's directory says", member.name)
        if _at(stream, position, _LOCAL.size + len(member.name)) != _local(member):
            raise MalformedArchive("its header says something else than the archive's directory", member.name)
        position = member.offset + member.size
    if position != start:
        raise MalformedArchive("there are bytes between the last file and the directory", "the archive")
    return members


def read_member(stream: BinaryIO, member: Member) -> Iterator[bytes]:
    """The content of a member, in pieces.

    Raises:
        MalformedArchive: at its end, if its CRC-32 is not that of the archive's directory.
    """
    left, crc, position = member.size, 0, member.offset
    while left:
        piece = _at(stream, position, min(left, PIECE))
        if not piece:
            raise MalformedArchive("ends before its last byte", member.name)
        crc = zlib.crc32(piece, crc)
        left, position = left - len(piece), position + len(piece)
        yield piece
    if crc != member.crc:
        raise MalformedArchive("its content does not fit its checksum in the archive", member.name)


def _at(stream: BinaryIO, position: int, size: int) -> bytes:
    stream.seek(position)
    return stream.read(size)


def _directory(data: bytes, count: int) -> Iterator[Member]:
    at = 0
    for number in range(count):
        where = f"the archive's directory, file {number + 1}"
        head = data[at : at + _CENTRAL.size]
        if len(head) < _CENTRAL.size:
            raise MalformedArchive("ends before its last file", "the archive's directory")
        _, _, _, _, _, _, _, crc, size, _, length, _, _, _, _, _, offset = _CENTRAL.unpack(head)
        raw = data[at + _CENTRAL.size : at + _CENTRAL.size + length]
        try:
            name = check_name(raw.decode("ascii"))
        except UnicodeDecodeError:
            raise MalformedArchive("no name of a file of a packet", where) from None
        member = Member(name, size, crc, offset + _LOCAL.size + length)
        if head + raw != _central(member):
            raise MalformedArchive("its line in the archive's directory is not as a packet has it", name)
        at += len(head) + length
        yield member
    if at != len(data):
        raise MalformedArchive("goes on after its last file", "the archive's directory")


def _local(member: Member) -> bytes:
    name = member.name.encode("ascii")
    fields = (10, 0, 0, 0, _DATE, member.crc, member.size, member.size, len(name), 0)
    return _LOCAL.pack(b"PK\3\4", *fields) + name


def _central(member: Member) -> bytes:
    name = member.name.encode("ascii")
    offset = member.offset - _LOCAL.size - len(name)
    fields = (10, 10, 0, 0, 0, _DATE, member.crc, member.size, member.size, len(name), 0, 0, 0, 0, 0, offset)
    return _CENTRAL.pack(b"PK\1\2", *fields) + name


def _end(count: int, length: int, start: int) -> bytes:
    return _END.pack(b"PK\5\6", 0, 0, count, count, length, start, 0)
