"""What a file is by its own bytes, whatever it is called."""

from __future__ import annotations

import re
from typing import Final

# How files begin, at offset 0. Source: WHATWG MIME Sniffing §6; PKWARE APPNOTE 4.3; [MS-CFB] 2.2 for "ole".
_MAGIC: Final = (
    (b"%PDF-", "pdf"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"BM", "bmp"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"MZ", "program"),
    (b"\x7fELF", "program"),
    (b"{\\rtf", "rtf"),
)
PICTURES: Final = frozenset({"png", "jpeg", "gif", "webp", "bmp", "tiff", "wmf", "emf"})
_PRINTED: Final = re.compile(rb"[\x20-\x7e\t\r\n]{6,}")
_WIDE: Final = re.compile(rb"(?:[\x20-\x7e\t\r\n]\0){6,}")
_SHOWN_CONTROLS: Final = frozenset(b"\t\n\r\f\x1b\x08")
_CONTROLS: Final = bytes(one for one in range(32) if one not in _SHOWN_CONTROLS)


def kind_of(data: bytes) -> str:
    """pdf, zip, a kind of picture, text, or what it is instead; "unknown" for bytes that are none of these.

    Args:
        data: the whole file.
    """
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[:4] == b"\xd7\xcd\xc6\x9a":
        return "wmf"
    if data[:4] == b"\x01\x00\x00\x00" and data[40:44] == b" EMF":
        return "emf"
    found = next((kind for magic, kind in _MAGIC if data.startswith(magic)), "")
    if found in ("bmp", "program") and text_of(data) is not None:
        found = ""
    if found:
        return found
    return "text" if text_of(data) is not None else "unknown"


def text_of(data: bytes) -> bytes | None:
    """The same text in UTF-8, without a byte order mark; None for what is no text.

    UTF-8 and UTF-16 are recognised; anything else without control characters is read as Windows-1252, in which digits
    and Latin letters stand as in ASCII.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16").encode("utf-8", "replace")
        except UnicodeDecodeError:
            return None
    if len(data.translate(None, _CONTROLS)) != len(data):
        return None
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace").encode()
    return data.removeprefix(b"\xef\xbb\xbf")


def printed(data: bytes) -> bytes:
    """What stands in bytes in clear, one byte or two a character."""
    wide = b"\n".join(one.replace(b"\0", b"") for one in _WIDE.findall(data))
    return b"\n".join([*_PRINTED.findall(data), wide])
