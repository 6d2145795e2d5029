"""Any OSCAL catalog in JSON, read as a catalog of ours.

Read are `groups`, `controls` at every depth, titles, the `label` property, the `statement` of a control with its
parameters named in brackets, and the status `withdrawn`. Links, back matter and assessment parts are not.
"""

import re
from collections.abc import Iterable
from typing import Any, Final, NoReturn
from uuid import UUID

from muniment.catalogs.catalogfile import MAX_BYTES, MAX_LABEL, MAX_TEXT, PREFIX
from muniment.catalogs.framework import Catalog, Count, LicenceClass, Requirement
from muniment.catalogs.jsonplaces import MalformedCatalog, Path, place, read_json
from muniment.core.errors import Malformed
from muniment.core.identifiers import check_control, is_text

MAX_ROWS: Final = 50_000
MAX_DEPTH: Final = 12

_PARAMETER: Final = re.compile(r"\{\{\s*insert:\s*param,\s*([^\s}]+)\s*\}\}")
_LINK: Final = re.compile(r"\[([^\]]+)\]\([^)]*\)")
_NOT_TEXT: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_METADATA: Final = ("title", "last-modified", "version", "oscal-version")


def read_oscal(
    data: bytes,
    catalog_id: str,
    name: str = "catalog.json",
    *,
    licence_class: LicenceClass = LicenceClass.LICENSED,
    attribution: str = "",
) -> Catalog:
    """Read an OSCAL catalog.

    Controls and their enhancements become requirements, groups become groups; withdrawn controls are left out. The
    licence is not part of the model, so the class is what the importer says; the default never leaves the tenant.

    Args:
        data: an OSCAL 1.x catalog as JSON, at most 64 MiB.
        catalog_id: the prefix that its control ids shall have.
        name: what to call the file in errors.
        licence_class: what may be done with the text.
        attribution: who is to be named, for class B.

    Raises:
        MalformedCatalog: naming file, line and place.

    Source: OSCAL catalog model 1.0 to 1.2, JSON format.
    """
    if PREFIX.fullmatch(catalog_id) is None:
        raise Malformed("is not a prefix of control ids; an example is nist-800-53r5", "id")
    if (licence_class is LicenceClass.ATTRIBUTED) != bool(attribution):
        raise Malformed("class B names an attribution, the others none", "attribution")
    text, value = read_json(data, name, MAX_BYTES)
    reader = _Reader(text, name, catalog_id)
    rows, metadata = reader.read(value)
    counted = sum(row.kind == "requirement" for row in rows)
    return Catalog(
        id=catalog_id,
        title=metadata["title"],
        version=metadata["version"],
        publisher=reader.publisher(value["catalog"]["metadata"]) or "not named in the file",
        source=f"{name}, OSCAL {metadata['oscal-version']}, uuid {value['catalog']['uuid']}",
        checked_against="the imported file itself",
        licence="as the importer states by its class",
        licence_class=licence_class,
        count=Count(counted, "controls", "the imported file, withdrawn ones left out"),
        requirements=tuple(rows),
        attribution=attribution,
        note=f"{reader.withdrawn} withdrawn controls were left out." if reader.withdrawn else "",
    )


class _Reader:
    def __init__(self, text: str, name: str, prefix: str) -> None:
        self.text = text
        self.name = name
        self.prefix = prefix
        self.rows: dict[str, Requirement] = {}
        self.parameters: dict[str, str] = {}
        self.withdrawn = 0

    def refuse(self, reason: str, path: Path) -> NoReturn:
        raise MalformedCatalog(reason, place(self.text, self.name, path))

    def read(self, value: dict[str, Any]) -> tuple[list[Requirement], dict[str, str]]:
        if "catalog" not in value:
            known = next((key for key in ("profile", "component-definition", "assessment-results") if key in value), "")
            what = f"an OSCAL {known}" if known else "something else"
            self.refuse(f"holds {what}, not an OSCAL catalog", ())
        catalog = self.object_of(value["catalog"], ("catalog",))
        try:
            UUID(catalog.get("uuid", ""))
        except (ValueError, AttributeError, TypeError):
            self.refuse("an OSCAL catalog has a uuid", ("catalog", "uuid"))
        metadata = self.object_of(catalog.get("metadata"), ("catalog", "metadata"))
        head = {key: self.line(metadata, key, ("catalog", "metadata")) for key in _METADATA}
        if re.fullmatch(r"1\.\d+\.\d+(?:-\S+)?", head["oscal-version"]) is None:
            self.refuse("only OSCAL 1.x is read", ("catalog", "metadata", "oscal-version"))
        self.parameters_of(catalog, ("catalog",))
        self.children(catalog, "", ("catalog",), 0)
        if not self.rows:
            self.refuse("holds no controls", ("catalog",))
        return list(self.rows.values()), head

    def publisher(self, metadata: dict[str, Any]) -> str:
        names = [one.get("name") for one in metadata.get("parties", []) if isinstance(one, dict)]
        return next((_plain(one, MAX_LABEL) for one in names if isinstance(one, str) and one.strip()), "")

    def children(self, holder: dict[str, Any], parent: str, path: tuple[str | int, ...], depth: int) -> None:
        if depth > MAX_DEPTH:
            self.refuse(f"nested deeper than {MAX_DEPTH}", path)
        for key, read in (("groups", self.group), ("controls", self.control)):
            found = holder.get(key, [])
            if not isinstance(found, list):
                self.refuse("must be an array", (*path, key))
            for at, one in enumerate(found):
                read(self.object_of(one, (*path, key, at)), parent, (*path, key, at), depth)

    def group(self, group: dict[str, Any], parent: str, path: tuple[str | int, ...], depth: int) -> None:
        title = self.line(group, "title", path)
        # A group need not have an id in OSCAL, and its id may equal a control's; ours are one name space.
        group_id = group.get("id") or "group-" + ".".join(str(step + 1) for step in path if isinstance(step, int))
        self.parameters_of(group, path)
        before = len(self.rows)
        self.add(Requirement(self.known_id(group_id, path), "group", title, parent), path)
        self.children(group, group_id, path, depth + 1)
        if len(self.rows) == before + 1:
            del self.rows[group_id]

    def control(self, control: dict[str, Any], parent: str, path: tuple[str | int, ...], depth: int) -> None:
        control_id = self.known_id(control.get("id"), path)
        title = self.line(control, "title", path)
        if _property(control, "status") == "withdrawn":
            self.withdrawn += 1
        else:
            self.parameters_of(control, path)
            statement = self.statement(control)
            if len(statement.encode()) > MAX_TEXT:
                self.refuse(f"a statement of more than {MAX_TEXT:,} bytes", path)
            label = _property(control, "label")
            self.add(
                Requirement(
                    control_id,
                    "requirement",
                    title,
                    parent,
                    published_as=_plain(label, MAX_LABEL) if label and label.lower() != control_id.lower() else "",
                    text=statement,
                ),
                path,
            )
            parent = control_id
        self.children({"controls": control.get("controls", [])}, parent, path, depth + 1)

    def add(self, row: Requirement, path: tuple[str | int, ...]) -> None:
        if row.id in self.rows:
            self.refuse(f"{row.id} occurs twice", (*path, "id"))
        if len(self.rows) >= MAX_ROWS:
            self.refuse(f"more than {MAX_ROWS:,} groups and controls", path)
        self.rows[row.id] = row

    def known_id(self, value: object, path: tuple[str | int, ...]) -> str:
        if not isinstance(value, str):
            self.refuse("a control has an id", (*path, "id"))
        try:
            check_control(f"{self.prefix}:{value}")
        except Malformed as error:
            self.refuse(f"{self.prefix}:{value} {error.reason}", (*path, "id"))
        return value

    def object_of(self, value: object, path: Path) -> dict[str, Any]:
        if not isinstance(value, dict):
            self.refuse("must be an object", path)
        return value

    def line(self, value: dict[str, Any], key: str, path: tuple[str | int, ...]) -> str:
        found = value.get(key)
        if not isinstance(found, str) or not found.strip():
            self.refuse(f"the key {key!r} must be a string that is not empty", (*path, key))
        return _plain(found, MAX_LABEL)

    def parameters_of(self, holder: dict[str, Any], path: tuple[str | int, ...]) -> None:
        found = holder.get("params", [])
        if not isinstance(found, list):
            self.refuse("must be an array", (*path, "params"))
        for at, one in enumerate(found):
            row = self.object_of(one, (*path, "params", at))
            if not isinstance(row.get("id"), str):
                self.refuse("a parameter has an id", (*path, "params", at))
            choices = row.get("select", {}).get("choice", []) if isinstance(row.get("select"), dict) else []
            label = row.get("label") or "; ".join(one for one in choices if isinstance(one, str)) or row["id"]
            self.parameters[row["id"]] = str(label)

    def statement(self, control: dict[str, Any]) -> str:
        lines: list[str] = []
        for part in _parts(control):
            if part.get("name") == "statement":
                self.prose(part, lines, 0)
        return "\n".join(lines)

    def prose(self, part: dict[str, Any], lines: list[str], depth: int) -> None:
        if isinstance(prose := part.get("prose"), str):
            for _ in range(3):  # A choice of a parameter may name another parameter.
                prose = _PARAMETER.sub(lambda match: f"[{self.parameters.get(match[1], match[1])}]", prose)
            label = _property(part, "label")
            lines.append("  " * depth + (f"{label} " if label else "") + _LINK.sub(r"\1", prose).strip())
        if depth < MAX_DEPTH:
            for inner in _parts(part):
                self.prose(inner, lines, depth + 1)


def _parts(holder: dict[str, Any]) -> Iterable[dict[str, Any]]:
    found = holder.get("parts", [])
    return [part for part in found if isinstance(part, dict)] if isinstance(found, list) else []


def _property(holder: dict[str, Any], name: str) -> str:
    found = holder.get("props", [])
    rows = (
        [one for one in found if isinstance(one, dict) and one.get("name") == name] if isinstance(found, list) else []
    )
    plain = [one for one in rows if "class" not in one] or rows
    return str(plain[0].get("value", "")) if plain else ""


def _plain(text: str, maximum: int) -> str:
    """One line of text without mark-up for links, cut at `maximum` bytes of UTF-8."""
    line = " ".join(_NOT_TEXT.sub(" ", _LINK.sub(r"\1", text)).split())
    data = line.encode()
    if len(data) > maximum:
        line = data[: maximum - 3].decode(errors="ignore").rstrip() + "…"
    return line if is_text(line) else "untitled"
