"""PDF documents: the text of their pages, in every revision, and whatever else hangs on them."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator
from typing import Any, Final

from pypdf import PdfReader
from pypdf.errors import PyPdfError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, StreamObject

from muniment.dlp.limits import Budget, Hostile, Unscannable
from muniment.dlp.pictures import SMALLEST
from muniment.dlp.sniffing import printed

_END: Final = re.compile(rb"%%EOF[ \t]*(?:\r\n|\r|\n)?")
_REVISIONS: Final = 12
_DEPTH: Final = 24

logging.getLogger("pypdf").setLevel(logging.CRITICAL)


def document_parts(data: bytes, budget: Budget) -> Iterator[tuple[str, str, bytes]]:
    """What a PDF holds, as (what it is, where, bytes): `text`, `file` for what is attached, `picture`.

    A document can be changed by writing more behind it; what it said before stays in the file, and is read too.

    Raises:
        Hostile: for bytes behind its end.
        Unscannable: for what is encrypted with a password, or cannot be read.
    """
    ends = [match.end() for match in _END.finditer(data)]
    if not ends:
        raise Unscannable("is a PDF without an end", "pdf")
    if data[ends[-1] :].strip(b"\0\r\n \t"):
        raise Hostile("is a PDF with something else behind its end", "pdf")
    if b"/Linearized" in data[:1024] and len(ends) > 1:
        # Its first end belongs to the first page, and is no revision.
        ends = ends[1:]
    if len(ends) > _REVISIONS:
        raise Unscannable(f"is a PDF of more than {_REVISIONS} revisions", "pdf")
    seen: set[bytes] = set()
    for number, end in enumerate(reversed(ends)):
        where = "" if number == 0 else f"revision {len(ends) - number}, "
        for what, place, found in _revision(data[:end], budget):
            if found not in seen:
                seen.add(found)
                yield what, where + place, found


def _revision(data: bytes, budget: Budget) -> Iterator[tuple[str, str, bytes]]:
    try:
        reader = PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unscannable("is a PDF that needs a password", "pdf")
        if len(reader.pages) > budget.limits.pages:
            raise Unscannable(f"has more than {budget.limits.pages:,} pages", "pages")
        for number, page in enumerate(reader.pages, 1):
            budget.check_time()
            _check_fonts(page)
            text = page.extract_text().encode("utf-8", "replace")
            budget.expand(len(text))
            yield "text", f"page {number}", text
            for picture in page.images:
                if picture.image is None or min(picture.image.size) >= SMALLEST:
                    budget.expand(len(picture.data))
                    yield "picture", f"page {number}", picture.data
        known: set[int] = set()
        yield "text", "beside the pages", "\n".join(_strings(reader, budget, known)).encode("utf-8", "replace")
        for found in _unreached(reader, budget, known):
            yield "text", "in nothing that is shown", found
        for number, file in enumerate(_files(reader), 1):
            budget.member()
            budget.expand(len(file))
            yield "file", f"attached file {number}", file
    except (PyPdfError, ValueError, KeyError, TypeError, IndexError, AttributeError, NotImplementedError) as error:
        raise Unscannable(f"is a PDF that cannot be read: {type(error).__name__}", "pdf") from None
    except (RecursionError, AssertionError, OSError, ImportError, ArithmeticError) as error:
        raise Unscannable(f"is a PDF that cannot be read: {type(error).__name__}", "pdf") from None


def _check_fonts(page: Any) -> None:
    """Refuse a font whose glyphs do not say which characters they are: what is set in it could be anything."""
    resources = page.get("/Resources", DictionaryObject()).get_object()
    fonts = resources.get("/Font", DictionaryObject()).get_object()
    for font in fonts.values():
        made = font.get_object()
        if made.get("/Subtype") in ("/Type0", "/Type3") and "/ToUnicode" not in made:
            raise Unscannable("is set in a font that does not say which characters its glyphs are", "pdf")


def _strings(reader: PdfReader, budget: Budget, known: set[int]) -> Iterator[str]:
    """What stands in the document beside the text of its pages: fields, notes, links, titles, metadata, scripts."""
    left: list[tuple[Any, int]] = [(reader.trailer, 0)]
    while left:
        one, depth = left.pop()
        if isinstance(one, IndirectObject):
            if one.idnum in known:
                continue
            known.add(one.idnum)
            budget.check_time()
            one = one.get_object()
        if depth > _DEPTH * 8:
            raise Unscannable("is a PDF whose parts hang on each other too deeply", "pdf")
        if isinstance(one, StreamObject) and one.get("/Type") == "/Metadata":
            found = one.get_data()
            budget.expand(len(found))
            yield found.decode("utf-8", "replace")
        if isinstance(one, DictionaryObject):
            left += [(value, depth + 1) for value in one.values()]
        elif isinstance(one, ArrayObject):
            left += [(value, depth + 1) for value in one]
        elif isinstance(one, str) and not one.startswith("/"):
            yield one


def _unreached(reader: PdfReader, budget: Budget, known: set[int]) -> Iterator[bytes]:
    """What stands in clear in streams that nothing in the document leads to, once they are unpacked."""
    numbers = {(number, generation) for generation, found in reader.xref.items() for number in found}
    for number, generation in sorted(numbers):
        if number in known:
            continue
        budget.check_time()
        one = IndirectObject(number, generation, reader).get_object()
        if isinstance(one, StreamObject):
            found = one.get_data()
            budget.expand(len(found))
            yield printed(found)


def _files(reader: PdfReader) -> Iterator[bytes]:
    for found in reader.attachments.values():
        yield from found
