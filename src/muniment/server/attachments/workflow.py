"""What an attachment may be: rules without a database."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from muniment.core.errors import Malformed
from muniment.core.identifiers import check_control

KINDS: Final = {
    "penetration-test": "Penetration-test summary",
    "management-response": "Management response",
    "policy": "Policy",
    "certificate": "Certificate",
    "screenshot": "Screenshot",
    "other": "Other",
}
MAX_NAME: Final = 200
MAX_NOTE: Final = 4_000
MAX_CONTROLS: Final = 64
MAX_BYTES: Final = 64 << 20
HEAD_BYTES: Final = 64
"""How many of the first bytes say what a file is."""

_ZIP: Final = (b"PK\x03\x04",)
_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
_OPEN: Final = "application/vnd.oasis.opendocument"
# Ending of the name -> media type, and how such a file may begin (at offset 0). Source: WHATWG MIME Sniffing §6, for
# the pictures and PDF; PKWARE APPNOTE 4.3.7 for what is a zip archive inside.
_BINARY: Final[dict[str, tuple[str, tuple[bytes, ...]]]] = {
    "pdf": ("application/pdf", (b"%PDF-",)),
    "png": ("image/png", (b"\x89PNG\r\n\x1a\n",)),
    "jpg": ("image/jpeg", (b"\xff\xd8\xff",)),
    "jpeg": ("image/jpeg", (b"\xff\xd8\xff",)),
    "gif": ("image/gif", (b"GIF87a", b"GIF89a")),
    "webp": ("image/webp", (b"RIFF",)),
    "zip": ("application/zip", _ZIP),
    "docx": (f"{_OFFICE}.wordprocessingml.document", _ZIP),
    "xlsx": (f"{_OFFICE}.spreadsheetml.sheet", _ZIP),
    "pptx": (f"{_OFFICE}.presentationml.presentation", _ZIP),
    "odt": (f"{_OPEN}.text", _ZIP),
    "ods": (f"{_OPEN}.spreadsheet", _ZIP),
    "odp": (f"{_OPEN}.presentation", _ZIP),
}
_TEXT: Final = {
    "txt": "text/plain",
    "log": "text/plain",
    "pem": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "json": "application/json",
}
ENDINGS: Final = (*_BINARY, *_TEXT)


@dataclass(frozen=True, slots=True)
class NewAttachment:
    """What somebody says of a file that they attach.

    Attributes:
        name: of the file, with an ending out of `ENDINGS`.
        kind: one of `KINDS`.
        controls: ids that it evidences, of frameworks or the tenant's own (`own:…`).
        period_from, period_to: the first and the last day that it covers; None for no bound.
        note: at most 4,000 characters.
        replaces: id of the attachment whose next version it is; "" for a new one.
    """

    name: str
    kind: str
    controls: tuple[str, ...] = ()
    period_from: date | None = None
    period_to: date | None = None
    note: str = ""
    replaces: str = ""

    def __post_init__(self) -> None:
        checked_name(self.name)
        if self.kind not in KINDS:
            raise Malformed(f"is one of {', '.join(KINDS)}", "kind")
        if len(self.controls) > MAX_CONTROLS:
            raise Malformed(f"are at most {MAX_CONTROLS}", "controls")
        for control in self.controls:
            check_control(control, "controls")
        if list(self.controls) != sorted(set(self.controls)):
            raise Malformed("are sorted and each named once", "controls")
        if self.period_from and self.period_to and self.period_from > self.period_to:
            raise Malformed("is before the period begins", "to")
        checked_words(self.note, "note")


def sorted_controls(given: Sequence[str]) -> tuple[str, ...]:
    """Control ids as an attachment keeps them, whatever the order in which they were given."""
    return tuple(sorted({one.strip() for one in given if one.strip()}))


def checked_name(name: str) -> str:
    """The name of a file that is kept.

    Raises:
        Malformed: for a path, something that does not print, or an ending that is not kept.
    """
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable() or name != name.strip():
        raise Malformed(f"has 1 to {MAX_NAME} printable characters and no blanks around them", "name")
    if set(name) & set('/\\:*?"<>|') or name.startswith("."):
        raise Malformed("is a file's name: no path, none of / \\ : * ? \" < > | and no dot first", "name")
    if _ending(name) not in ENDINGS:
        raise Malformed(f"ends in one of {', '.join('.' + one for one in ENDINGS)}", "name")
    return name


def checked_words(text: str, field: str, *, least: int = 0) -> str:
    """What somebody writes in several lines, without blanks around it.

    Raises:
        Malformed: naming the field.
    """
    text = text.strip()
    if not least <= len(text) <= MAX_NOTE:
        wanted = f"has {least:,} to {MAX_NOTE:,} characters" if least else f"has at most {MAX_NOTE:,} characters"
        raise Malformed(wanted, field)
    if any(ord(letter) < 32 and letter not in "\n\r\t" for letter in text):
        raise Malformed("holds a control character", field)
    return text


class Sniffer:
    """Judges whether a file's bytes are what its name says, while they come in.

    Args:
        name: one that `checked_name` gave back.

    It looks at how the file begins, and of texts at every byte; it does not prove that the rest of a PDF or an
    archive is well-formed.
    """

    __slots__ = ("_decoder", "_ending", "_head")

    def __init__(self, name: str) -> None:
        self._ending = _ending(name)
        self._head = b""
        self._decoder = codecs.getincrementaldecoder("utf-8")() if self._ending in _TEXT else None

    @property
    def media_type(self) -> str:
        """What the name says."""
        return _TEXT[self._ending] if self._ending in _TEXT else _BINARY[self._ending][0]

    def take(self, piece: bytes) -> None:
        """The next bytes of the file.

        Raises:
            Malformed: for a text that is none.
        """
        if len(self._head) < HEAD_BYTES:
            self._head += piece[: HEAD_BYTES - len(self._head)]
        if self._decoder is not None:
            self._text(piece)

    def finish(self) -> str:
        """The media type, once all bytes were taken.

        Raises:
            Malformed: if the first bytes are not what the name says.
        """
        if self._decoder is not None:
            self._text(b"", final=True)
            return self.media_type
        starts = _BINARY[self._ending][1]
        fits = any(self._head.startswith(one) for one in starts)
        if fits and self._ending == "webp":
            fits = self._head[8:12] == b"WEBP"
        if not fits:
            raise Malformed(f"the name ends in .{self._ending}, and the file does not begin like one", "file")
        return self.media_type

    def _text(self, piece: bytes, *, final: bool = False) -> None:
        if self._decoder is None:
            return
        try:
            found = self._decoder.decode(piece, final)
        except UnicodeDecodeError:
            raise Malformed(f"the name ends in .{self._ending}, and the file is not UTF-8 text", "file") from None
        if "\0" in found:
            raise Malformed(f"the name ends in .{self._ending}, and the file holds a NUL", "file")


def _ending(name: str) -> str:
    return name.rpartition(".")[2].lower() if "." in name else ""
