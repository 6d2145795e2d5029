"""Pages of the list of assets: the list, an asset with its versions, listing, changing, retiring."""

from __future__ import annotations

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from muniment.core.errors import Malformed, Refused
from muniment.server.access.pages import page, page_standing
from muniment.server.access.standing import Standing
from muniment.server.assets import services
from muniment.server.assets.forms import AssetForm
from muniment.server.assets.models import AssetVersion
from muniment.server.assets.workflow import CRITICALITIES, KINDS, RETIRED, STATUSES, Definition, differences
from muniment.server.capabilities import Capability
from muniment.server.controls.owners import possible_owners
from muniment.server.registers.forms import ReasonForm
from muniment.server.registers.keeping import record_refused
from muniment.server.registers.owners import owner_names
from muniment.server.tables.lists import list_page


@page(needs=Capability.EXCEPTION_READ)
def index(request: HttpRequest) -> HttpResponse:
    """The assets as they stand."""
    return list_page(request, "assets")


@page(needs=Capability.REGISTER_MANAGE, methods=("GET", "POST"))
def new(request: HttpRequest) -> HttpResponse:
    """List an asset."""
    standing = page_standing(request)
    form = AssetForm(request.POST if request.method == "POST" else None, owners=possible_owners(standing.tenant_id))
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                row = services.create(standing, Definition(**form.given), code=form.cleaned_data["code"])
        except (Malformed, Refused) as error:
            record_refused(standing, services.ACTION, None, error)
            form.accuse(error)
        else:
            return HttpResponseRedirect(reverse("assets:asset", args=[row.asset]))
    return render(request, "assets/form.html", {"form": form}, status=422 if form.errors else 200)


@page(needs=Capability.EXCEPTION_READ)
def asset(request: HttpRequest, asset_id: str) -> HttpResponse:
    """One asset: what it says, its versions, and its history drawn from the ledger."""
    return _asset(request, page_standing(request), _history(asset_id), ReasonForm())


@page(needs=Capability.REGISTER_MANAGE, methods=("GET", "POST"))
def change(request: HttpRequest, asset_id: str) -> HttpResponse:
    """Give an asset another version."""
    standing = page_standing(request)
    row = _history(asset_id)[-1]
    if row.status == RETIRED:
        raise Refused("it is retired; what takes its place is an asset of its own", "status")
    form = AssetForm(
        request.POST if request.method == "POST" else None,
        owners=possible_owners(standing.tenant_id),
        before=services.definition_of(row),
        number=row.number,
    )
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                services.change(standing, row.asset, form.given, number=form.cleaned_data["number"])
        except (Malformed, Refused) as error:
            record_refused(standing, services.ACTION, ("asset", row.asset), error)
            form.accuse(error)
        else:
            return HttpResponseRedirect(reverse("assets:asset", args=[row.asset]))
    return render(request, "assets/form.html", {"form": form, "asset": row}, status=422 if form.errors else 200)


@page(needs=Capability.REGISTER_MANAGE, methods=("POST",))
def retire(request: HttpRequest, asset_id: str) -> HttpResponse:
    """End an asset."""
    standing, rows = page_standing(request), _history(asset_id)
    row, form = rows[-1], ReasonForm(request.POST)
    if form.is_valid():
        said = form.cleaned_data
        try:
            with transaction.atomic():
                services.retire(standing, row.asset, said["reason"], number=said["number"])
        except (Malformed, Refused) as error:
            record_refused(standing, services.ACTION, ("asset", row.asset), error)
            form.accuse(error)
        else:
            return HttpResponseRedirect(reverse("assets:asset", args=[row.asset]))
    return _asset(request, standing, rows, form, status=422)


def _asset(
    request: HttpRequest, standing: Standing, rows: list[AssetVersion], form: ReasonForm, *, status: int = 200
) -> HttpResponse:
    row = rows[-1]
    names = owner_names(standing, {row.owner, *(one.created_by for one in rows)})
    versions = []
    for place, one in enumerate(rows):
        said = services.definition_of(one)
        changed = () if not place else differences(services.definition_of(rows[place - 1]), said)
        versions.append((one, changed, names[one.created_by]))
    context = {
        "asset": row,
        "state": STATUSES[row.status],
        "criticality": CRITICALITIES[row.criticality],
        "kind": KINDS[row.kind],
        "owner": names[row.owner],
        "versions": versions[::-1],
        "form": form,
        "may_manage": standing.may(Capability.REGISTER_MANAGE) and row.status != RETIRED,
    }
    return render(request, "assets/asset.html", context, status=status)


def _history(asset_id: str) -> list[AssetVersion]:
    try:
        return services.history_of(asset_id)
    except services.NoSuch:
        raise Http404 from None
