"""Write a shipped catalog anew from the publisher's own files: `python -m muniment.catalogs.generate ID FILE...`.

    nist-800-53r5  NIST_SP-800-53_rev5_catalog.json and its LOW, MODERATE, HIGH and PRIVACY baseline profiles
    fedramp-r5     the FedRAMP LI-SaaS, LOW, MODERATE and HIGH baseline profiles
    owasp-asvs-5   OWASP_Application_Security_Verification_Standard_5.0.0_en.json

The header (source, licence, note) is kept from the catalog that is shipped; rows, sets and counts come from the files.
The same files give the same bytes.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from muniment.catalogs.catalogfile import MAX_BYTES, format_catalog, parse_catalog
from muniment.catalogs.framework import Catalog, Requirement
from muniment.catalogs.jsonplaces import MalformedCatalog, read_json
from muniment.catalogs.oscal import read_oscal
from muniment.catalogs.shipped import catalog
from muniment.core.errors import Malformed

Files = Sequence[tuple[str, bytes]]
"""Names and contents, in the order of the command line."""


def generate(catalog_id: str, files: Files) -> bytes:
    """The catalog file that the publisher's files give.

    Raises:
        Malformed: if the catalog is not made here, a file is missing or cannot be read, or the files contradict each
            other.
    """
    if catalog_id not in MAKERS:
        raise Malformed(f"is not made from files; {', '.join(MAKERS)} are", "catalog")
    made = MAKERS[catalog_id](catalog(catalog_id), files)
    data = format_catalog(made)
    parse_catalog(data, catalog_id)
    return data


def _with_rows(shipped: Catalog, rows: Sequence[Requirement]) -> Catalog:
    counted = [row for row in rows if row.kind == "requirement"]
    sets = (replace(one, number=sum(one.id in row.sets for row in counted)) for one in shipped.sets)
    return replace(
        shipped, requirements=tuple(rows), count=replace(shipped.count, number=len(counted)), sets=tuple(sets)
    )


def _nist_800_53(shipped: Catalog, files: Files) -> Catalog:
    _expect(files, 1 + len(shipped.sets))
    name, data = files[0]
    members = _members(shipped, files[1:])
    found = read_oscal(data, shipped.id, name)
    _within(members, found, name)
    rows = [
        replace(
            row,
            text="",
            published_as=row.published_as if "." in row.id else "",
            sets=tuple(one for one, ids in members.items() if row.id in ids),
        )
        for row in found.requirements
    ]
    return _with_rows(shipped, rows)


def _fedramp(shipped: Catalog, files: Files) -> Catalog:
    _expect(files, len(shipped.sets))
    members = _members(shipped, files)
    nist = catalog("nist-800-53r5")
    _within(members, nist, nist.id)
    chosen = set().union(*members.values())
    families = {control.split("-")[0] for control in chosen}
    rows = [
        row
        if row.kind == "group"
        else replace(
            row,
            parent=row.parent if row.parent in chosen or row.parent in families else row.id.split("-")[0],
            sets=tuple(one for one, ids in members.items() if row.id in ids),
        )
        for row in nist.requirements
        if row.id in (families if row.kind == "group" else chosen)
    ]
    return _with_rows(shipped, rows)


def _asvs(shipped: Catalog, files: Files) -> Catalog:
    _expect(files, 1)
    name, data = files[0]
    _, value = read_json(data, name, MAX_BYTES)
    rows: list[Requirement] = []
    try:
        for chapter in value["Requirements"]:
            rows.append(Requirement(chapter["Shortcode"], "group", chapter["Name"]))
            for section in chapter["Items"]:
                rows.append(Requirement(section["Shortcode"], "group", section["Name"], chapter["Shortcode"]))
                for one in section["Items"]:
                    levels = tuple(f"l{level}" for level in range(int(one["L"]), 4))
                    rows.append(Requirement(one["Shortcode"], parent=section["Shortcode"], sets=levels))
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedCatalog(f"is not the JSON that OWASP publishes: {error!r}", name) from None
    return _with_rows(shipped, rows)


def _members(shipped: Catalog, files: Files) -> dict[str, set[str]]:
    """The ids of each set, from OSCAL profiles in the order of the catalog's sets."""
    found: dict[str, set[str]] = {}
    for one, (name, data) in zip(shipped.sets, files, strict=True):
        _, value = read_json(data, name, MAX_BYTES)
        try:
            imports: list[Any] = value["profile"]["imports"]
            found[one.id] = {
                control for each in imports for chosen in each["include-controls"] for control in chosen["with-ids"]
            }
        except (KeyError, TypeError) as error:
            raise MalformedCatalog(f"is not an OSCAL profile that names its controls: {error!r}", name) from None
    return found


def _within(members: dict[str, set[str]], found: Catalog, name: str) -> None:
    for one, ids in members.items():
        if missing := sorted(ids - set(found.rows)):
            raise MalformedCatalog(f"has no {missing[0]}, which the profile {one} names", name)


def _expect(files: Files, number: int) -> None:
    if len(files) != number:
        raise Malformed(f"{len(files)} files given, {number} are needed", "files")


MAKERS: Final[dict[str, Callable[[Catalog, Files], Catalog]]] = {
    "nist-800-53r5": _nist_800_53,
    "fedramp-r5": _fedramp,
    "owasp-asvs-5": _asvs,
}

if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.stdout.buffer.write(generate(sys.argv[1], [(Path(one).name, Path(one).read_bytes()) for one in sys.argv[2:]]))
