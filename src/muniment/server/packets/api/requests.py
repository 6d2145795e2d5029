"""Requests for packets, from the asking to the handing over, for programs."""

from __future__ import annotations

from typing import Annotated, Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Query, Router

from muniment.core.errors import VerificationFailed
from muniment.server.access.operations import Needs, standing_in
from muniment.server.access.standing import Standing
from muniment.server.api.answers import json_response
from muniment.server.attachments.answers import a_download
from muniment.server.capabilities import Capability
from muniment.server.moments import moment
from muniment.server.packets import services
from muniment.server.packets.answers import packet_response, request_json, sees
from muniment.server.packets.api.scope import refusals, scope
from muniment.server.packets.models import PacketRequest
from muniment.server.packets.shapes import (
    LinkOut,
    NewNdaSignature,
    NewRequest,
    Reason,
    RequestList,
    RequestOut,
)
from muniment.server.problems import refuse as problem
from muniment.server.tenants.resolving import tenant_in_scope

_APPROVE: Final = Needs(Capability.PACKET_APPROVE)
_DELIVER: Final = Needs(Capability.PACKET_DELIVER)

router = Router(
    auth=Needs(Capability.PACKET_REQUEST, Capability.PACKET_APPROVE, Capability.PACKET_DELIVER), tags=["packets"]
)


@router.get(
    "/api/packet-requests", summary="Requests for packets", operation_id="packet_requests", response=RequestList
)
def requests(request: HttpRequest, state: Annotated[str, Query(max_length=16)] = "") -> HttpResponse:
    """Those that wait first, the most urgent at the top; without a capability of the desk, one's own alone."""
    with scope(request) as standing:
        rows = [row for row in services.requests(state=state) if sees(standing, row)]
        who = services.parties({row.party for row in rows})
        return json_response({"requests": [request_json(row, who) for row in rows]})


@router.post(
    "/api/packet-requests",
    auth=Needs(Capability.PACKET_REQUEST),
    summary="Ask for a packet",
    operation_id="ask_packet",
    response={201: RequestOut},
)
def ask(request: HttpRequest, wanted: NewRequest) -> HttpResponse:
    """For oneself or somebody outside; recorded. The due time begins to run."""
    with scope(request) as standing:
        party = None if wanted.recipient is None else wanted.recipient.party()
        row = services.ask(standing, services.scope_for(wanted.scope), purpose=wanted.purpose, party=party)
        return _answer(row, status=201)


@router.get(
    "/api/packet-requests/{request_id}", summary="One request", operation_id="packet_request", response=RequestOut
)
def one(request: HttpRequest, request_id: str) -> HttpResponse:
    """A request with its clock and its deliveries."""
    with scope(request) as standing:
        return _answer(_seen(standing, request_id))


@router.get("/api/packet-requests/{request_id}/history", summary="History of a request", operation_id="packet_history")
def history(request: HttpRequest, request_id: str) -> HttpResponse:
    """What the log says of it, oldest first."""
    with scope(request) as standing:
        events = services.history_of(standing, _seen(standing, request_id))
        return json_response(
            {
                "history": [
                    {
                        "entry": event["seq"],
                        "at": moment(event["at"]),
                        "action": event["action"],
                        "outcome": event["outcome"],
                        "actor": event["actor"]["id"],
                        "labels": event.get("labels", []),
                    }
                    for event in events
                ]
            }
        )


@router.post(
    "/api/packet-requests/{request_id}/approve",
    auth=_APPROVE,
    summary="Approve a request",
    operation_id="approve_packet",
    response=RequestOut,
)
def approve(request: HttpRequest, request_id: str) -> HttpResponse:
    """Of somebody else; recorded."""
    with scope(request) as standing:
        return _answer(services.approve(standing, request_id))


@router.post(
    "/api/packet-requests/{request_id}/refuse",
    auth=_APPROVE,
    summary="Refuse a request",
    operation_id="refuse_packet",
    response=RequestOut,
)
def refuse(request: HttpRequest, request_id: str, why: Reason) -> HttpResponse:
    """Of somebody else, with a reason; recorded."""
    with scope(request) as standing:
        return _answer(services.refuse(standing, request_id, reason=why.reason))


@router.post(
    "/api/packet-requests/{request_id}/withdraw",
    auth=Needs(Capability.PACKET_REQUEST, Capability.PACKET_APPROVE),
    summary="Withdraw a request",
    operation_id="withdraw_packet",
    response=RequestOut,
)
def withdraw(request: HttpRequest, request_id: str, why: Reason) -> HttpResponse:
    """One's own, or as the desk anybody's; nothing of it is handed over from now on. Recorded."""
    with scope(request) as standing:
        _seen(standing, request_id)
        return _answer(services.withdraw(standing, request_id, reason=why.reason))


@router.post(
    "/api/packet-requests/{request_id}/sign",
    auth=Needs(Capability.PACKET_REQUEST),
    summary="Sign for a packet",
    operation_id="sign_packet",
    response={201: RequestOut},
)
def sign(request: HttpRequest, request_id: str, signature: NewNdaSignature) -> HttpResponse:
    """Accepts the text of a request, as the member who shall have the packet; recorded."""
    with scope(request) as standing:
        _seen(standing, request_id)
        row = services.request_for(request_id, lock=True)
        services.sign(row, name=signature.name, sha256=signature.sha256, standing=standing)
        return _answer(row, status=201)


@router.post(
    "/api/packet-requests/{request_id}/build",
    auth=_DELIVER,
    summary="Build an approved packet",
    operation_id="build_requested_packet",
    response=RequestOut,
)
def build(request: HttpRequest, request_id: str) -> HttpResponse:
    """Takes as long as the packet needs, and waits for a checkpoint over the entry that names its manifest."""
    standing = standing_in(request)
    try:
        with refusals():
            services.build(standing, request_id)
    except VerificationFailed as error:
        raise problem("altered", f"{error.reason}; nothing is built, and this is recorded", field=error.where) from None
    with scope(request):
        return _answer(services.request_for(request_id))


@router.post(
    "/api/packet-requests/{request_id}/deliver",
    auth=Needs(Capability.PACKET_DELIVER, Capability.PACKET_REQUEST),
    summary="Take a packet out",
    operation_id="deliver_packet",
)
def deliver(request: HttpRequest, request_id: str) -> HttpResponseBase:
    """The packet's bytes, compared with what was recorded first. Each time is recorded, whole or interrupted."""
    with a_download() as place:
        with scope(request) as standing:
            _seen(standing, request_id)
            handed = services.hand_over(request_id, standing=standing, way="api")
        if handed.fault:
            raise problem("altered", f"{handed.fault}; it is not given out, and this is recorded", field=request_id)
        return packet_response(place, handed)


@router.post(
    "/api/packet-requests/{request_id}/link",
    auth=_DELIVER,
    summary="Make a link for somebody outside",
    operation_id="offer_packet",
    response={201: LinkOut},
)
def link(request: HttpRequest, request_id: str) -> HttpResponse:
    """Whoever holds it can read the text, sign it and take the packet. It is shown once; an earlier one ends."""
    with scope(request) as standing:
        row, token = services.offer_link(standing, request_id)
        path = f"/t/{tenant_in_scope().slug}/packets/collect/{token}"
        return json_response({"path": path, "until": moment(row.link_until)}, status=201)


@router.delete(
    "/api/packet-recipients/{recipient_id}",
    auth=_APPROVE,
    summary="Forget who somebody is",
    operation_id="erase_recipient",
    response={204: None},
)
def erase(request: HttpRequest, recipient_id: str) -> HttpResponse:
    """Name, company and address are erased; the id in the ledger stays and names nobody any more."""
    with scope(request):
        if "\0" in recipient_id or not services.erase_party(recipient_id):
            raise problem("not-found", "there is nobody of that id who is known")
        return HttpResponse(status=204)


def _seen(standing: Standing, request_id: str) -> PacketRequest:
    row = services.request_for(request_id)
    if not sees(standing, row):
        raise services.NoSuch("there is no such request", "request")
    return row


def _answer(row: PacketRequest, *, status: int = 200) -> HttpResponse:
    return json_response(request_json(row, services.parties({row.party})), status=status)
