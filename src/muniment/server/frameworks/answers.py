"""Catalogs, mapping and coverage as JSON and as tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import orjson

from muniment.catalogs.asjson import catalog_json, coverage_json, covered_json, exported_row_json
from muniment.catalogs.coverage import Covered
from muniment.catalogs.framework import Catalog
from muniment.catalogs.mapping import MAPPING_VERSION
from muniment.catalogs.overrides import ResolvedMapping
from muniment.core.spreadsheet import guard
from muniment.ledger.mappings import MappingVersion
from muniment.server.frameworks.models import CatalogImport
from muniment.server.frameworks.services import Counted
from muniment.server.frameworks.workflow import Made
from muniment.server.moments import moment

COLUMNS = ("control", "label", "evidence", "entries", "attachments", "baked", "annotated")


def import_json(row: CatalogImport) -> dict[str, object]:
    """A catalog as it was brought in."""
    return {
        "id": row.id,
        "number": row.number,
        "form": row.form,
        "file_name": row.file_name,
        "imported": row.imported,
        "digest": row.digest,
        "texts": row.texts,
        "created_by": row.created_by,
        "created_at": moment(row.created_at),
        "entry": row.seq,
    }


def listed_json(found: Catalog, row: CatalogImport | None) -> dict[str, Any]:
    """A catalog without its rows."""
    return catalog_json(found) | {"imported": None if row is None else import_json(row)}


def whole_json(found: Catalog, imports: Sequence[CatalogImport]) -> dict[str, Any]:
    """A catalog with its rows, as they may leave the tenant."""
    newest = imports[0] if imports else None
    return listed_json(found, newest) | {
        "requirements": [exported_row_json(found, row) for row in found.requirements],
        "imports": [import_json(row) for row in imports],
    }


def checked_json(made: Made) -> dict[str, object]:
    """What a file would be brought in as."""
    return {
        "catalog": made.catalog.id,
        "title": made.catalog.title,
        "version": made.catalog.version,
        "licence_class": made.catalog.licence_class.value,
        "form": made.form,
        "count": made.catalog.count.number,
        "counts": made.catalog.count.what,
        "rows": len(made.catalog.requirements),
        "texts": made.texts,
        "new_controls": len(made.new_controls),
        "kept": False,
    }


def mapping_json(mapping: ResolvedMapping, row: MappingVersion | None, *, in_force: bool = True) -> dict[str, object]:
    """A mapping; `row` is the change that put it in force, None before the first one and for one that is not."""
    return {
        "version": mapping.version,
        "digest": mapping.digest,
        "base": MAPPING_VERSION,
        "notes": mapping.notes,
        "number": 0 if row is None else row.number,
        "entry": None if row is None else row.seq,
        "document": None if row is None or not row.document else orjson.loads(row.document),
        "changed": [
            {"action": action, "entry": list(ids.entry), "notes": list(ids.notes)}
            for action, ids in sorted(mapping.changed.items())
        ],
        "in_force": in_force,
    }


def version_json(row: MappingVersion) -> dict[str, object]:
    """A change of the mapping."""
    return {
        "number": row.number,
        "version": row.version,
        "digest": row.digest.hex(),
        "changed": len(row.mapping.changed),
        "by": row.by,
        "recorded_at": moment(row.recorded_at),
        "entry": row.seq,
    }


def exported_rows(found: Counted) -> list[Covered]:
    """The rows of a coverage as they may leave the tenant: of class C with our labels, or none."""
    rows = {found.catalog.control_id(row): row for row in found.catalog.requirements}
    labels = {one.control: exported_row_json(found.catalog, rows[one.control])["name"] for one in found.coverage.rows}
    return [replace(one, label=labels[one.control] or "") for one in found.coverage.rows]


def counted_json(found: Counted, rows: Sequence[Covered]) -> dict[str, Any]:
    """A coverage with those of its rows that are wanted."""
    return coverage_json(found.coverage) | {
        "title": found.coverage.title,
        "since": moment(found.since),
        "until": moment(found.until),
        "entries": found.entries,
        "rows": [covered_json(row) for row in rows],
    }


def coverage_table(rows: Sequence[Covered]) -> Iterator[str]:
    """The rows of a coverage as CSV (RFC 4180), lists separated by spaces."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        counted = "" if row.entries is None else row.entries
        lists = (" ".join(row.baked), " ".join(row.annotated))
        writer.writerow([row.control, guard(row.label), row.evidence.value, counted, row.attachments, *lists])
    yield out.getvalue()
