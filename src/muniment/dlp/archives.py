"""ZIP archives, read so that nothing in them is overlooked and nothing of them grows without end.

An archive is taken only if every one of its bytes belongs to a member or to the directory, and to one alone: what
stands before, between or behind them could be another file, and members that share bytes are how small bombs are made.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import Final

from muniment.dlp.limits import MIB, Budget, Hostile, Unscannable

_LOCAL: Final = struct.Struct("<4sHHHHHIIIHH")
_END: Final = b"PK\x05\x06"
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED: Final = 0x1
_DESCRIBED: Final = 0x8
_STEP: Final = 1 << 18


def members(data: bytes, budget: Budget) -> Iterator[tuple[str, bytes]]:
    """The names and bytes of an archive's files, one after the other.

    Args:
        data: the archive.
        budget: what is left.

    Raises:
        Hostile: for a bomb, or bytes that belong to no member or to several.
        Unscannable: for an archive that is broken, encrypted or packed in a way that is not read here.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise Unscannable(f"is no archive that can be read: {error}", "zip") from None
    with archive:
        infos = archive.infolist()
        if len(infos) > budget.limits.members:
            raise Hostile(f"holds more than {budget.limits.members:,} files", "members")
        _check_layout(data, archive, infos)
        for info in infos:
            budget.member()
            if info.is_dir():
                if info.file_size or info.compress_size:
                    raise Hostile("holds a folder that has bytes", "zip")
                continue
            if info.flag_bits & _ENCRYPTED:
                raise Unscannable("holds an encrypted file", "zip")
            if info.compress_type not in _METHODS:
                raise Unscannable(f"holds a file packed by method {info.compress_type}", "zip")
            yield info.filename, _unpacked(archive, info, budget)


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: Budget) -> bytes:
    most = max(MIB, info.compress_size * budget.limits.ratio)
    parts, size = [], 0
    try:
        with archive.open(info) as stream:
            while piece := stream.read(_STEP):
                size += len(piece)
                if size > most:
                    raise Hostile(f"a file in it grows more than {budget.limits.ratio} times", "ratio")
                budget.expand(len(piece))
                budget.check_time()
                parts.append(piece)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, OSError) as error:
        raise Unscannable(f"a file in it cannot be unpacked: {error}", "zip") from None
    return b"".join(parts)


def _check_layout(data: bytes, archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo]) -> None:
    place = 0
    for info in sorted(infos, key=lambda one: one.header_offset):
        if info.header_offset < place:
            raise Hostile("two files in it share bytes", "zip")
        if info.header_offset > place:
            raise Hostile("holds bytes that belong to no file in it", "zip")
        try:
            magic, _, flags, *_, name, extra = _LOCAL.unpack_from(data, place)
        except struct.error:
            raise Unscannable("ends within a file", "zip") from None
        if magic != b"PK\x03\x04":
            raise Unscannable("a file in it does not begin where the directory says", "zip")
        written = data[place + _LOCAL.size : place + _LOCAL.size + name]
        if written != info.orig_filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437", "replace"):
            raise Hostile("a file in it has two names", "zip")
        place += _LOCAL.size + name + extra + info.compress_size
        if flags & _DESCRIBED:
            place += _descriptor(data, place, info)
    if place != archive.start_dir:
        raise Hostile("holds bytes that belong to no file in it", "zip")
    end = data.rfind(_END)
    if end < 0 or end + 22 + int.from_bytes(data[end + 20 : end + 22], "little") != len(data):
        raise Hostile("holds bytes behind its end", "zip")


def _descriptor(data: bytes, place: int, info: zipfile.ZipInfo) -> int:
    """How long what describes a file behind its bytes is. Source: PKWARE APPNOTE 4.3.9."""
    crc = info.CRC.to_bytes(4, "little")
    for begin, size in ((b"PK\x07\x08", 16), (b"PK\x07\x08", 24), (b"", 12), (b"", 20)):
        if data[place : place + len(begin) + 4] == begin + crc:
            width = (size - len(begin) - 4) // 2
            packed = int.from_bytes(data[place + len(begin) + 4 : place + len(begin) + 4 + width], "little")
            whole = int.from_bytes(data[place + size - width : place + size], "little")
            if (packed, whole) == (info.compress_size, info.file_size):
                return size
    raise Unscannable("a file in it is not described as the directory says", "zip")
