"""Catalogs, the mapping and coverage, for programs."""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from muniment.catalogs.coverage import Evidence
from muniment.catalogs.overrides import unchanged
from muniment.catalogs.shipped import catalog_ids
from muniment.core.errors import Malformed, MunimentError, Refused
from muniment.ledger.refused import MappingChanged
from muniment.server.access.operations import Needs, standing_in
from muniment.server.access.standing import Standing
from muniment.server.api.answers import json_response
from muniment.server.capabilities import Capability
from muniment.server.causality.api import check_query
from muniment.server.frameworks import services
from muniment.server.frameworks.answers import (
    checked_json,
    counted_json,
    coverage_table,
    exported_rows,
    listed_json,
    mapping_json,
    version_json,
    whole_json,
)
from muniment.server.frameworks.shapes import (
    CatalogList,
    CheckedCatalog,
    CoverageOut,
    MappingChange,
    MappingOut,
    MappingVersions,
    NewCatalog,
    WholeCatalog,
)
from muniment.server.frameworks.workflow import Order, read_period, unpacked
from muniment.server.problems import refuse
from muniment.server.tenants.scope import tenant_scope

_MANAGE: Final = Needs(Capability.CATALOG_MANAGE)
_COVERAGE: Final = frozenset({"from", "to", "only", "format"})

router = Router(auth=Needs(Capability.LEDGER_READ), tags=["evidence"])


@contextmanager
def scope(request: HttpRequest) -> Iterator[Standing]:
    """Run the block in the scope of the caller's tenant.

    Raises:
        ProblemError: not-found, or invalid-request with the field.
    """
    standing = standing_in(request)
    try:
        with tenant_scope(standing.tenant_id):
            yield standing
    except MappingChanged as error:
        raise refuse("invalid-request", error.reason, field="replaces") from None
    except (Malformed, Refused) as error:
        raise refuse("invalid-request", error.reason, field=error.where) from None


@router.get("/api/catalogs", summary="Catalogs", operation_id="catalogs", response=CatalogList)
def catalogs(request: HttpRequest) -> HttpResponse:
    """Every control framework of the tenant's: those that are shipped, and what was brought in over or beside them."""
    check_query(request, frozenset())
    with scope(request):
        own = {row.catalog: row for row in services.newest_imports()}
        return json_response({"catalogs": [listed_json(one, own.get(one.id)) for one in services.catalogs()]})


@router.post(
    "/api/catalogs",
    auth=_MANAGE,
    summary="Bring in a catalog",
    operation_id="import_catalog",
    response={200: CheckedCatalog, 201: WholeCatalog},
)
def bring_in(request: HttpRequest, order: NewCatalog) -> HttpResponse:
    """Keeps a tenant's own text over ours, or a framework of its own; recorded, and so is a file that is refused."""
    given = order.model_dump(exclude={"name", "file", "gzip", "dry_run"})
    refused: MunimentError | None = None
    with scope(request) as standing:
        data = _bytes(order.file)
        data = unpacked(data) if order.gzip else data
        wanted = Order(**given)
        try:
            if order.dry_run:
                return json_response(checked_json(services.look_at(data, order.name, wanted)))
            row = services.bring_in(standing, data, order.name, wanted)
            return json_response(
                whole_json(services.find_catalog(row.catalog), services.imports_of(row.catalog)), status=201
            )
        except Malformed as error:
            if not order.dry_run:
                services.record_refused_import(standing, data, order.name, error)
            refused = error
    where = refused.where or "file"
    # Where a file is wrong says file and line; the field of the request that is to blame is the file.
    field, reason = (where, refused.reason) if where in Order.__dataclass_fields__ else ("file", str(refused))
    raise refuse("invalid-request", reason, field=field)


@router.get("/api/catalogs/{catalog_id}", summary="One catalog", operation_id="catalog", response=WholeCatalog)
def catalog(request: HttpRequest, catalog_id: str) -> HttpResponse:
    """A catalog with its requirements. Of class C, what the tenant brought in does not leave it: no text, no label."""
    with scope(request):
        _known(catalog_id)
        return json_response(whole_json(services.find_catalog(catalog_id), services.imports_of(catalog_id)))


@router.get(
    "/api/catalogs/{catalog_id}/coverage",
    summary="Coverage of a framework",
    operation_id="coverage",
    response=CoverageOut,
)
def coverage(
    request: HttpRequest,
    catalog_id: str,
    since: Annotated[str | None, Query(alias="from", max_length=64, description="recorded at or after")] = None,
    until: Annotated[str | None, Query(alias="to", max_length=64, description="recorded before")] = None,
    only: Annotated[Literal["automatic", "attachment", "nothing"] | None, Query(description="`nothing`: gaps")] = None,
    format: Annotated[Literal["json", "csv"], Query()] = "json",
) -> HttpResponse:
    """For each requirement: actions whose entries hold it or are annotated with it, entries of a time, attachments.

    An entry is evidence of what happened, not that a requirement is met.
    """
    check_query(request, _COVERAGE)
    with scope(request) as standing:
        _known(catalog_id)
        begins, ends = read_period(since, until)
        found = services.covered(standing, catalog_id, since=begins, until=ends)
        rows = [row for row in exported_rows(found) if only is None or row.evidence is Evidence(only)]
        if format == "csv":
            return HttpResponse(
                "".join(coverage_table(rows)),
                content_type="text/csv; charset=utf-8",
                headers={"Content-Disposition": f'attachment; filename="coverage-{catalog_id}.csv"'},
            )
        return json_response(counted_json(found, rows))


@router.get("/api/mapping", summary="The mapping in force", operation_id="mapping", response=MappingOut)
def mapping(request: HttpRequest) -> HttpResponse:
    """What actions evidence now: the base mapping, and the tenant's overrides with what follows from them."""
    check_query(request, frozenset())
    with scope(request):
        history = services.mapping_history()
        return json_response(mapping_json(services.mapping_in_force(), history[0] if history else None))


@router.get(
    "/api/mapping/versions",
    summary="Versions of the mapping",
    operation_id="mapping_versions",
    response=MappingVersions,
)
def mapping_versions(request: HttpRequest) -> HttpResponse:
    """Every change, newest first; the body of each one's entry is what it put in force."""
    check_query(request, frozenset())
    with scope(request):
        return json_response({"versions": [version_json(row) for row in services.mapping_history()]})


@router.put(
    "/api/mapping", auth=_MANAGE, summary="Change the mapping", operation_id="change_mapping", response=MappingOut
)
def change(request: HttpRequest, change: MappingChange) -> HttpResponse:
    """Puts overrides in force for the entries that come from now on; recorded. Those that stand keep what they hold."""
    with scope(request) as standing:
        if change.dry_run:
            made = services.resolved(change.document) if change.document is not None else unchanged()
            return json_response(mapping_json(made, None, in_force=False))
        services.put_in_force(standing, change.document, replaces=change.replaces)
        return json_response(mapping_json(services.mapping_in_force(), services.mapping_history()[0]))


def _known(catalog_id: str) -> None:
    """Answer that there is no such catalog, before anything else is said of it."""
    if catalog_id not in catalog_ids() and not services.imports_of(catalog_id):
        raise refuse("not-found", "there is no such catalog")


def _bytes(file: str) -> bytes:
    try:
        return binascii.a2b_base64(file.encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError):
        raise Malformed("is not base64 with padding (RFC 4648 section 4)", "file") from None
