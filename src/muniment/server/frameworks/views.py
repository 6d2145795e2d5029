"""Pages of frameworks: the list, bringing one in, one as a tree, its coverage, and the mapping."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

import orjson
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from muniment.catalogs.coverage import Evidence
from muniment.catalogs.framework import LicenceClass
from muniment.catalogs.mapping import MAPPING_VERSION
from muniment.catalogs.overrides import FORMAT, ResolvedMapping, unchanged
from muniment.catalogs.shipped import NOT_SHIPPED, catalog_ids
from muniment.core.errors import Malformed, Refused
from muniment.server.access.pages import page, page_standing
from muniment.server.capabilities import Capability
from muniment.server.frameworks import services
from muniment.server.frameworks.forms import ImportForm, MappingForm, PeriodForm, carried
from muniment.server.frameworks.workflow import read_period
from muniment.server.members.names import names_of

DEEPEST: Final = 5
_ONLY: Final = {"": "All", "nothing": "Gaps", "automatic": "Automatic", "attachment": "Attachment only"}


@page(needs=Capability.LEDGER_READ)
def index(request: HttpRequest) -> HttpResponse:
    """Every framework of the tenant's."""
    own = {row.catalog: row for row in services.newest_imports()}
    shipped = catalog_ids()
    rows = [(one, own.get(one.id), one.id in shipped) for one in services.catalogs()]
    context = {
        "rows": rows,
        "missing": NOT_SHIPPED,
        "classes": list(LicenceClass),
        "may_manage": page_standing(request).may(Capability.CATALOG_MANAGE),
    }
    return render(request, "frameworks/list.html", context)


@page(needs=Capability.CATALOG_MANAGE, step_up="writes", methods=("GET", "POST"))
def bring_in(request: HttpRequest) -> HttpResponse:
    """Check a file, and bring it in."""
    standing = page_standing(request)
    if request.method != "POST":
        return render(request, "frameworks/import.html", {"form": ImportForm()})
    form = ImportForm(request.POST, request.FILES)
    context: dict[str, Any] = {"form": form}
    if form.is_valid():
        data, name = b"", ""
        try:
            data, name = form.content()
            order = form.order()
            if "keep" in request.POST:
                row = services.bring_in(standing, data, name, order)
                messages.success(request, f"Brought in as {row.catalog}, entry {row.seq:,}.")
                return HttpResponseRedirect(reverse("frameworks:framework", args=[row.catalog]))
            made = services.look_at(data, name, order)
            context |= {"made": made, "kept": carried(data), "kept_name": name}
        except Malformed as error:
            if "keep" in request.POST and data:
                services.record_refused_import(standing, data, name, error)
            form.accuse(error)
    return render(request, "frameworks/import.html", context, status=422 if form.errors else 200)


@page(needs=Capability.LEDGER_READ)
def framework(request: HttpRequest, catalog_id: str) -> HttpResponse:
    """One framework as a tree, with the tenant's own text."""
    imports = _imports(catalog_id)
    found = services.find_catalog(catalog_id)
    people = names_of(page_standing(request).tenant_id, {row.created_by for row in imports})
    context = {
        "catalog": found,
        "imports": [(row, people.get(row.created_by, "")) for row in imports],
        "rows": [
            (row, found.control_id(row), min(DEEPEST, sum(1 for _ in found.above(row)))) for row in found.requirements
        ],
        "texts": any(row.text for row in found.requirements),
    }
    return render(request, "frameworks/framework.html", context)


@page(needs=Capability.LEDGER_READ)
def coverage(request: HttpRequest, catalog_id: str) -> HttpResponse:
    """Where the evidence of each requirement comes from."""
    _imports(catalog_id)
    given = {name: request.GET.get(name, "").strip() for name in ("from", "to")}
    only = request.GET.get("only", "")
    form = PeriodForm(given)
    form.is_valid()
    period: tuple[Any, Any] = (None, None)
    try:
        period = read_period(given["from"], given["to"])
    except Malformed as error:
        form.add_error(error.where if error.where in form.fields else None, error.reason)
    found = services.covered(page_standing(request), catalog_id, since=period[0], until=period[1])
    wanted = only if only in _ONLY else ""
    kept = {name: value for name, value in given.items() if value}
    context = {
        "found": found,
        "coverage": found.coverage,
        "rows": [row for row in found.coverage.rows if not wanted or row.evidence is Evidence(wanted)],
        "only": wanted,
        "choices": [
            (code, label, urlencode({**kept, **({"only": code} if code else {})})) for code, label in _ONLY.items()
        ],
        "query": urlencode({**kept, **({"only": wanted} if wanted else {})}),
        "period": urlencode({**kept, "ask": "1"}),
        "form": form,
    }
    return render(request, "frameworks/coverage.html", context, status=400 if form.errors else 200)


@page(needs=Capability.LEDGER_READ)
def mapping(request: HttpRequest) -> HttpResponse:
    """What actions evidence now, and every change of it."""
    return _mapping(request, None)


@page(needs=Capability.CATALOG_MANAGE, step_up="writes", methods=("POST",))
def change(request: HttpRequest) -> HttpResponse:
    """Check overrides, put them in force, or put the base mapping back."""
    standing = page_standing(request)
    form = MappingForm(request.POST)
    base = "base" in request.POST
    if base:
        form.fields["document"].required = False
    made: ResolvedMapping | None = None
    if form.is_valid():
        try:
            document = None if base else services.read_document(form.cleaned_data["document"])
            if "check" in request.POST:
                made = unchanged() if document is None else services.resolved(document)
            else:
                put, seq = services.put_in_force(standing, document, replaces=form.cleaned_data["replaces"])
                messages.success(request, f"{put.version} is in force, entry {seq:,}.")
                return HttpResponseRedirect(reverse("frameworks:mapping"))
        except (Malformed, Refused) as error:
            where = "" if error.where in (None, "document") else f"{error.where}: "
            form.add_error("document", f"{where}{error.reason}")
    return _mapping(request, form, made, status=422 if form.errors else 200)


def _mapping(
    request: HttpRequest, form: MappingForm | None, made: ResolvedMapping | None = None, *, status: int = 200
) -> HttpResponse:
    standing = page_standing(request)
    found = services.mapping_in_force()
    history = services.mapping_history()
    people = names_of(standing.tenant_id, {row.by for row in history})
    document = history[0].document if history else ""
    return render(
        request,
        "frameworks/mapping.html",
        {
            "mapping": found,
            "base": MAPPING_VERSION,
            "row": history[0] if history else None,
            "changed": sorted(found.changed.items()),
            "history": [(row, people.get(row.by, "")) for row in history],
            "made": made,
            "made_changed": sorted(made.changed.items()) if made is not None else [],
            "may_manage": standing.may(Capability.CATALOG_MANAGE),
            "form": form or MappingForm(initial={"document": _shown(document), "replaces": found.version}),
        },
        status=status,
    )


def _shown(document: str) -> str:
    """The overrides as somebody edits them; of a tenant that has none, an example that changes nothing yet."""
    value: Any = orjson.loads(document) if document else _example()
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _example() -> dict[str, Any]:
    return {
        "format": FORMAT,
        "name": "ours",
        "base": MAPPING_VERSION,
        "notes": unchanged().notes,
        "entry": {},
        "annotate": {},
    }


def _imports(catalog_id: str) -> list[Any]:
    """The imports of a framework that there is."""
    rows = services.imports_of(catalog_id)
    if not rows and catalog_id not in catalog_ids():
        raise Http404
    return list(rows)
