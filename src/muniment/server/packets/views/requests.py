"""Pages of requests for packets: the queue with its clocks, and one request from the asking to the handing over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from muniment.core.errors import Malformed, Refused
from muniment.server.access.pages import page, page_standing
from muniment.server.access.standing import Standing
from muniment.server.attachments.answers import a_download
from muniment.server.capabilities import Capability
from muniment.server.members.names import names_of
from muniment.server.packets import services, workflow
from muniment.server.packets.answers import packet_response, sees
from muniment.server.packets.background import build_soon, building_now
from muniment.server.packets.forms import AskForm, ReasonForm, SignForm
from muniment.server.packets.models import PacketRequest, ScopeVersion
from muniment.server.packets.scope import SLOTS, stored_scope
from muniment.server.packets.workflow import STATES, clock

TONES = {"overdue": "bad", "late": "warn", "met": "good"}
SAID = {
    "packet.request": "asked for",
    "packet.approve": "approved",
    "packet.refuse": "refused",
    "packet.withdraw": "withdrawn",
    "packet.build": "built",
    "packet.keep": "built and kept",
    "packet.offer": "link made",
    "packet.deliver": "taken out",
    "nda.sign": "text signed",
}


@page(needs=Capability.PACKET_REQUEST)
def index(request: HttpRequest) -> HttpResponse:
    """The queue: what waits first, the most urgent at the top."""
    standing = page_standing(request)
    rows = [row for row in services.requests() if sees(standing, row)]
    now, who = timezone.now(), _names(standing, rows)
    names = {row.id: row.name for row in ScopeVersion.objects.filter(id__in={row.scope_id for row in rows})}
    clocks = {row.id: clock(row.state, row.due_at, row.delivered_at, now) for row in rows}
    shown = [
        {
            "row": row,
            "scope": names.get(row.scope_id, row.scope_id),
            "state": STATES.get(row.state, row.state),
            "clock": clocks[row.id],
            "tone": TONES.get(clocks[row.id].word, ""),
            "party": who.get(row.party, ""),
            "asked": who.get(row.requested_by, ""),
        }
        for row in rows
    ]
    overdue = sum(one.word == "overdue" for one in clocks.values())
    context = {
        "rows": shown,
        "overdue": overdue,
        "may_manage": standing.may(Capability.TENANT_MANAGE),
        "may_deliver": standing.may(Capability.PACKET_DELIVER),
    }
    return render(request, "packets/list.html", context)


@page(needs=Capability.PACKET_REQUEST, methods=("GET", "POST"))
def ask(request: HttpRequest, scope_id: str) -> HttpResponse:
    """Ask for a packet of a scope."""
    standing = page_standing(request)
    try:
        scope = services.scope_for(scope_id)
    except services.NoSuch:
        raise Http404 from None
    form = AskForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                row = services.ask(standing, scope, purpose=form.cleaned_data["purpose"], party=form.party())
            return HttpResponseRedirect(reverse("packets:request", args=[row.id]))
        except (Malformed, Refused) as error:
            form.accuse(error)
    context = {"form": form, "scope": scope, "rules": services.rules(), "text": services.nda_in_force()}
    return render(request, "packets/ask.html", context, status=422 if request.method == "POST" else 200)


@page(needs=Capability.PACKET_REQUEST)
def request_page(request: HttpRequest, request_id: str) -> HttpResponse:
    """One request."""
    standing = page_standing(request)
    return _page(request, standing, _found(standing, request_id))


@page(needs=Capability.PACKET_APPROVE, step_up="writes", methods=("POST",))
def decide(request: HttpRequest, request_id: str) -> HttpResponse:
    """Approve or refuse a request of somebody else."""
    if request.POST.get("decision") == "approve":
        return _step(request, request_id, lambda standing: services.approve(standing, request_id), "Approved.")
    reason = request.POST.get("reason", "")
    return _step(request, request_id, lambda standing: services.refuse(standing, request_id, reason=reason), "Refused.")


@page(needs=Capability.PACKET_REQUEST, methods=("POST",))
def withdraw(request: HttpRequest, request_id: str) -> HttpResponse:
    """Withdraw a request."""
    reason = request.POST.get("reason", "")
    return _step(
        request, request_id, lambda standing: services.withdraw(standing, request_id, reason=reason), "Withdrawn."
    )


@page(needs=Capability.PACKET_REQUEST, methods=("POST",))
def sign(request: HttpRequest, request_id: str) -> HttpResponse:
    """Accept the text of a request."""
    name, sha256 = request.POST.get("name", ""), request.POST.get("sha256", "")

    def signed(standing: Standing) -> None:
        row = services.request_for(request_id, lock=True)
        services.sign(row, name=name, sha256=sha256, standing=standing)

    return _step(request, request_id, signed, "Signed.")


@page(needs=Capability.PACKET_DELIVER, step_up="writes", methods=("POST",))
def build(request: HttpRequest, request_id: str) -> HttpResponse:
    """Build an approved packet; the page shows when it is there."""
    standing = page_standing(request)
    row = _found(standing, request_id)
    if row.state != workflow.APPROVED:
        return _page(request, standing, row, fault=f"{STATES[row.state]}: it cannot be built now.")
    build_soon(standing, row.id)
    messages.info(request, "It is being built. Load this page again in a moment.")
    return HttpResponseRedirect(reverse("packets:request", args=[row.id]))


@page(needs=Capability.PACKET_DELIVER, step_up="writes", methods=("POST",))
def link(request: HttpRequest, request_id: str) -> HttpResponse:
    """Make a link for somebody outside, and show it this once."""
    standing = page_standing(request)
    row = _found(standing, request_id)
    try:
        row, token = services.offer_link(standing, row.id)
    except Refused as error:
        return _page(request, standing, row, fault=f"{error.where}: {error.reason}")
    address = request.build_absolute_uri(reverse("packets:collect", args=[token]))
    return _page(request, standing, row, link=address, status=200)


@page(needs=Capability.PACKET_REQUEST, step_up="writes", methods=("POST",))
def take(request: HttpRequest, request_id: str) -> HttpResponseBase:
    """The packet's bytes; recorded."""
    standing = page_standing(request)
    row = _found(standing, request_id)
    try:
        with a_download() as place:
            handed = services.hand_over(row.id, standing=standing, way="page")
            if not handed.fault:
                return packet_response(place, handed)
            place.release()
    except Refused as error:
        return _page(request, standing, row, fault=f"{error.where}: {error.reason}")
    return _page(
        request, standing, row, fault=f"{handed.fault}. It is not given out, and this is recorded.", status=409
    )


def _step(request: HttpRequest, request_id: str, do: Callable[[Standing], object], done: str) -> HttpResponse:
    standing = page_standing(request)
    row = _found(standing, request_id)
    try:
        with transaction.atomic():
            do(standing)
    except (Malformed, Refused) as error:
        return _page(request, standing, row, fault=f"{error.where}: {error.reason}")
    messages.success(request, done)
    return HttpResponseRedirect(reverse("packets:request", args=[row.id]))


def _page(
    request: HttpRequest, standing: Standing, row: PacketRequest, *, fault: str = "", link: str = "", status: int = 0
) -> HttpResponse:
    scope = services.scope_for(row.scope_id)
    history = services.history_of(standing, row)
    names = names_of(standing.tenant_id, {row.requested_by, row.party, row.decided_by, *_actors(history)})
    party = services.parties({row.party}).get(row.party)
    text, signed = services.nda_of(row), services.signature_of(row)
    at = clock(row.state, row.due_at, row.delivered_at, timezone.now())
    own, open_ = (
        standing.subject in (row.requested_by, row.party),
        row.state not in (workflow.REFUSED, workflow.WITHDRAWN),
    )
    handed = row.state in (workflow.BUILT, workflow.DELIVERED)
    context: dict[str, Any] = {
        "row": row,
        "scope": scope,
        "missing": [SLOTS[slot] for slot in stored_scope(scope.content).missing],
        "state": STATES.get(row.state, row.state),
        "clock": at,
        "tone": TONES.get(at.word, ""),
        "due": row.due_at.astimezone(ZoneInfo(row.zone)).strftime("%Y-%m-%d %H:%M"),
        "party": party,
        "names": names,
        "party_name": names.get(row.party, ""),
        "asked_name": names.get(row.requested_by, ""),
        "decided_name": names.get(row.decided_by, ""),
        "text": text,
        "signed": signed,
        "history": [
            (one, SAID.get(one["action"], one["action"]), names.get(one["actor"]["id"], "")) for one in history
        ],
        "deliveries": services.deliveries_of(row),
        "building": building_now(row.id),
        "fault": fault,
        "link": link,
        "reason": ReasonForm(),
        "sign": SignForm(initial={"sha256": "" if text is None else text.sha256}),
        "may_decide": row.state == workflow.REQUESTED and standing.may(Capability.PACKET_APPROVE) and not own,
        "decides_not": row.state == workflow.REQUESTED and standing.may(Capability.PACKET_APPROVE) and own,
        "may_withdraw": open_ and (own or standing.may(Capability.PACKET_APPROVE)),
        "may_sign": open_ and text is not None and signed is None and row.party == standing.subject,
        "may_build": row.state == workflow.APPROVED and standing.may(Capability.PACKET_DELIVER),
        "may_link": row.party.startswith("rcp_")
        and row.state in (workflow.APPROVED, workflow.BUILT, workflow.DELIVERED)
        and standing.may(Capability.PACKET_DELIVER),
        "may_take": handed and (row.party == standing.subject or standing.may(Capability.PACKET_DELIVER)),
        "unsigned": handed and text is not None and signed is None,
    }
    return render(request, "packets/request.html", context, status=status or (422 if fault else 200))


def _names(standing: Standing, rows: list[PacketRequest]) -> dict[str, str]:
    people = names_of(standing.tenant_id, {one for row in rows for one in (row.party, row.requested_by)})
    return {**people, **{one: party.words for one, party in services.parties({row.party for row in rows}).items()}}


def _actors(history: list[dict[str, Any]]) -> set[str]:
    return {event["actor"]["id"] for event in history}


def _found(standing: Standing, request_id: str) -> PacketRequest:
    try:
        row = services.request_for(request_id)
    except services.NoSuch:
        raise Http404 from None
    if not sees(standing, row):
        raise Http404
    return row
