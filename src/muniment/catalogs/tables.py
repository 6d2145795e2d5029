"""Tables in CSV: a tenant's own text over a catalog of ours, or a catalog of its own.

The first line names the columns: `id` and at least one of `label` and `text`; `parent`, `kind` and `sets` (names with
spaces between them) where a catalog is made. An id may carry the catalog's prefix.

Tables of EU and US federal law are read by their numbering: `Article 32(1)(b)` becomes `32.1.b`,
`§ 164.312(a)(2)(iv)` becomes `164.312(a)(2)(iv)`, and a provision stands below the nearest one that its number begins
with.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from muniment.catalogs.catalogfile import MAX_BYTES, MAX_LABEL, MAX_TEXT, format_catalog, parse_catalog
from muniment.catalogs.framework import KINDS, Catalog, Count, LicenceClass, Requirement, RequirementSet, is_kind
from muniment.catalogs.jsonplaces import MalformedCatalog
from muniment.core.errors import Malformed
from muniment.core.identifiers import check_control, check_text

Numbering: TypeAlias = Literal["as-given", "eu-law", "us-law"]
NUMBERINGS: Final = ("as-given", "eu-law", "us-law")
COLUMNS: Final = ("id", "label", "text", "parent", "kind", "sets")

_ARTICLE: Final = re.compile(r"(?i)^(?:article|art\.?|annex)\s+")
_SECTION: Final = re.compile(r"(?i)^(?:§+|sec(?:tion|\.)?)\s*")
_IN_BRACKETS: Final = re.compile(r"\(([^()]+)\)")


@dataclass(frozen=True, slots=True)
class TableRow:
    """One line of a table; `line` counts from 1 and is where the row begins."""

    line: int
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Origin:
    """What a table cannot say of the catalog that is made from it; the meanings are those of `Catalog`."""

    id: str
    title: str
    version: str
    publisher: str
    source: str
    licence: str
    licence_class: LicenceClass = LicenceClass.LICENSED
    attribution: str = ""


def overlay(catalog: Catalog, data: bytes, name: str) -> Catalog:
    """A catalog with a tenant's own labels and text over ours; its identifiers, counts and class stay as they are.

    Args:
        catalog: what is shipped.
        data: a table, or a catalog file of the same id; at most 64 MiB.
        name: what to call the file in errors.

    Raises:
        MalformedCatalog: naming file and line; also for an id that the catalog does not have, or has twice.
    """
    given: dict[str, tuple[str, str]] = {}
    if data.lstrip()[:1] == b"{":
        own = parse_catalog(data, name)
        if own.id != catalog.id:
            raise MalformedCatalog(f"is {own.id}, not {catalog.id}", name)
        for row in own.requirements:
            if row.id not in catalog.rows:
                raise MalformedCatalog(f"{catalog.id} has no {row.id!r}", name)
            given[row.id] = (row.label, row.text)
    else:
        for line in read_table(data, name):
            where = f"{name}, line {line.line}"
            row_id = line.values["id"].removeprefix(f"{catalog.id}:")
            if row_id not in catalog.rows:
                raise MalformedCatalog(f"{catalog.id} has no {row_id!r}", where)
            if row_id in given:
                raise MalformedCatalog(f"{row_id} occurs twice", where)
            given[row_id] = (line.values.get("label", ""), line.values.get("text", ""))
    rows = tuple(
        replace(row, label=given[row.id][0] or row.label, text=given[row.id][1] or row.text) if row.id in given else row
        for row in catalog.requirements
    )
    return replace(catalog, requirements=rows)


def catalog_from_table(data: bytes, name: str, origin: Origin, numbering: Numbering = "as-given") -> Catalog:
    """Make a catalog of a table.

    Args:
        data: CSV in UTF-8, at most 64 MiB.
        name: what to call the file in errors.
        origin: id, title, source and class of the catalog.
        numbering: how ids are written and what stands below what; `eu-law` and `us-law` need no column `parent`.

    Raises:
        MalformedCatalog: naming file and line.
    """
    rows: dict[str, Requirement] = {}
    sets: dict[str, int] = {}
    for line in read_table(data, name):
        where = f"{name}, line {line.line}"
        row_id = _number(line.values["id"].removeprefix(f"{origin.id}:"), numbering)
        try:
            check_control(f"{origin.id}:{row_id}")
        except Malformed as error:
            raise MalformedCatalog(f"{origin.id}:{row_id} {error.reason}", where) from None
        if row_id in rows:
            raise MalformedCatalog(f"{row_id} occurs twice", where)
        parent = line.values.get("parent", "").removeprefix(f"{origin.id}:")
        parent = (
            _number(parent, numbering) if parent else next((up for up in _above(row_id, numbering) if up in rows), "")
        )
        if parent and parent not in rows:
            raise MalformedCatalog(f"{parent} does not stand above {row_id}", where)
        kind = line.values.get("kind", "") or "requirement"
        if not is_kind(kind):
            raise MalformedCatalog(f"{kind!r} is not one of {', '.join(KINDS)}", where)
        names = tuple(dict.fromkeys(line.values.get("sets", "").split()))
        label = line.values.get("label", "")
        if not label and not (parent and _labelled(rows, parent)):
            label = row_id
        rows[row_id] = Requirement(
            row_id,
            kind,
            label,
            parent,
            names,
            text=line.values.get("text", ""),
        )
        for one in names:
            sets[one] = sets.get(one, 0) + (kind == "requirement")
    if not rows:
        raise MalformedCatalog("holds no rows", name)
    made = Catalog(
        id=origin.id,
        title=origin.title,
        version=origin.version,
        publisher=origin.publisher,
        source=origin.source,
        checked_against="the imported table itself",
        licence=origin.licence,
        licence_class=origin.licence_class,
        count=Count(sum(row.kind == "requirement" for row in rows.values()), "rows", "the imported table"),
        requirements=tuple(rows.values()),
        attribution=origin.attribution,
        sets=tuple(RequirementSet(one, one, number) for one, number in sets.items()),
    )
    return parse_catalog(format_catalog(made), name)


def read_table(data: bytes, name: str) -> Iterator[TableRow]:
    """Read a CSV table row by row.

    Raises:
        MalformedCatalog: naming file and line.
    """
    if len(data) > MAX_BYTES:
        raise MalformedCatalog(f"{len(data):,} bytes, at most {MAX_BYTES:,} are read", name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise MalformedCatalog(f"not UTF-8 at byte {error.start}", f"{name}, line {line}") from None
    head = text.split("\n", 1)[0]
    delimiter = next((sign for sign in "\t;" if sign in head), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        columns = [one.strip().lower() for one in next(reader, [])]
        if "id" not in columns or not {"label", "text"} & set(columns):
            raise MalformedCatalog("the first line names the columns: id, and label or text", f"{name}, line 1")
        for column in columns:
            if column not in COLUMNS or columns.count(column) > 1:
                raise MalformedCatalog(
                    f"{column!r} is not a column once; known are {', '.join(COLUMNS)}", f"{name}, line 1"
                )
        begins = reader.line_num + 1
        for values in reader:
            if any(value.strip() for value in values):
                yield _row(values, columns, f"{name}, line {begins}", begins)
            begins = reader.line_num + 1
    except csv.Error as error:
        raise MalformedCatalog(f"not CSV: {error}", f"{name}, line {reader.line_num}") from None


def _row(values: list[str], columns: list[str], where: str, line: int) -> TableRow:
    if len(values) != len(columns):
        raise MalformedCatalog(f"{len(values)} values, the first line names {len(columns)} columns", where)
    row = {column: value.strip() for column, value in zip(columns, values, strict=True)}
    if not row["id"]:
        raise MalformedCatalog("the id is empty", where)
    for column, value in row.items():
        if column == "text":
            if len(value.encode()) > MAX_TEXT:
                raise MalformedCatalog(f"text of more than {MAX_TEXT:,} bytes", where)
        elif value:
            try:
                check_text(value, MAX_LABEL)
            except Malformed as error:
                raise MalformedCatalog(f"{column} {error.reason}", where) from None
    return TableRow(line, row)


def _number(given: str, numbering: Numbering) -> str:
    """The identifier of a provision as it is written in a law.

    >>> _number("Article 32(1)(b)", "eu-law"), _number("§ 164.312(a)(2)(iv)", "us-law")
    ('32.1.b', '164.312(a)(2)(iv)')
    """
    if numbering == "eu-law":
        return _IN_BRACKETS.sub(r".\1", _ARTICLE.sub("", given)).replace(" ", "").rstrip(".")
    return _SECTION.sub("", given).replace(" ", "") if numbering == "us-law" else given


def _above(row_id: str, numbering: Numbering) -> Iterator[str]:
    """The numbers that a provision may stand below, the nearest first."""
    if numbering == "as-given":
        return
    left = row_id
    while True:
        cut = max(left.rfind("."), left.rfind("(")) if numbering == "us-law" else left.rfind(".")
        if cut <= 0:
            return
        left = left[:cut]
        yield left


def _labelled(rows: Mapping[str, Requirement], row_id: str) -> bool:
    while row_id:
        if rows[row_id].label:
            return True
        row_id = rows[row_id].parent
    return False
