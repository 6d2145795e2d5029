"""Pages of tables: the list of any noun, its export, and bringing in a file."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render

from muniment.core.errors import Malformed, Refused
from muniment.server.access.pages import page, page_standing
from muniment.server.access.standing import Standing
from muniment.server.capabilities import Capability
from muniment.server.given_reason import ReasonNeededError
from muniment.server.tables.exporting import export as export_rows
from muniment.server.tables.forms import FileForm
from muniment.server.tables.importing import import_file, record_refused
from muniment.server.tables.lists import list_page
from muniment.server.tables.question import read_question
from muniment.server.tables.registry import RowsRefusedError, TableOf, home_of, table_of

_SHOWN_FAULTS = 100


@page(needs=Capability.EXCEPTION_READ)
def listed(request: HttpRequest, noun: str) -> HttpResponse:
    """The list of a noun, by the filters of its address; where that is another page, the way there."""
    table = _table(noun, page_standing(request))
    if table.home and not table.apart:
        query = request.META.get("QUERY_STRING", "")
        return HttpResponseRedirect(home_of(table) + (f"?{query}" if query else ""))
    extra = {"home": home_of(table)} if table.apart else {}
    return list_page(request, table.noun, extra)


@page(needs=Capability.EXPORT_CREATE, step_up="always")
def export(request: HttpRequest, noun: str) -> HttpResponseBase:
    """What the list shows, as a file."""
    standing = page_standing(request)
    table = _table(noun, standing)
    given = {name: value for name, value in request.GET.dict().items() if name not in ("form", "cursor", "limit")}
    return export_rows(standing, table, read_question(table, given), request.GET.get("form", "csv"))


@page(needs=Capability.EXCEPTION_READ, methods=("GET", "POST"))
def bring_in(request: HttpRequest, noun: str) -> HttpResponse:
    """Bring in a file: tried first, then kept."""
    standing = page_standing(request)
    table = _table(noun, standing)
    if table.apply is None or not standing.may(table.writes):
        raise Http404
    form = FileForm(request.POST, request.FILES) if request.method == "POST" else FileForm()
    context: dict[str, Any] = {"table": table, "columns": [one for one in table.table.columns if one.given]}
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                found = import_file(standing, table, form.stream(), dry_run="keep" not in request.POST, name=form.name)
        except ReasonNeededError:
            raise
        except RowsRefusedError as error:
            record_refused(standing, table, error)
            context |= {"faults": error.faults[:_SHOWN_FAULTS], "fault_count": len(error.faults), "whole": error.whole}
        except (Malformed, Refused) as error:
            record_refused(standing, table, error)
            form.add_error(
                "file", f"{error.where}: {error.reason}" if error.where not in (None, "file") else error.reason
            )
        else:
            if found.kept:
                said = found.applied
                messages.success(
                    request,
                    f"{said.added:,} added, {said.changed:,} changed, {said.unchanged:,} stood like that already.",
                )
                return HttpResponseRedirect(home_of(table))
            context |= {"found": found, "kept_text": form.again()}
    wrong = "faults" in context or (form.is_bound and bool(form.errors))
    return render(
        request, "tables/import.html", context | {"form": form, "home": home_of(table)}, status=422 if wrong else 200
    )


def _table(noun: str, standing: Standing) -> TableOf:
    try:
        table = table_of(noun)
    except Malformed:
        raise Http404 from None
    if not standing.may(table.reads):
        raise Http404
    return table
