"""Catalogs, requirements and coverage as plain values for JSON: what the command line prints and the API may answer."""

from typing import Any

from muniment.catalogs.coverage import Coverage, Covered
from muniment.catalogs.crosswalk import links_from
from muniment.catalogs.framework import Catalog, LicenceClass, Requirement
from muniment.catalogs.shipped import catalog, catalog_ids


def catalog_json(one: Catalog) -> dict[str, Any]:
    """A catalog without its requirements; `count` is how many it counts, `counts` what they are."""
    return {
        "id": one.id,
        "title": one.title,
        "version": one.version,
        "publisher": one.publisher,
        "source": one.source,
        "licence": one.licence,
        "licence_class": one.licence_class.value,
        "count": one.count.number,
        "counts": one.count.what,
        "count_source": one.count.source,
        "sets": {each.id: each.number for each in one.sets},
        "superseded_by": one.superseded_by or None,
        "shipped": one.id in catalog_ids(),
    }


def row_json(found: Catalog, row: Requirement) -> dict[str, Any]:
    """A requirement with its text, for those inside the tenant."""
    return {
        "control": found.control_id(row),
        "kind": row.kind,
        "label": found.label_of(row),
        "name": found.name_of(row),
        "parent": row.parent or None,
        "sets": list(row.sets),
        "text": row.text or None,
    }


def exported_row_json(found: Catalog, row: Requirement) -> dict[str, Any]:
    """A requirement as it may leave the tenant.

    Class A and B leave with their text, B with its attribution. Of class C no text leaves, and no label that a tenant
    imported: the label is ours, or none.
    """
    made = row_json(found, row)
    if found.licence_class is LicenceClass.LICENSED:
        ours = catalog(found.id) if found.id in catalog_ids() else None
        same = ours.rows.get(row.id) if ours else None
        known = {"label": ours.label_of(same), "name": ours.name_of(same)} if ours and same else {}
        return made | {"text": None, "label": None, "name": None} | known
    return made | ({"attribution": found.attribution} if found.attribution else {})


def links_json(control: str) -> list[dict[str, str]]:
    """Where crosswalks lead from a control id."""
    return [
        {"control": link.control, "relation": link.relation.value, "crosswalk": link.crosswalk}
        for link in links_from(control)
    ]


def coverage_json(found: Coverage) -> dict[str, Any]:
    """The numbers of a coverage, without its rows."""
    return {
        "catalog": found.catalog,
        "mapping": found.mapping,
        "automatic": found.automatic,
        "attachment": found.attachment,
        "nothing": found.nothing,
        "statement": found.statement,
    }


def covered_json(row: Covered) -> dict[str, Any]:
    """One requirement of a coverage."""
    return {
        "control": row.control,
        "label": row.label,
        "evidence": row.evidence.value,
        "baked": list(row.baked),
        "annotated": list(row.annotated),
        "attachments": row.attachments,
        "entries": row.entries,
    }
