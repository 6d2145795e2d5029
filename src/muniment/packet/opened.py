"""A packet as it is handed over: the archive, or the folder into which somebody unpacked it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Protocol

from muniment.core.errors import Malformed
from muniment.packet.archive import (
    END_BYTES,
    MAX_MEMBERS,
    PIECE,
    MalformedArchive,
    Member,
    check_name,
    read_archive,
    read_member,
)
from muniment.packet.manifest import EVIDENCE, MANIFEST, SIGNATURE

_BEGINNING: Final = b"PK\3\4"
_ENDING: Final = b"PK\5\6"


class Opened(Protocol):
    """The files of a packet, by their paths."""

    def sizes(self) -> Mapping[str, int]:
        """The bytes of each file."""

    def read(self, path: str) -> Iterator[bytes]:
        """A file's bytes in pieces.

        Raises:
            Malformed: naming the file, if it cannot be read or does not fit the archive's checksum.
        """


class OpenedArchive:
    """The archive. Its headers and its directory have been held to their form."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._members: dict[str, Member] = {member.name: member for member in read_archive(stream)}

    def sizes(self) -> Mapping[str, int]:
        """The bytes of each file."""
        return {name: member.size for name, member in self._members.items()}

    def read(self, path: str) -> Iterator[bytes]:
        """A file's bytes in pieces."""
        return read_member(self._stream, self._members[path])


class OpenedFolder:
    """The unpacked archive. Links are refused: what they lead to is not part of the packet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sizes: dict[str, int] = {}
        for parent, folders, names in os.walk(folder):
            folders.sort()
            for name in sorted([*names, *(one for one in folders if Path(parent, one).is_symlink())]):
                path = Path(parent, name)
                shown = path.relative_to(folder).as_posix()
                if path.is_symlink() or not path.is_file():
                    raise MalformedArchive("is a link or a device; a packet has files alone", shown)
                self._sizes[shown] = path.stat().st_size
                if len(self._sizes) > MAX_MEMBERS:
                    raise MalformedArchive(f"has more than {MAX_MEMBERS:,} files", str(folder))

    def sizes(self) -> Mapping[str, int]:
        """The bytes of each file."""
        return self._sizes

    def read(self, path: str) -> Iterator[bytes]:
        """A file's bytes in pieces."""
        try:
            with (self._folder / check_name(path)).open("rb") as stream:
                while piece := stream.read(PIECE):
                    yield piece
        except OSError as error:
            raise Malformed(f"cannot be read: {error.strerror}", path) from error


class PacketFile:
    """A packet that is open; a context manager.

    Raises:
        Malformed: on entering, if it cannot be opened or is no archive of a packet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stack = ExitStack()

    def __enter__(self) -> Opened:
        """Open it."""
        if self._path.is_dir():
            return OpenedFolder(self._path)
        try:
            stream = self._stack.enter_context(self._path.open("rb"))
        except OSError as error:
            raise Malformed(f"cannot be opened: {error.strerror}", str(self._path)) from error
        try:
            return OpenedArchive(stream)
        except BaseException:
            self._stack.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self._stack.close()


def is_packet(path: Path) -> bool:
    """Whether something looks like a packet: an archive by its first or its last bytes, a folder by its files.

    One of the signs is enough, so that a packet from which the others were taken is not verified as something else.
    """
    if path.is_dir():
        return (path / SIGNATURE).is_file() or ((path / MANIFEST).is_file() and (path / EVIDENCE).is_file())
    try:
        with path.open("rb") as stream:
            if stream.read(len(_BEGINNING)) == _BEGINNING:
                return True
            stream.seek(-min(END_BYTES, stream.seek(0, os.SEEK_END)), os.SEEK_END)
            return stream.read(len(_ENDING)) == _ENDING
    except OSError:
        return False
