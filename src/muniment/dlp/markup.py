"""XML and HTML as text: what people would read, with what is split by tags joined again."""

from __future__ import annotations

import html
import re
from decimal import Decimal
from typing import Final
from xml.parsers import expat

from muniment.dlp.limits import Hostile, Unscannable

# Elements after which a reader sees a new line, and cells between which they see a gap, by their local names:
# WordprocessingML, SpreadsheetML, DrawingML, OpenDocument.
_LINES: Final = frozenset({"p", "h", "br", "row", "tr", "si", "table-row", "line-break", "list-item", "sheetData"})
_CELLS: Final = frozenset({"c", "tc", "tab", "table-cell", "v", "is", "s"})
_LEAST_ATTRIBUTE: Final = 8
_SCIENTIFIC: Final = re.compile(r"[0-9](?:\.[0-9]{1,18})?E\+?[0-9]{1,2}")
_TAG: Final = re.compile(rb"<[!/?a-zA-Z][^<>]{0,4096}>")
_UNQUOTED: Final = re.compile(rb"\\u[0-9a-fA-F]{4}")


def xml_text(data: bytes) -> bytes:
    """What an XML document says, its longer attributes behind it.

    Raises:
        Hostile: for a document type, which could define entities that grow.
        Unscannable: for what is no XML.
    """
    reading = _Reading()
    parser = expat.ParserCreate(namespace_separator="\n")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.parts.append
    parser.CommentHandler = reading.aside
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise Unscannable(f"is no well-formed XML: {expat.ErrorString(error.code)}", "xml") from None
    return "".join([*reading.parts, "\n", *reading.asides]).encode("utf-8", "replace")


def without_tags(text: bytes) -> bytes:
    """The text of something like HTML: tags taken out, references resolved. It need not be well-formed."""
    return html.unescape(_TAG.sub(b"", text).decode("utf-8", "replace")).encode("utf-8", "replace")


def looks_like_markup(text: bytes) -> bool:
    """Whether tags or references stand in a text."""
    return _TAG.search(text) is not None or b"&#" in text


def unescaped(text: bytes) -> bytes | None:
    r"""The text with `\u0034` as JSON writes characters resolved; None where there are none."""
    if _UNQUOTED.search(text) is None:
        return None
    return _UNQUOTED.sub(lambda match: chr(int(match[0][2:], 16)).encode("utf-8", "replace"), text)


class _Reading:
    __slots__ = ("_value", "asides", "parts")

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.asides: list[str] = []
        self._value = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition("\n")[2]
        if local in ("br", "line-break"):
            self.parts.append("\n")
        elif local in ("tab", "s"):
            self.parts.append(" ")
        self._value = len(self.parts)
        for value in attributes.values():
            if len(value) >= _LEAST_ATTRIBUTE and not value.startswith(("http://schemas.", "urn:oasis:")):
                self.aside(value)

    def end(self, name: str) -> None:
        local = name.rpartition("\n")[2]
        if local == "v":
            # A spreadsheet writes long numbers as 4.1111111111111E+15.
            value = "".join(self.parts[self._value :])
            if _SCIENTIFIC.fullmatch(value):
                self.parts.append(f" {int(Decimal(value))}")
        if local in _LINES:
            self.parts.append("\n")
        elif local in _CELLS:
            self.parts.append("\t|\t")

    def aside(self, text: str) -> None:
        self.asides += [text, "\n"]


def _refuse_doctype(*_: object) -> None:
    raise Hostile("holds a document type, which a document of this kind has no use for", "xml")
