"""The list of assets for programs."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from ninja import Router

from muniment.server.access.operations import Needs
from muniment.server.api.answers import json_response
from muniment.server.assets import services
from muniment.server.assets.answers import asset_json
from muniment.server.assets.shapes import (
    AssetCriticality,
    AssetKind,
    AssetList,
    AssetOut,
    AssetRetirement,
    AssetStatus,
    AssetVersionList,
    ChangedAsset,
    NewAsset,
)
from muniment.server.assets.workflow import Definition
from muniment.server.capabilities import Capability
from muniment.server.causality.api import check_query
from muniment.server.registers.operations import PAGE, Cursor, Doing, Limit, Word, Words, scope
from muniment.server.registers.pages import one_page

_LISTED: Final = frozenset({"status", "owner", "criticality", "kind", "text", "after", "limit"})
_MANAGE: Final = Needs(Capability.REGISTER_MANAGE)
_CHANGE: Final = Doing(services.ACTION)

router = Router(auth=Needs(Capability.EXCEPTION_READ), tags=["registers"])


@router.get("/api/assets", summary="Assets", operation_id="assets", response=AssetList)
def listed(
    request: HttpRequest,
    status: AssetStatus | None = None,
    criticality: AssetCriticality | None = None,
    kind: AssetKind | None = None,
    owner: Word = "",
    text: Words = "",
    after: Cursor = "",
    limit: Limit = PAGE,
) -> HttpResponse:
    """The assets as they stand, retired ones too, by code."""
    check_query(request, _LISTED)
    with scope(request):
        rows = services.assets(
            status=status or "", owner=owner, criticality=criticality or "", kind=kind or "", text=text
        )
        found, following = one_page(rows, ("code",), after, limit)
        return json_response({"assets": [asset_json(row) for row in found], "next": following})


@router.post(
    "/api/assets", auth=_MANAGE, summary="List an asset", operation_id="create_asset", response={201: AssetOut}
)
def create(request: HttpRequest, asset: NewAsset) -> HttpResponse:
    """Its first version; recorded, and so is a refusal."""
    said = Definition(**asset.model_dump(exclude={"code"}))
    with scope(request, _CHANGE) as standing:
        return json_response(asset_json(services.create(standing, said, code=asset.code)), status=201)


@router.get("/api/assets/{asset_id}", summary="One asset", operation_id="asset", response=AssetOut)
def asset(request: HttpRequest, asset_id: str) -> HttpResponse:
    """An asset as it stands, by its id or code."""
    with scope(request):
        return json_response(asset_json(services.asset_for(asset_id)))


@router.get(
    "/api/assets/{asset_id}/versions",
    summary="Versions of an asset",
    operation_id="asset_versions",
    response=AssetVersionList,
)
def versions(request: HttpRequest, asset_id: str) -> HttpResponse:
    """Every version, oldest first; each has its entry in the ledger."""
    with scope(request):
        return json_response({"versions": [asset_json(row) for row in services.history_of(asset_id)]})


@router.patch(
    "/api/assets/{asset_id}", auth=_MANAGE, summary="Change an asset", operation_id="change_asset", response=AssetOut
)
def change(request: HttpRequest, asset_id: str, changes: ChangedAsset) -> HttpResponse:
    """Adds a version; recorded, and so is a refusal."""
    with scope(request, _CHANGE) as standing:
        return json_response(asset_json(services.change(standing, asset_id, changes.given, number=changes.number)))


@router.post(
    "/api/assets/{asset_id}/retire",
    auth=_MANAGE,
    summary="Retire an asset",
    operation_id="retire_asset",
    response=AssetOut,
)
def retire(request: HttpRequest, asset_id: str, order: AssetRetirement) -> HttpResponse:
    """Ends an asset; it stays readable, and its code is not used again."""
    with scope(request, _CHANGE) as standing:
        return json_response(asset_json(services.retire(standing, asset_id, order.reason, number=order.number)))
