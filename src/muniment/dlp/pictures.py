"""Pictures: where they end, how large they are, and what an OCR engine reads in them."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from typing import Final

from muniment.dlp.limits import Budget, Hostile, Unscannable

ENGINE: Final = "tesseract"
SMALLEST: Final = 24
"""Pixels of height or width below which nobody could read anything."""
_PNG_CHUNK: Final = struct.Struct(">I4s")
_SIZES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_MOST_READ: Final = 8 << 20


def engine() -> str | None:
    """Where the OCR engine is; None if there is none."""
    return shutil.which(ENGINE)


def check_picture(data: bytes, kind: str) -> tuple[int, int]:
    """Width and height of a picture that ends where its format says; (0, 0) for a format that does not tell.

    Raises:
        Hostile: for bytes behind its end, which could be another file.
        Unscannable: for one that is broken.
    """
    try:
        if kind == "png":
            return _png(data)
        if kind == "jpeg":
            return _jpeg(data)
        if kind == "gif":
            return _gif(data)
        if kind == "webp":
            return _webp(data)
    except (struct.error, IndexError):
        raise Unscannable("is a picture that is cut off", "picture") from None
    return 0, 0


def read_picture(data: bytes, kind: str, budget: Budget) -> bytes | None:
    """The text that the OCR engine reads in a picture; None if there is no engine.

    Args:
        data: of a kind for which `check_picture` told a size.
        kind: of the picture.
        budget: what is left.

    Raises:
        Unscannable: for a picture that is too large, or that the engine does not read.
    """
    width, height = check_picture(data, kind)
    path = engine()
    if path is None:
        return None
    if width * height > budget.limits.pixels:
        raise Unscannable(f"is a picture of more than {budget.limits.pixels:,} pixels", "picture")
    budget.check_time()
    try:
        ran = subprocess.run(
            [path, "stdin", "stdout"],
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=budget.limits.seconds,
            env={"PATH": os.environ.get("PATH", ""), "OMP_THREAD_LIMIT": "1"} | _data_folder(),
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError):
        raise Unscannable("the OCR engine did not read a picture in time", "picture") from None
    if ran.returncode != 0:
        raise Unscannable("the OCR engine cannot read a picture", "picture")
    return ran.stdout[:_MOST_READ]


def _data_folder() -> dict[str, str]:
    folder = os.environ.get("TESSDATA_PREFIX")
    return {} if folder is None else {"TESSDATA_PREFIX": folder}


def _png(data: bytes) -> tuple[int, int]:
    """Source: W3C PNG §5.3: chunks of length, type, bytes and CRC; the last is IEND."""
    width, height = struct.unpack_from(">II", data, 16)
    place = 8
    while True:
        length, name = _PNG_CHUNK.unpack_from(data, place)
        place += 12 + length
        if name == b"IEND":
            break
        if place > len(data):
            raise Unscannable("is a picture that is cut off", "picture")
    _check_end(data, place)
    return width, height


def _jpeg(data: bytes) -> tuple[int, int]:
    """Source: ITU-T T.81 B.1: segments of a marker and a length; scans end at the next marker that is none of RST."""
    width = height = 0
    place = 2
    while True:
        while data[place] == 0xFF and data[place + 1] == 0xFF:
            place += 1
        if data[place] != 0xFF:
            raise Unscannable("is a picture whose segments do not follow on each other", "picture")
        marker = data[place + 1]
        if marker == 0xD9:
            break
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:
            place += 2
            continue
        (length,) = struct.unpack_from(">H", data, place + 2)
        if marker in _SIZES:
            height, width = struct.unpack_from(">HH", data, place + 5)
        place += 2 + length
        if marker == 0xDA:
            place = _after_scan(data, place)
    _check_end(data, place + 2)
    return width, height


def _after_scan(data: bytes, place: int) -> int:
    while True:
        place = data.find(b"\xff", place)
        if place < 0:
            raise Unscannable("is a picture that is cut off", "picture")
        following = data[place + 1]
        if following != 0 and not 0xD0 <= following <= 0xD7 and following != 0xFF:
            return place
        place += 2 if following != 0xFF else 1


def _gif(data: bytes) -> tuple[int, int]:
    """Source: GIF89a specification §17–27: blocks, each of sub-blocks that end with an empty one; the last is 0x3B."""
    width, height, packed = struct.unpack_from("<HHB", data, 6)
    place = 13 + (3 << ((packed & 7) + 1) if packed & 0x80 else 0)
    while data[place] != 0x3B:
        if data[place] == 0x21:
            place = _sub_blocks(data, place + 2)
        elif data[place] == 0x2C:
            own = data[place + 9]
            place = _sub_blocks(data, place + 11 + (3 << ((own & 7) + 1) if own & 0x80 else 0))
        else:
            raise Unscannable("is a picture whose blocks do not follow on each other", "picture")
    _check_end(data, place + 1)
    return width, height


def _sub_blocks(data: bytes, place: int) -> int:
    while data[place]:
        place += 1 + data[place]
    return place + 1


def _webp(data: bytes) -> tuple[int, int]:
    """Source: WebP container specification: RIFF's size is of all that follows it."""
    (size,) = struct.unpack_from("<I", data, 4)
    _check_end(data, 8 + size + size % 2)
    name = data[12:16]
    if name == b"VP8X":
        width = int.from_bytes(data[24:27], "little") + 1
        return width, int.from_bytes(data[27:30], "little") + 1
    if name == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


def _check_end(data: bytes, end: int) -> None:
    if end > len(data):
        raise Unscannable("is a picture that is cut off", "picture")
    if data[end:].strip(b"\0\r\n \t"):
        raise Hostile("is a picture with something else behind its end", "picture")
