"""Reading the document out of a report's PDF, with nothing but the standard library.

typst writes the attached file as one stream of its own, deflated if it is long. A PDF that holds it in
another way, or twice, is not one that this program drew.
"""

from __future__ import annotations

import re
import zlib
from hashlib import sha256
from typing import Final

from muniment.reports.blocks import MalformedReport
from muniment.reports.document import MAX_BYTES, Document, parse_document
from muniment.reports.rendering import MAX_PDF

MAGIC: Final = b"%PDF-"
# At the beginning of an object, where no text of a document can stand: none of what the PDF repeats has a line break.
_EMBEDDED: Final = re.compile(
    rb" 0 obj\n<</Length (?P<length>\d{1,9})/Type/EmbeddedFile(?P<deflated>/Filter/FlateDecode)?/Subtype"
    rb"[^\n]{1,200}>>\nstream\n"
)


def is_pdf(head: bytes) -> bool:
    """Whether a file that begins so is a PDF."""
    return head.startswith(MAGIC)


def digest(pdf: bytes) -> str:
    """SHA-256 of the PDF, 64 hex digits: what the entry `report.create` holds."""
    return sha256(pdf).hexdigest()


def read_document(pdf: bytes) -> Document:
    """The document inside a report's PDF.

    Args:
        pdf: at most 16 MiB.

    Raises:
        Malformed: if it is no such PDF, or the document breaks its format.
    """
    return parse_document(attached(pdf))


def attached(pdf: bytes) -> bytes:
    """The bytes of the attached document.

    Raises:
        MalformedReport: if there is not exactly one, or it cannot be inflated.
    """
    if len(pdf) > MAX_PDF:
        raise MalformedReport(f"has {len(pdf):,} bytes, at most {MAX_PDF:,} are read", "report")
    if not is_pdf(pdf):
        raise MalformedReport("is no PDF", "report")
    found = list(_EMBEDDED.finditer(pdf))
    if len(found) != 1:
        said = "holds no document of a report" if not found else f"holds {len(found)} attached files, a report has one"
        raise MalformedReport(said, "report")
    packed = pdf[found[0].end() : found[0].end() + int(found[0]["length"])]
    if found[0]["deflated"] is None:
        return packed
    inflating = zlib.decompressobj()
    try:
        data = inflating.decompress(packed, MAX_BYTES + 1)
    except zlib.error as error:
        raise MalformedReport(f"its attached file cannot be inflated: {error}", "report") from None
    if len(data) > MAX_BYTES or not inflating.eof or inflating.unused_data:
        raise MalformedReport("its attached file is too large, or cut off", "report")
    return data
