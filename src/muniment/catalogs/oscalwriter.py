"""A catalog of ours as an OSCAL catalog: what may leave the tenant, in the field's own exchange format."""

import json
import re
from typing import Any, Final
from uuid import UUID, uuid5

from muniment.catalogs.asjson import exported_row_json
from muniment.catalogs.catalogfile import format_catalog
from muniment.catalogs.framework import Catalog, Requirement
from muniment.core.errors import Refused

OSCAL_VERSION: Final = "1.2.0"
NAMESPACE: Final = "urn:muniment:catalog"
"""Of the properties that are ours: `control-id`, `baseline`."""

_UUIDS: Final = UUID("6f1c5a52-9c0e-5b0a-8f3b-2d1b6f0c7a11")
_TOKEN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9._-]*")


def write_oscal(catalog: Catalog, last_modified: str) -> bytes:
    """Write a catalog as OSCAL JSON; the same catalog and time give the same bytes.

    Groups become groups, requirements controls, and parts of a requirement parts of its control; a part that stands in
    no requirement is a control of class `part`. A group of OSCAL holds groups or controls: where ours holds both, its
    controls stand in a group of the same title. OSCAL ids are tokens: where ours are not, as in `164.312(b)`, all ids
    of the catalog are written with its prefix and points, `hipaa_164.312.b`. The property `control-id` has ours. Text
    and labels leave as the licence class allows.

    Args:
        catalog: a shipped or imported catalog.
        last_modified: RFC 3339 with a zone, for example `2026-11-21T20:00:00Z`.

    Raises:
        Refused: if two ids would become one.

    Source: OSCAL catalog model 1.2.0, JSON format.
    """
    return (
        json.dumps({"catalog": _Writer(catalog).catalog(last_modified)}, ensure_ascii=False, indent=1).encode() + b"\n"
    )


class _Writer:
    def __init__(self, catalog: Catalog) -> None:
        self.source = catalog
        plain = all(_TOKEN.fullmatch(row.id) for row in catalog.requirements)
        self.ids = {row.id: row.id if plain else self._token(row.id) for row in catalog.requirements}
        if len(set(self.ids.values())) != len(self.ids):
            raise Refused("two identifiers become the same in OSCAL", catalog.id)
        self.below: dict[str, list[Requirement]] = {}
        for row in catalog.requirements:
            self.below.setdefault(row.parent, []).append(row)

    def _token(self, row_id: str) -> str:
        return f"{self.source.id}_{row_id.replace('(', '.').replace(')', '').replace('/', '-')}"

    def catalog(self, last_modified: str) -> dict[str, Any]:
        source = self.source
        said = [f"Source: {source.source}", f"Licence: {source.licence}", source.attribution, source.note]
        made: dict[str, Any] = {
            "uuid": str(uuid5(_UUIDS, format_catalog(source).decode())),
            "metadata": {
                "title": source.title,
                "last-modified": last_modified,
                "version": source.version,
                "oscal-version": OSCAL_VERSION,
                "remarks": "\n\n".join(one for one in said if one),
            },
        }
        return made | self.children("")

    def children(self, parent: str) -> dict[str, Any]:
        rows = self.below.get(parent, [])
        groups = [self.group(row) for row in rows if row.kind == "group"]
        controls = [self.control(row) for row in rows if row.kind != "group"]
        return ({"groups": groups} if groups else {}) | ({"controls": controls} if controls else {})

    def group(self, row: Requirement) -> dict[str, Any]:
        made = {"id": self.ids[row.id], "title": self.title(row), "props": self.properties(row)}
        below = self.children(row.id)
        if len(below) == 2:
            below = {"groups": [*below["groups"], {"title": self.title(row), "controls": below["controls"]}]}
        return made | below

    def control(self, row: Requirement) -> dict[str, Any]:
        made: dict[str, Any] = {"id": self.ids[row.id], "title": self.title(row), "props": self.properties(row)}
        if row.kind == "part":
            made["class"] = "part"
        text = exported_row_json(self.source, row)["text"]
        parts = [self.part(one) for one in self.below.get(row.id, []) if one.kind == "part"]
        if text or parts:
            statement: dict[str, Any] = {"id": f"{self.ids[row.id]}_smt", "name": "statement"}
            made["parts"] = [statement | ({"prose": text} if text else {}) | ({"parts": parts} if parts else {})]
        if inner := [self.control(one) for one in self.below.get(row.id, []) if one.kind == "requirement"]:
            made["controls"] = inner
        return made

    def part(self, row: Requirement) -> dict[str, Any]:
        made: dict[str, Any] = {"id": self.ids[row.id], "name": "item", "props": self.properties(row)}
        shown = exported_row_json(self.source, row)
        if row.label and shown["label"]:
            made["title"] = shown["label"]
        if shown["text"]:
            made["prose"] = shown["text"]
        if inner := [self.part(one) for one in self.below.get(row.id, [])]:
            made["parts"] = inner
        return made

    def title(self, row: Requirement) -> str:
        return exported_row_json(self.source, row)["label"] or row.id

    def properties(self, row: Requirement) -> list[dict[str, str]]:
        return [
            {"name": "label", "value": row.published_as or row.id},
            {"name": "control-id", "ns": NAMESPACE, "value": self.source.control_id(row)},
            *({"name": "baseline", "ns": NAMESPACE, "value": one} for one in row.sets),
        ]
