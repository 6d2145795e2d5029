"""The catalog file: one framework as JSON, one requirement a line.

    {"format": "muniment-catalog/1", "id": "soc2", ..., "requirements": [
      {"id": "CC6", "kind": "group", "label": "Logical and physical access"},
      {"id": "CC6.1", "label": "Access restricted by software, infrastructure, architecture", "parent": "CC6"}
    ]}

A file that is shipped holds identifiers and labels; `text` comes with a tenant's own import only.
"""

import json
import re
from collections import Counter
from typing import Any, Final, NoReturn, TypeGuard

from muniment.catalogs.framework import KINDS, Catalog, Count, LicenceClass, Requirement, RequirementSet, is_kind
from muniment.catalogs.jsonplaces import MalformedCatalog, place, read_json
from muniment.core.errors import Malformed
from muniment.core.identifiers import check_control, check_text

FORMAT: Final = "muniment-catalog/1"
MAX_BYTES: Final = 64 << 20
MAX_LABEL: Final = 200
MAX_TEXT: Final = 65_536

PREFIX: Final = re.compile(r"(?=.{1,40}\Z)[a-z0-9]+(?:-[a-z0-9]+)*")
_SET: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_REQUIRED: Final = (
    "format",
    "id",
    "title",
    "version",
    "publisher",
    "source",
    "checked_against",
    "licence",
    "licence_class",
    "count",
    "requirements",
)
_OPTIONAL: Final = ("attribution", "superseded_by", "note", "sets")
_ROW: Final = ("id", "kind", "label", "parent", "sets", "published_as", "text")


def parse_catalog(data: bytes, name: str = "catalog") -> Catalog:
    """Read a catalog file and check everything that can be checked without another file.

    Checked: keys and types; that every control id has the grammar that entries use; that ids are unique and parents
    stand before their children; that each row has a label, or one above it has; and that there are as many
    requirements, in all and in each set, as the file says its source states.

    Args:
        data: at most 64 MiB.
        name: what to call the file in errors.

    Raises:
        MalformedCatalog: naming file, line and place.
    """
    text, value = read_json(data, name, MAX_BYTES)
    return _Reader(text, name).catalog(value)


class _Reader:
    def __init__(self, text: str, name: str) -> None:
        self.text = text
        self.name = name

    def refuse(self, reason: str, *path: str | int) -> NoReturn:
        raise MalformedCatalog(reason, place(self.text, self.name, path))

    def catalog(self, value: dict[str, Any]) -> Catalog:
        self.keys(value, _REQUIRED, _OPTIONAL)
        if value["format"] != FORMAT:
            self.refuse(f"must be {FORMAT}", "format")
        prefix = self.line(value, "id")
        if PREFIX.fullmatch(prefix) is None:
            self.refuse("is not a prefix of control ids; an example is iso27001-2022", "id")
        try:
            licence_class = LicenceClass(value["licence_class"])
        except ValueError:
            self.refuse("must be A (free text), B (attribution) or C (licensed)", "licence_class")
        attribution = self.line(value, "attribution", optional=True)
        if (licence_class is LicenceClass.ATTRIBUTED) != bool(attribution):
            self.refuse("class B names an attribution, the others none", "attribution")
        sets = self.sets(value)
        rows = self.rows(value, prefix, {one.id for one in sets})
        count = self.count(value["count"], "count")
        self.hold(count.number, sum(row.kind == "requirement" for row in rows), count.what, "count", "number")
        members = Counter(name for row in rows if row.kind == "requirement" for name in row.sets)
        for at, one in enumerate(sets):
            self.hold(one.number, members[one.id], f"requirements in {one.id}", "sets", at, "number")
        return Catalog(
            id=prefix,
            title=self.line(value, "title"),
            version=self.line(value, "version"),
            publisher=self.line(value, "publisher"),
            source=self.line(value, "source"),
            checked_against=self.line(value, "checked_against"),
            licence=self.line(value, "licence"),
            licence_class=licence_class,
            count=count,
            requirements=rows,
            attribution=attribution,
            superseded_by=self.line(value, "superseded_by", optional=True),
            note=self.line(value, "note", optional=True),
            sets=sets,
        )

    def keys(
        self, value: dict[str, Any], required: tuple[str, ...], optional: tuple[str, ...], *path: str | int
    ) -> None:
        for key in value:
            if key not in required and key not in optional:
                self.refuse(f"unknown key {key!r}; known are {', '.join((*required, *optional))}", *path, key)
        for key in required:
            if key not in value:
                self.refuse(f"the key {key!r} is missing", *path)

    def line(
        self, value: dict[str, Any], key: str, *path: str | int, maximum: int = 2000, optional: bool = False
    ) -> str:
        if optional and key not in value:
            return ""
        try:
            return check_text(value[key], maximum)
        except Malformed as error:
            self.refuse(error.reason, *path, key)

    def list_of(self, value: object, *path: str | int) -> list[Any]:
        if not _is_list(value):
            self.refuse("must be an array", *path)
        return value

    def object_of(self, value: object, *path: str | int) -> dict[str, Any]:
        if not isinstance(value, dict):
            self.refuse("must be an object", *path)
        return value

    def number(self, value: object, *path: str | int) -> int:
        if type(value) is not int or value < 0:
            self.refuse("must be a number, 0 or more", *path)
        return value

    def hold(self, stated: int, held: int, what: str, *path: str | int) -> None:
        if stated != held:
            self.refuse(f"the file says {stated} {what} and holds {held}", *path)

    def count(self, value: object, *path: str | int) -> Count:
        row = self.object_of(value, *path)
        self.keys(row, ("number", "what", "source"), (), *path)
        return Count(
            self.number(row["number"], *path, "number"),
            self.line(row, "what", *path),
            self.line(row, "source", *path),
        )

    def sets(self, value: dict[str, Any]) -> tuple[RequirementSet, ...]:
        made: dict[str, RequirementSet] = {}
        for at, one in enumerate(self.list_of(value.get("sets", []), "sets")):
            row = self.object_of(one, "sets", at)
            self.keys(row, ("id", "title", "number"), (), "sets", at)
            name = self.line(row, "id", "sets", at)
            if _SET.fullmatch(name) is None or name in made:
                self.refuse("must be a new name of small letters, digits and hyphens", "sets", at, "id")
            title = self.line(row, "title", "sets", at)
            made[name] = RequirementSet(name, title, self.number(row["number"], "sets", at, "number"))
        return tuple(made.values())

    def rows(self, value: dict[str, Any], prefix: str, sets: set[str]) -> tuple[Requirement, ...]:
        made: dict[str, Requirement] = {}
        labelled: set[str] = set()
        for at, one in enumerate(self.list_of(value["requirements"], "requirements")):
            row = self.row(self.object_of(one, "requirements", at), prefix, sets, at)
            if row.id in made:
                self.refuse(f"{row.id} occurs twice", "requirements", at, "id")
            if row.parent and row.parent not in made:
                self.refuse(f"{row.parent} does not stand above {row.id}", "requirements", at, "parent")
            if row.label or row.parent in labelled:
                labelled.add(row.id)
            else:
                self.refuse(f"{row.id} has no label, nor has a row above it", "requirements", at)
            made[row.id] = row
        if not made:
            self.refuse("a catalog has at least one requirement", "requirements")
        return tuple(made.values())

    def row(self, value: dict[str, Any], prefix: str, sets: set[str], at: int) -> Requirement:
        path = ("requirements", at)
        self.keys(value, ("id",), _ROW, *path)
        row_id = self.line(value, "id", *path)
        try:
            check_control(f"{prefix}:{row_id}")
        except Malformed as error:
            self.refuse(f"{prefix}:{row_id} {error.reason}", *path, "id")
        kind = value.get("kind", "requirement")
        if not is_kind(kind):
            self.refuse(f"must be one of {', '.join(KINDS)}", *path, "kind")
        names = self.list_of(value.get("sets", []), *path, "sets")
        for position, name in enumerate(names):
            if name not in sets:
                self.refuse(f"{name!r} is not one of the catalog's sets", *path, "sets", position)
        if len(set(names)) != len(names):
            self.refuse("names a set twice", *path, "sets")
        text = value.get("text", "")
        if not isinstance(text, str) or len(text.encode("utf-8", "surrogatepass")) > MAX_TEXT:
            self.refuse(f"must be a string of at most {MAX_TEXT:,} bytes", *path, "text")
        return Requirement(
            id=row_id,
            kind=kind,
            label=self.line(value, "label", *path, maximum=MAX_LABEL, optional=True),
            parent=self.line(value, "parent", *path, optional=True),
            sets=tuple(names),
            published_as=self.line(value, "published_as", *path, maximum=MAX_LABEL, optional=True),
            text=text,
        )


def format_catalog(catalog: Catalog) -> bytes:
    """Write a catalog as its file: header first, then one requirement a line. `parse_catalog` reads it back."""
    head: dict[str, Any] = {
        "format": FORMAT,
        "id": catalog.id,
        "title": catalog.title,
        "version": catalog.version,
        "publisher": catalog.publisher,
        "source": catalog.source,
        "checked_against": catalog.checked_against,
        "licence": catalog.licence,
        "licence_class": catalog.licence_class.value,
    }
    for key in ("attribution", "superseded_by", "note"):
        if written := getattr(catalog, key):
            head[key] = written
    head["count"] = {"number": catalog.count.number, "what": catalog.count.what, "source": catalog.count.source}
    if catalog.sets:
        head["sets"] = [{"id": one.id, "title": one.title, "number": one.number} for one in catalog.sets]
    lines = [f"  {_json(key)}: {_json(written)},\n" for key, written in head.items()]
    rows = ",\n".join(f"    {_json(_row(row))}" for row in catalog.requirements)
    return f'{{\n{"".join(lines)}  "requirements": [\n{rows}\n  ]\n}}\n'.encode()


def _row(row: Requirement) -> dict[str, Any]:
    written: dict[str, Any] = {"id": row.id}
    if row.kind != "requirement":
        written["kind"] = row.kind
    for key in ("label", "parent", "published_as", "text"):
        if value := getattr(row, key):
            written[key] = value
    if row.sets:
        written["sets"] = list(row.sets)
    return written


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)
