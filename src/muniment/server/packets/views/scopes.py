"""Pages of what packets hold."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from muniment.core.errors import Malformed, Refused
from muniment.server.access.pages import page, page_standing
from muniment.server.access.standing import Standing
from muniment.server.attachments import services as attachments
from muniment.server.capabilities import Capability
from muniment.server.frameworks.services import catalogs
from muniment.server.members.names import names_of
from muniment.server.packets import services
from muniment.server.packets.forms import Choices, ScopeForm
from muniment.server.packets.models import ScopeVersion
from muniment.server.packets.scope import SLOTS, Scope, stored_scope
from muniment.server.populations import services as populations
from muniment.server.tenants.models import Workspace


@page(needs=Capability.PACKET_REQUEST)
def index(request: HttpRequest) -> HttpResponse:
    """The newest version of each scope."""
    standing = page_standing(request)
    rows = services.scopes()
    names = names_of(standing.tenant_id, {row.created_by for row in rows})
    shown = [(row, stored_scope(row.content), names.get(row.created_by, "")) for row in rows]
    return render(request, "packets/scopes.html", {"rows": shown})


@page(needs=Capability.PACKET_REQUEST, methods=("GET", "POST"))
def new(request: HttpRequest) -> HttpResponse:
    """Write down what a packet shall hold."""
    return _write(request, None)


@page(needs=Capability.PACKET_REQUEST, methods=("GET", "POST"))
def change(request: HttpRequest, scope_id: str) -> HttpResponse:
    """Write down the next version of a scope."""
    return _write(request, services.versions_of(_found(scope_id))[0])


@page(needs=Capability.PACKET_REQUEST)
def scope(request: HttpRequest, scope_id: str) -> HttpResponse:
    """One version of a scope."""
    standing = page_standing(request)
    row = _found(scope_id)
    versions, said = services.versions_of(row), stored_scope(row.content)
    names = names_of(standing.tenant_id, {row.created_by})
    context = {
        "row": row,
        "scope": said,
        "slots": _slots(said),
        "versions": versions,
        "newest": versions[0],
        "person": names.get(row.created_by, ""),
    }
    return render(request, "packets/scope.html", context)


def _write(request: HttpRequest, before: ScopeVersion | None) -> HttpResponse:
    standing = page_standing(request)
    choices, files = _choices(standing), _files()
    if request.method != "POST":
        initial = {} if before is None else _initial(stored_scope(before.content))
        return _form(request, ScopeForm(choices=choices, files=files, initial=initial), before)
    form = ScopeForm(request.POST, choices=choices, files=files)
    if form.is_valid():
        try:
            row = services.save_scope(standing, form.scope(), replaces="" if before is None else before.id)
            return HttpResponseRedirect(reverse("packets:scope", args=[row.id]))
        except (Malformed, Refused) as error:
            form.accuse(error)
    return _form(request, form, before, status=422)


def _form(request: HttpRequest, form: ScopeForm, before: ScopeVersion | None, *, status: int = 200) -> HttpResponse:
    return render(request, "packets/scope_form.html", {"form": form, "before": before}, status=status)


def _slots(said: Scope) -> list[tuple[str, list[Any]]]:
    return [(SLOTS[slot], [attachments.attachment_for(one) for one in files]) for slot, files in said.slots]


def _initial(said: Scope) -> dict[str, Any]:
    return {
        "name": said.name,
        "controls": " ".join(said.controls),
        "frameworks": said.frameworks,
        "since": said.since,
        "until": said.until,
        "workspace": said.workspace,
        "populations": said.populations,
        "samples": said.samples,
        "statements": " ".join(said.statements),
        "reports": " ".join(said.reports),
        **{f"slot_{slot}": files for slot, files in said.slots},
    }


def _choices(standing: Standing) -> dict[str, Choices]:
    saved = populations.populations(standing)
    drawn = [(row, sample) for row in saved for sample in populations.samples_of(standing, row)]
    return {
        "frameworks": [(one.id, f"{one.title} ({one.id})") for one in catalogs()],
        "workspace": [
            ("", "Everywhere"),
            *((name, name) for name in Workspace.objects.order_by("name").values_list("name", flat=True)),
        ],
        "populations": [(row.id, f"{row.name}: {row.count:,} entries") for row in saved],
        "samples": [(one.id, f"{row.name}, sample {one.number}: {len(one.places):,} entries") for row, one in drawn],
    }


def _files() -> dict[str, Choices]:
    rows = attachments.attachments()
    return {
        slot: [(row.id, f"{row.name}, version {row.version}") for row in rows if row.kind == slot] for slot in SLOTS
    }


def _found(scope_id: str) -> ScopeVersion:
    try:
        return services.scope_for(scope_id)
    except services.NoSuch:
        raise Http404 from None
