"""Bringing catalogs in."""

from __future__ import annotations

from hashlib import sha256

from django.db import connection as django_connection

from muniment.core.errors import MunimentError
from muniment.server.access.standing import Standing
from muniment.server.frameworks.models import CatalogImport, import_id
from muniment.server.frameworks.services.reading import find_catalog, make_known
from muniment.server.frameworks.workflow import MAX_NAME, Made, Order, read_catalog
from muniment.server.recording import record


def look_at(data: bytes, name: str, order: Order) -> Made:
    """Read a file as it would be brought in, and keep nothing.

    Args:
        data: the file.
        name: its name, for errors and for the record.
        order: what to make of it.

    Raises:
        Malformed: naming the field, or file and line.
    """
    return read_catalog(data, name, order, find_catalog(order.over) if order.over else None)


def bring_in(standing: Standing, data: bytes, name: str, order: Order) -> CatalogImport:
    """Keep a catalog for the tenant, in place of one of the same id, and record it.

    Args:
        standing: of who brings it in.
        data: the file.
        name: its name.
        order: what to make of it.

    Raises:
        Malformed: naming the field, or file and line.
    """
    made = look_at(data, name, order)
    with django_connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"catalogs/{standing.tenant_id}"])
    make_known(made.new_controls)
    rows = CatalogImport.objects.filter(tenant_id=standing.tenant_id, catalog=made.catalog.id)
    row = CatalogImport(
        id=import_id(),
        tenant_id=standing.tenant_id,
        catalog=made.catalog.id,
        number=rows.count() + 1,
        title=made.catalog.title,
        version=made.catalog.version,
        licence_class=made.catalog.licence_class.value,
        count=made.catalog.count.number,
        texts=made.texts,
        form=made.form,
        file_name=name,
        imported=sha256(data).hexdigest(),
        digest=sha256(made.document).hexdigest(),
        document=made.document.decode(),
        created_by=standing.subject,
    )
    receipt = record(
        "catalog.import",
        by=standing.subject,
        resource=("catalog", row.catalog),
        labels={
            "number": row.number,
            "form": row.form,
            "class": row.licence_class,
            "count": row.count,
            "texts": row.texts,
            "rows": len(made.catalog.requirements),
            "imported": row.imported,
            "digest": row.digest,
        },
        body={"name": name, "title": row.title, "version": row.version, "import": row.id},
    )
    row.seq = receipt.seq
    row.save(force_insert=True)
    return row


def record_refused_import(standing: Standing, data: bytes, name: str, error: MunimentError) -> None:
    """Record a file that was refused, by its hash; in the open scope, after nothing else was written in it."""
    record(
        "catalog.import",
        by=standing.subject,
        outcome="denied",
        labels={"imported": sha256(data).hexdigest(), "reason": "malformed"},
        body={"name": name[:MAX_NAME], "said": str(error)[:2_000]},
    )
