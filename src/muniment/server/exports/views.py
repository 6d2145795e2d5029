"""Pages of exports: what was taken out, a new one, and one with its facts, its download and its history."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from muniment.core.errors import Malformed, MunimentError
from muniment.formats.formats import FORMATS, MEANINGS
from muniment.ledger.proofs import NotSealed
from muniment.ledger.query import EntryFilter, find_entries, in_one_process
from muniment.server.access.pages import page, page_standing
from muniment.server.access.standing import Standing
from muniment.server.capabilities import Capability
from muniment.server.explorer.names import names_of
from muniment.server.explorer.rows import parsed, people_in, row_of
from muniment.server.exports import services
from muniment.server.exports.forms import ExportForm
from muniment.server.exports.models import Export
from muniment.server.exports.progress import progress_of
from muniment.server.exports.question import LABELS, stored_asked
from muniment.server.exports.streaming import opened
from muniment.server.populations.reading import standing_of_log
from muniment.server.problems import ProblemError
from muniment.server.record.addresses import api_address

SHOWN: Final = 20
"""Records of downloads on the page of an export."""


@page(needs=Capability.EXPORT_CREATE)
def index(request: HttpRequest) -> HttpResponse:
    """Exports that were made, newest first."""
    standing = page_standing(request)
    rows = services.exports(standing)
    names = names_of(standing.tenant_id, {row.created_by for row in rows})
    shown = [(row, stored_asked(row.question, "").words, names.get(row.created_by, "")) for row in rows]
    return render(request, "exports/list.html", {"rows": shown})


@page(needs=Capability.EXPORT_CREATE, methods=("GET", "POST"), step_up="writes")
def new(request: HttpRequest) -> HttpResponse:
    """Choose what to export and in which format; GET may bring filters along."""
    standing = page_standing(request)
    may_name = standing.may(Capability.MEMBER_READ)
    if request.method != "POST":
        given = {name: request.GET.get(name, "") for name in LABELS}
        return render(request, "exports/new.html", {"form": ExportForm(initial=given, may_name=may_name)})
    form = ExportForm(request.POST, may_name=may_name)
    if form.is_valid():
        try:
            row = services.create_export(
                standing,
                format=form.cleaned_data["format"],
                question={name: str(form.cleaned_data[name]) for name in LABELS},
                size=None,
                names=bool(form.cleaned_data.get("names")),
                api=api_address(request),
            )
        except Malformed as error:
            form.accuse(error)
        except NotSealed:
            form.add_error(None, "There is no checkpoint yet. An export ends at one: wait for the first.")
        else:
            return HttpResponseRedirect(reverse("exports:export", args=[row.id]))
    return render(request, "exports/new.html", {"form": form}, status=400)


@page(needs=Capability.EXPORT_CREATE)
def export(request: HttpRequest, export_id: str) -> HttpResponse:
    """One export."""
    standing = page_standing(request)
    row = _found(standing, export_id)
    people = names_of(standing.tenant_id, {row.created_by})
    context: dict[str, Any] = {
        "export": row,
        "meaning": MEANINGS[row.format],
        "suffix": FORMATS[row.format].suffix,
        "words": stored_asked(row.question, "").words,
        "person": people.get(row.created_by, ""),
        "running": progress_of(standing.tenant_id, row.id, standing.subject),
        "command": f"muniment export --take {row.id} -o muniment-{row.id}.{FORMATS[row.format].suffix}",
        "history": _history(standing, row),
    }
    return render(request, "exports/export.html", context)


@page(needs=Capability.EXPORT_CREATE)
def progress(request: HttpRequest, export_id: str) -> HttpResponse:
    """How far the reader's download has come: a part of the page, asked for again while it runs."""
    standing = page_standing(request)
    row = _found(standing, export_id)
    running = progress_of(standing.tenant_id, row.id, standing.subject)
    return render(request, "exports/progress.html", {"export": row, "running": running})


@page(needs=Capability.EXPORT_CREATE, methods=("POST",), step_up="writes")
def file(request: HttpRequest, export_id: str) -> HttpResponseBase:
    """Download the export from its first byte."""
    standing = page_standing(request)
    row = _found(standing, export_id)
    try:
        return opened(standing, row)
    except (MunimentError, ProblemError) as error:
        messages.error(request, f"Not downloaded: {error}")
        return HttpResponseRedirect(reverse("exports:export", args=[row.id]))


def _history(standing: Standing, row: Export) -> list[Any]:
    """What the ledger says about an export, newest first."""
    here = standing_of_log(standing)
    with standing.transaction() as reading:
        in_one_process(reading)
        asked = EntryFilter(action="export.*", resource=row.id, resource_type="export")
        entries = find_entries(reading, standing.log_id, asked, limit=SHOWN).entries
    documents = [parsed(entry) for entry in entries]
    names = names_of(standing.tenant_id, people_in(documents))
    if here is None:
        return []
    return [row_of(*pair, here, names) for pair in zip(entries, documents, strict=True)]


def _found(standing: Standing, export_id: str) -> Export:
    try:
        return services.export_for(standing, export_id)
    except services.NoSuch:
        raise Http404 from None
