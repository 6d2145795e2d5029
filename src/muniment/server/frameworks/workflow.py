"""What may be brought in, and how it is read: rules without a database."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from muniment.catalogs.catalogfile import FORMAT, PREFIX, format_catalog, parse_catalog
from muniment.catalogs.framework import Catalog, LicenceClass
from muniment.catalogs.imported import check_replacement
from muniment.catalogs.jsonplaces import MalformedCatalog
from muniment.catalogs.known import is_shipped
from muniment.catalogs.oscal import read_oscal
from muniment.catalogs.tables import NUMBERINGS, Numbering, Origin, catalog_from_table, overlay
from muniment.core.errors import Malformed
from muniment.server.moments import read_moment

MAX_FILE: Final = 16 << 20
"""Bytes of a file that is brought in, unpacked."""
MAX_NAME: Final = 200
MAX_WORDS: Final = 1_000
TAKEN: Final = {"own": "the prefix of controls that are defined here", "import": "a page's", "mapping": "a page's"}
"""Ids that no catalog may take, and whose they are."""
_GZIP: Final = 31


@dataclass(frozen=True, slots=True)
class Order:
    """What to make of a file; the meanings are those of `muniment catalog import`.

    Attributes:
        over: id of the catalog over which labels and text are laid; "" for a catalog of its own.
        id: the prefix of its control ids.
        licence_class: A, B or C.
    """

    over: str = ""
    id: str = ""
    title: str = ""
    edition: str = ""
    publisher: str = ""
    source: str = ""
    licence_class: str = "C"
    attribution: str = ""
    numbering: str = "as-given"

    def __post_init__(self) -> None:
        for name in ("over", "id", "title", "edition", "publisher", "source", "attribution"):
            value = getattr(self, name)
            if len(value) > MAX_WORDS or not value.isprintable():
                raise Malformed(f"has at most {MAX_WORDS:,} characters on one line", name)
        if self.over and self.id:
            raise Malformed("give either the catalog to lay text over, or an id for a catalog of its own", "id")
        if self.id and PREFIX.fullmatch(self.id) is None:
            raise Malformed("has 1 to 40 small letters, digits and hyphens, such as iso27001-2022", "id")
        if self.licence_class not in {one.value for one in LicenceClass}:
            raise Malformed("is A, B or C", "licence_class")
        if self.numbering not in NUMBERINGS:
            raise Malformed(f"is one of {', '.join(NUMBERINGS)}", "numbering")


@dataclass(frozen=True, slots=True)
class Made:
    """A catalog that was read from a file.

    Attributes:
        catalog: as it is to be kept.
        document: as a catalog file.
        form: `overlay`, `catalog`, `oscal` or `table`.
        texts: rows that have text.
        new_controls: control ids that no shipped catalog has.
    """

    catalog: Catalog
    document: bytes
    form: str
    texts: int
    new_controls: tuple[str, ...]


def unpacked(data: bytes) -> bytes:
    """A gzip file's content.

    Raises:
        Malformed: naming `file`, if it is none, is cut, or holds more than a file may.
    """
    reader = zlib.decompressobj(_GZIP)
    try:
        content = reader.decompress(data, MAX_FILE + 1)
    except zlib.error:
        raise Malformed("is not packed with gzip", "file") from None
    if len(content) > MAX_FILE:
        raise Malformed(f"unpacks to more than {MAX_FILE:,} bytes", "file")
    if not reader.eof or reader.unused_data:
        raise Malformed("is packed with gzip and does not end where it should", "file")
    return content


def read_catalog(data: bytes, name: str, order: Order, shipped_or_own: Catalog | None) -> Made:
    """Read a file as a catalog of the tenant's.

    Args:
        data: at most 16 MiB.
        name: of the file, as errors call it.
        order: what to make of it.
        shipped_or_own: the catalog that `order.over` names.

    Raises:
        Malformed: naming the field, or file and line.
    """
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise Malformed(f"has 1 to {MAX_NAME} characters on one line", "name")
    if not data:
        raise MalformedCatalog("is empty", name)
    if len(data) > MAX_FILE:
        raise MalformedCatalog(f"is larger than {MAX_FILE:,} bytes", name)
    made, form = _read(data, name, order, shipped_or_own)
    if made.id in TAKEN:
        raise Malformed(f"{made.id} is {TAKEN[made.id]}; choose another", "id")
    check_replacement(made)
    document = format_catalog(made)
    # What is kept is what will be read: not one that only its maker can read.
    kept = parse_catalog(document, name)
    texts = sum(bool(row.text) for row in kept.requirements)
    controls = (kept.control_id(row) for row in kept.requirements)
    return Made(kept, document, form, texts, tuple(sorted(one for one in controls if not is_shipped(one))))


def _read(data: bytes, name: str, order: Order, below: Catalog | None) -> tuple[Catalog, str]:
    if below is not None:
        return overlay(below, data, name), "overlay"
    beginning = data.lstrip()[:1]
    if beginning == b"{" and f'"{FORMAT}"'.encode() in data[:4096]:
        made = parse_catalog(data, name)
        if order.id not in ("", made.id):
            raise MalformedCatalog(f"is the catalog {made.id}, not {order.id}", name)
        return made, "catalog"
    if not order.id:
        raise Malformed("a catalog of its own needs an id, the prefix of its control ids", "id")
    licence_class = LicenceClass(order.licence_class)
    if beginning == b"{":
        made = read_oscal(data, order.id, name, licence_class=licence_class, attribution=order.attribution)
        return made, "oscal"
    if not order.title:
        raise Malformed("a table needs a title", "title")
    origin = Origin(
        order.id,
        order.title,
        order.edition or "not stated",
        order.publisher or "not stated",
        order.source or name,
        "as the importer states by its class",
        licence_class,
        order.attribution,
    )
    numbering: Numbering = next(one for one in NUMBERINGS if one == order.numbering)
    return catalog_from_table(data, name, origin, numbering), "table"


def read_period(since: str | None, until: str | None) -> tuple[datetime | None, datetime | None]:
    """A time: from the one, before the other; None and "" are open ends.

    Raises:
        Malformed: naming `from` or `to`.
    """
    begins = read_moment(since, "from") if since else None
    ends = read_moment(until, "to") if until else None
    if begins is not None and ends is not None and begins >= ends:
        raise Malformed("lies before the beginning", "to")
    return begins, ends
