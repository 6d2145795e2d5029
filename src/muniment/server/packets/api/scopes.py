"""What packets hold, for programs."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from ninja import Router

from muniment.server.access.operations import Needs
from muniment.server.api.answers import json_response
from muniment.server.capabilities import Capability
from muniment.server.packets import services
from muniment.server.packets.answers import scope_json
from muniment.server.packets.api.scope import scope
from muniment.server.packets.shapes import NewScope, ScopeList, ScopeOut

_REQUEST: Final = Needs(Capability.PACKET_REQUEST)

router = Router(auth=_REQUEST, tags=["packets"])


@router.get("/api/packet-scopes", summary="Packet scopes", operation_id="packet_scopes", response=ScopeList)
def scopes(request: HttpRequest) -> HttpResponse:
    """The newest version of each, newest first."""
    with scope(request):
        return json_response({"scopes": [scope_json(row) for row in services.scopes()]})


@router.post(
    "/api/packet-scopes", summary="Save a packet scope", operation_id="save_packet_scope", response={201: ScopeOut}
)
def save(request: HttpRequest, wanted: NewScope) -> HttpResponse:
    """Writes down what a packet shall hold; recorded. Slots that are left out say "not supplied"."""
    with scope(request) as standing:
        return json_response(scope_json(services.save_scope(standing, wanted.scope())), status=201)


@router.get("/api/packet-scopes/{scope_id}", summary="One packet scope", operation_id="packet_scope", response=ScopeOut)
def one(request: HttpRequest, scope_id: str) -> HttpResponse:
    """One version of a scope."""
    with scope(request):
        return json_response(scope_json(services.scope_for(scope_id)))


@router.get(
    "/api/packet-scopes/{scope_id}/versions",
    summary="Versions of a packet scope",
    operation_id="packet_scope_versions",
    response=ScopeList,
)
def versions(request: HttpRequest, scope_id: str) -> HttpResponse:
    """All of them, newest first."""
    with scope(request):
        rows = services.versions_of(services.scope_for(scope_id))
        return json_response({"scopes": [scope_json(row) for row in rows]})


@router.post(
    "/api/packet-scopes/{scope_id}/versions",
    summary="Save a newer version",
    operation_id="save_packet_scope_version",
    response={201: ScopeOut},
)
def save_version(request: HttpRequest, scope_id: str, wanted: NewScope) -> HttpResponse:
    """Requests that name an earlier version keep it."""
    with scope(request) as standing:
        services.scope_for(scope_id)
        row = services.save_scope(standing, wanted.scope(), replaces=scope_id)
        return json_response(scope_json(row), status=201)
