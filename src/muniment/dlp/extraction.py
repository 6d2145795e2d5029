"""What a file says, in parts: texts, and pictures that nobody could read. Whatever it is called, its bytes decide.

A part's place says where it stands by number, never by name: a name in an archive may be somebody's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from muniment.dlp.archives import members
from muniment.dlp.documents import document_parts
from muniment.dlp.limits import Budget, Unscannable
from muniment.dlp.markup import looks_like_markup, unescaped, without_tags, xml_text
from muniment.dlp.pictures import SMALLEST, check_picture, read_picture
from muniment.dlp.sniffing import PICTURES, kind_of, printed, text_of

_OFFICE: Final = frozenset({"[Content_Types].xml", "mimetype"})
_THUMBNAIL: Final = 256
"""Pixels up to which the picture of a document's first page, that office programs keep, is not read."""
_THUMBNAILS: Final = ("docProps/thumbnail", "Thumbnails/thumbnail")
# Parts of office documents that hold no text of their own; what stands in them in clear is searched all the same.
_BINARY: Final = re.compile(r".*(?:/printerSettings/[^/]+\.bin|/fonts/[^/]+\.(?:fntdata|odttf)|\.ttf|\.otf)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Part:
    """Something that a file says.

    Attributes:
        place: such as `file 3, page 2`; "" for the file itself.
        text: UTF-8; None for a picture that no OCR engine read.
    """

    place: str
    text: bytes | None


def parts_of(data: bytes, budget: Budget, *, place: str = "", depth: int = 0) -> Iterator[Part]:
    """Everything that a file says.

    Args:
        data: the file.
        budget: what is left of the limits.
        place: of the file within another one.
        depth: archives that it is within.

    Raises:
        Unscannable: for anything that is not known to have been read to its end; `Hostile` for what is built to be
            misread.
    """
    kind = kind_of(data)
    if kind == "text":
        yield from _text(text_of(data) or b"", place)
    elif kind == "pdf":
        for what, where, found in document_parts(data, budget):
            inner = _within(place, where)
            if what == "text":
                yield Part(inner, found)
            elif what == "picture":
                yield from _picture(found, kind_of(found), budget, inner)
            else:
                yield from parts_of(found, budget, place=inner, depth=_deeper(depth, budget))
    elif kind == "zip":
        yield from _archive(data, budget, place, _deeper(depth, budget))
    elif kind in PICTURES:
        yield from _picture(data, kind, budget, place)
    elif not data:
        return
    else:
        raise Unscannable(f"nothing here reads files of this kind ({kind})", place or "file")


def _archive(data: bytes, budget: Budget, place: str, depth: int) -> Iterator[Part]:
    office = False
    for number, (name, found) in enumerate(members(data, budget), 1):
        inner = _within(place, f"file {number}")
        yield Part(_within(place, "names of files"), name.encode("utf-8", "replace"))
        office = office or name in _OFFICE
        if office and name.endswith((".xml", ".rels", ".vml", ".rdf")):
            if found.strip():
                yield Part(inner, xml_text(found))
        elif office and (_BINARY.fullmatch(name) or (name.startswith(_THUMBNAILS) and _is_small(found))):
            yield Part(inner, printed(found))
        else:
            yield from parts_of(found, budget, place=inner, depth=depth)


def _text(text: bytes, place: str) -> Iterator[Part]:
    yield Part(place, text)
    if looks_like_markup(text):
        # What tags split is found here a second time at most.
        yield Part(_within(place, "without tags"), without_tags(text))
    if (plain := unescaped(text)) is not None:
        yield Part(_within(place, "without escapes"), plain)


def _picture(data: bytes, kind: str, budget: Budget, place: str) -> Iterator[Part]:
    width, height = check_picture(data, kind)
    # Comments and metadata stand in a picture's bytes in clear.
    yield Part(_within(place, "metadata"), printed(data))
    if 0 < min(width, height) < SMALLEST:
        return
    read = read_picture(data, kind, budget) if width else None
    yield Part(place, read)


def _is_small(data: bytes) -> bool:
    width, height = check_picture(data, kind_of(data))
    return 0 < max(width, height) <= _THUMBNAIL


def _deeper(depth: int, budget: Budget) -> int:
    if depth >= budget.limits.depth:
        raise Unscannable(f"holds archives within archives, more than {budget.limits.depth} deep", "depth")
    return depth + 1


def _within(place: str, inner: str) -> str:
    return f"{place}, {inner}" if place else inner
