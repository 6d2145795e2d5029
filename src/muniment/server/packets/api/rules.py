"""What the tenant asks of its desk, and the text that is signed, for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from django.http import HttpRequest, HttpResponse
from ninja import Router

from muniment.server.access.operations import Needs
from muniment.server.api.answers import json_response
from muniment.server.capabilities import Capability
from muniment.server.packets import services
from muniment.server.packets.answers import text_json
from muniment.server.packets.api.scope import scope
from muniment.server.packets.shapes import NewText, RulesShape, TextList, TextOut
from muniment.server.packets.workflow import Rules

_MANAGE: Final = Needs(Capability.TENANT_MANAGE)

router = Router(auth=Needs(Capability.PACKET_REQUEST), tags=["packets"])


@router.get("/api/packet-rules", summary="Rules of the desk", operation_id="packet_rules", response=RulesShape)
def rules(request: HttpRequest) -> HttpResponse:
    """Due time, time zone, whether a text is signed, and how long links open."""
    with scope(request):
        return json_response(asdict(services.rules()))


@router.put(
    "/api/packet-rules",
    auth=_MANAGE,
    summary="Set the rules of the desk",
    operation_id="set_packet_rules",
    response=RulesShape,
)
def set_rules(request: HttpRequest, wanted: RulesShape) -> HttpResponse:
    """For requests from now on; recorded."""
    with scope(request) as standing:
        services.set_rules(
            standing,
            Rules(wanted.due_hours, wanted.working_days, wanted.zone, wanted.nda_required, wanted.link_hours),
        )
        return json_response(asdict(services.rules()))


@router.get("/api/ndas", summary="Texts to be signed", operation_id="ndas", response=TextList)
def ndas(request: HttpRequest) -> HttpResponse:
    """Every version, newest first; the first is in force."""
    with scope(request):
        return json_response({"texts": [text_json(row) for row in services.ndas()]})


@router.post(
    "/api/ndas",
    auth=_MANAGE,
    summary="Publish a text to be signed",
    operation_id="publish_nda",
    response={201: TextOut},
)
def publish(request: HttpRequest, wanted: NewText) -> HttpResponse:
    """For requests from now on; its SHA-256 is recorded."""
    with scope(request) as standing:
        return json_response(text_json(services.publish_nda(standing, text=wanted.text)), status=201)


@router.get("/api/ndas/{nda_id}", summary="One text", operation_id="nda", response=TextOut)
def nda(request: HttpRequest, nda_id: str) -> HttpResponse:
    """One version of the text."""
    with scope(request):
        return json_response(text_json(services.nda_for(nda_id)))
