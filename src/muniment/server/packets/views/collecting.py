"""What somebody outside sees who holds a link: the text, the signing, and the packet. Everything else is a 404.

The link's secret is the whole proof: whoever holds it is taken for the recipient. Nothing here says who that is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from muniment.core.errors import Malformed, MunimentError, Refused
from muniment.server.access.pages import public_page
from muniment.server.attachments.answers import a_download
from muniment.server.packets import services, workflow
from muniment.server.packets.answers import packet_response
from muniment.server.packets.forms import SignForm
from muniment.server.packets.models import PacketRequest
from muniment.server.tenants.middleware import tenant_of
from muniment.server.tenants.scope import tenant_scope

REASON: Final = "somebody without an account takes a packet by a link that was made for them"


@public_page(reason=REASON)
def collect(request: HttpRequest, token: str) -> HttpResponseBase:
    """What waits, and what is to be signed first."""
    return _held(request, token, lambda row: _page(request, row, token))


@public_page(reason=REASON, methods=("POST",))
def sign(request: HttpRequest, token: str) -> HttpResponseBase:
    """Accept the text."""

    def signed(row: PacketRequest) -> HttpResponseBase:
        try:
            locked = services.request_for(row.id, lock=True)
            services.sign(locked, name=request.POST.get("name", ""), sha256=request.POST.get("sha256", ""))
        except (Malformed, Refused) as error:
            return _page(request, row, token, fault=error)
        return HttpResponseRedirect(reverse("packets:collect", args=[token]))

    return _held(request, token, signed)


@public_page(reason=REASON, methods=("POST",))
def take(request: HttpRequest, token: str) -> HttpResponseBase:
    """The packet's bytes; recorded."""

    def taken(row: PacketRequest) -> HttpResponseBase:
        try:
            with a_download() as place:
                handed = services.hand_over(row.id, standing=None, way="link")
                if not handed.fault:
                    return packet_response(place, handed)
                place.release()
        except Refused as error:
            return _page(request, row, token, fault=error)
        said = Refused("it is not what was recorded, and is not given out; this is recorded", "packet")
        return _page(request, row, token, fault=said)

    return _held(request, token, taken)


def _held(request: HttpRequest, token: str, do: Callable[[PacketRequest], HttpResponseBase]) -> HttpResponseBase:
    tenant = tenant_of(request)
    if tenant is None or len(token) > 64:
        raise Http404
    with tenant_scope(tenant.tenant_id):
        try:
            return do(services.request_of_link(token))
        except services.NoSuch:
            raise Http404 from None


def _page(request: HttpRequest, row: PacketRequest, token: str, *, fault: MunimentError | None = None) -> HttpResponse:
    text = services.nda_of(row)
    signed = services.signature_of(row)
    context = {
        "row": row,
        "scope": services.scope_for(row.scope_id),
        "text": text,
        "signed": signed,
        "sign": SignForm(initial={"sha256": "" if text is None else text.sha256}),
        "ready": row.state in (workflow.BUILT, workflow.DELIVERED),
        "token": token,
        "fault": fault,
    }
    return render(request, "packets/collect.html", context, status=200 if fault is None else 422)
