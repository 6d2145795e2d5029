"""Pages of packets that were built: the list, one packet, building one, and taking its archive out."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from muniment.core.errors import MunimentError
from muniment.ledger.proofs import NotSealed
from muniment.server.access.pages import page, page_standing
from muniment.server.access.standing import Standing
from muniment.server.capabilities import Capability
from muniment.server.explorer.names import names_of
from muniment.server.frameworks.services import catalogs
from muniment.server.packets.building import services
from muniment.server.packets.building.archiving import archive
from muniment.server.packets.building.forms import BuildForm, RegisterFileForm
from muniment.server.packets.building.models import Packet
from muniment.server.packets.building.register_files import register_file
from muniment.server.problems import ProblemError
from muniment.server.record.addresses import api_address
from muniment.server.recording import record


@page(needs=Capability.PACKET_DELIVER)
def index(request: HttpRequest) -> HttpResponse:
    """The packets that were built, newest first."""
    return _list(request)


@page(needs=Capability.PACKET_DELIVER, step_up="writes", methods=("POST",))
def build(request: HttpRequest) -> HttpResponse:
    """Build a packet of a saved scope."""
    standing = page_standing(request)
    form = BuildForm(request.POST, scopes=services.scopes(standing))
    if not form.is_valid():
        return _list(request, form=form, status=422)
    try:
        with transaction.atomic():
            scope = services.scope_for(standing, form.cleaned_data["scope"])
            row = services.begin(standing, scope, bodies=form.cleaned_data["bodies"])
    except (MunimentError, ProblemError) as error:
        form.add_error(None, f"Not built: {error}.")
        return _list(request, form=form, status=422)
    return HttpResponseRedirect(reverse("packet_building:packet", args=[row.id]))


@page(needs=Capability.PACKET_DELIVER)
def packet(request: HttpRequest, packet_id: str) -> HttpResponse:
    """One packet: what it is of, what was recorded, and how to check it."""
    standing = page_standing(request)
    row = _found(standing, packet_id)
    names = names_of(standing.tenant_id, {row.created_by})
    context = {
        "row": row,
        "archive": services.archived([row]).get(row.id),
        "sealed": services.is_sealed(standing, row),
        "person": names.get(row.created_by, ""),
    }
    return render(request, "packet_building/packet.html", context)


@page(needs=Capability.PACKET_DELIVER, step_up="writes", methods=("POST",))
def take(request: HttpRequest, packet_id: str) -> HttpResponseBase:
    """The archive; recorded as an export."""
    standing = page_standing(request)
    row = _found(standing, packet_id)
    try:
        with transaction.atomic(), archive(standing, row) as made:
            # The name goes with the block; what is open is read to its end.
            stream = made.path.open("rb")
    except MunimentError as error:
        messages.warning(request, f"Not given out: {error}.")
        return HttpResponseRedirect(reverse("packet_building:packet", args=[row.id]))
    record(
        "export.create",
        by=standing.subject,
        resource=("packet", row.id),
        labels={"form": "muniment-packet/1", "sha256": made.sha256, "manifest": row.manifest},
    )
    return FileResponse(stream, as_attachment=True, filename=f"{row.id}.zip", content_type="application/zip")


@page(needs=Capability.EXPORT_CREATE, step_up="writes", methods=("GET", "POST"))
def registers(request: HttpRequest) -> HttpResponse:
    """Exceptions or risks as a file, as of the newest checkpoint; recorded as an export."""
    standing = page_standing(request)
    standing.require(Capability.EXCEPTION_READ)
    known = [(one.id, f"{one.title}, {one.version}") for one in catalogs()]
    form = RegisterFileForm(request.POST if request.method == "POST" else None, frameworks=known)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        chosen = (said["framework"],) if said["framework"] else ()
        try:
            with transaction.atomic():
                made = register_file(standing, said["file"], api=api_address(request), frameworks=chosen)
        except NotSealed:
            form.add_error(None, "There is no checkpoint yet: wait for the first one.")
        except MunimentError as error:
            form.add_error(None, f"Not written: {error}.")
        else:
            headers = {"Content-Disposition": f'attachment; filename="{made.name}"'}
            return HttpResponse(made.content, content_type=made.content_type, headers=headers)
    context = {"form": form}
    return render(request, "packet_building/registers.html", context, status=422 if form.errors else 200)


def _list(request: HttpRequest, *, form: BuildForm | None = None, status: int = 200) -> HttpResponse:
    standing = page_standing(request)
    rows, scopes = services.packets(standing), services.scopes(standing)
    names = names_of(standing.tenant_id, {row.created_by for row in rows})
    context: dict[str, Any] = {
        "rows": [(row, names.get(row.created_by, "")) for row in rows],
        "form": (form or BuildForm(scopes=scopes)) if scopes else None,
    }
    return render(request, "packet_building/list.html", context, status=status)


def _found(standing: Standing, wanted: str) -> Packet:
    try:
        return services.packet_for(standing, wanted)
    except services.NoSuch:
        raise Http404 from None
