"""Tables for programs: what there is, their rows, files of them, and bringing files in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Annotated, BinaryIO, Final, Literal, cast

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from ninja import Query, Router

from muniment.core.errors import Malformed, Refused
from muniment.server.access.operations import Needs, standing_in
from muniment.server.access.standing import Standing
from muniment.server.api.answers import json_response
from muniment.server.capabilities import Capability
from muniment.server.causality.api import check_query
from muniment.server.given_reason import ReasonNeededError
from muniment.server.problems import NOTHING_HERE, refuse
from muniment.server.tables.exporting import export
from muniment.server.tables.importing import import_file, record_refused
from muniment.server.tables.paging import page_of
from muniment.server.tables.question import names_of_filter, read_question
from muniment.server.tables.registry import RowsRefusedError, TableOf, table_of, tables
from muniment.server.tables.shapes import FileImportOut, TableList, TableRowsOut
from muniment.server.tenants.scope import tenant_scope
from muniment.tables.table import text_of

_WRITES: Final = Needs(Capability.REGISTER_MANAGE, Capability.EXCEPTION_REQUEST, Capability.RISK_MANAGE)
_SAID: Final = 20
Form = Annotated[Literal["csv", "xlsx"], Query()]

router = Router(auth=Needs(Capability.EXCEPTION_READ), tags=["tables"])


@contextmanager
def _scope(request: HttpRequest) -> Iterator[Standing]:
    standing = standing_in(request)
    try:
        with tenant_scope(standing.tenant_id):
            yield standing
    except ReasonNeededError:
        raise
    except (Malformed, Refused) as error:
        raise refuse("invalid-request", error.reason, field=error.where) from None


def _table(noun: str, standing: Standing) -> TableOf:
    try:
        table = table_of(noun)
    except Malformed:
        raise refuse("not-found", NOTHING_HERE) from None
    standing.require(table.reads)
    return table


@router.get("/api/tables", summary="Tables", operation_id="tables", response=TableList)
def listed(request: HttpRequest) -> HttpResponse:
    """The tables that can be listed and exported, their columns, and which take files."""
    check_query(request, frozenset())
    return json_response({"tables": [_described(one) for one in tables() if standing_in(request).may(one.reads)]})


@router.get("/api/tables/{noun}", summary="Rows of a table", operation_id="table_rows", response=TableRowsOut)
def rows(request: HttpRequest, noun: str) -> HttpResponse:
    """A page of rows: the table's filters, `q` (words), `sort`, `columns`, `limit` (1 to 200) and `cursor`."""
    _once(request)
    with _scope(request) as standing:
        table = _table(noun, standing)
        question = read_question(table, request.GET.dict())
        page = page_of(table, question, standing)
        keys = ["id", *(question.columns if question.chosen else [one.key for one in table.table.columns])]
        found = [{key: _json(row.get(key)) for key in keys} for row in page.rows]
        return json_response({"table": noun, "rows": found, "next": page.following})


@router.get(
    "/api/tables/{noun}/export",
    auth=Needs(Capability.EXPORT_CREATE),
    summary="A table as a file",
    operation_id="export_table",
)
def exported(request: HttpRequest, noun: str, form: Form = "csv") -> HttpResponseBase:
    """Every row that the filters match, as CSV or XLSX; recorded."""
    _once(request)
    with _scope(request) as standing:
        table = _table(noun, standing)
        given = {name: value for name, value in request.GET.dict().items() if name != "form"}
        return export(standing, table, read_question(table, given), form)


@router.post(
    "/api/tables/{noun}/import",
    auth=_WRITES,
    summary="Bring in a file",
    operation_id="import_table",
    response=FileImportOut,
)
def bring_in(
    request: HttpRequest,
    noun: str,
    dry_run: Annotated[bool, Query(description="say what would happen, keep nothing")] = False,
    form: Annotated[Literal["", "csv", "xlsx"], Query(description="told by the first bytes if left out")] = "",
    name: Annotated[str, Query(max_length=200, description="of the file, for the entry")] = "",
) -> HttpResponse:
    """The body is the file, at most 10 MiB. Every row is kept, or none; each wrong one is named."""
    check_query(request, frozenset({"dry_run", "form", "name"}))
    standing = standing_in(request)
    try:
        with tenant_scope(standing.tenant_id):
            table = _table(noun, standing)
            standing.require(table.writes)
            found = import_file(standing, table, cast("BinaryIO", request), form, dry_run=dry_run, name=name)
    except ReasonNeededError:
        raise
    except (RowsRefusedError, Malformed, Refused) as error:
        with tenant_scope(standing.tenant_id):
            record_refused(standing, table, error)
        if dry_run and isinstance(error, RowsRefusedError):
            return json_response(_refused(error))
        said = str(error) if not isinstance(error, RowsRefusedError) else _sentence(error)
        raise refuse("invalid-request", said, field=error.where) from None
    done = found.applied
    return json_response(
        {
            "kept": found.kept, "rows": found.rows, "added": done.added, "changed": done.changed,
            "unchanged": done.unchanged, "sha256": found.digest, "faults": [], "whole": True,
        }
    )  # fmt: skip


def _refused(error: RowsRefusedError) -> dict[str, object]:
    faults = [{"row": one.row, "column": one.column, "message": one.message} for one in error.faults]
    nothing = {"added": 0, "changed": 0, "unchanged": 0, "rows": 0, "sha256": "", "kept": False}
    return {**nothing, "faults": faults, "whole": error.whole}


def _sentence(error: RowsRefusedError) -> str:
    said = "; ".join(str(one) for one in error.faults[:_SAID])
    more = len(error.faults) - _SAID
    return f"nothing was imported: {said}" + (f"; and {more:,} more, which a dry run names" if more > 0 else "")


def _described(table: TableOf) -> dict[str, object]:
    return {
        "table": table.noun,
        "title": table.title,
        "columns": [
            {
                "key": one.key, "title": one.title, "kind": one.kind, "required": one.required,
                "choices": list(one.choices), "given": one.given,
            }
            for one in table.table.columns
        ],
        "filters": [name for one in table.listing.filters for name in names_of_filter(one)],
        "sorts": list(table.listing.sorts),
        "imported": table.apply is not None,
    }  # fmt: skip


def _once(request: HttpRequest) -> None:
    """Refuse a parameter that stands twice; which there are is the table's to say."""
    check_query(request, frozenset(request.GET))


def _json(value: object) -> object:
    if value is None or isinstance(value, str | int | bool):
        return value
    if isinstance(value, date | datetime):
        return text_of(value)
    return list(value) if isinstance(value, list | tuple) else str(value)
