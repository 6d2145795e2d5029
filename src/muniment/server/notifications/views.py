"""Pages of notifications: one's own list, how one is told, the tenant's defaults, and how messages went."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import get_script_prefix, reverse

from muniment.core.errors import Malformed, Refused
from muniment.server.access.pages import page, page_standing
from muniment.server.capabilities import Capability
from muniment.server.explorer.names import names_of
from muniment.server.notifications import services
from muniment.server.notifications.events import EVENTS, WAYS
from muniment.server.notifications.forms import ReadForm, RoutingForm
from muniment.server.notifications.routing import in_force


@page(needs=None)
def index(request: HttpRequest) -> HttpResponse:
    """What one was told, newest first."""
    user_id = _person(request)
    only_unread = request.GET.get("show") != "all"
    event = request.GET.get("event", "")
    found = services.listed(
        user_id, only_unread=only_unread, event=event, cursor=request.GET.get("cursor", "")[:30].replace("\0", "")
    )
    context = {
        "rows": [(row, EVENTS.get(row.event), _facts(row.facts)) for row in found.rows],
        "older": found.older,
        "paged": "cursor" in request.GET,
        "only_unread": only_unread,
        "event": event,
        "events": EVENTS.values(),
        "newest": found.rows[0].id if found.rows else "",
        "unread": services.unread(user_id),
    }
    return render(request, "notifications/list.html", context)


@page(needs=None, methods=("POST",))
def read(request: HttpRequest) -> HttpResponse:
    """Mark some, or everything that one saw, as read."""
    form = ReadForm(request.POST)
    if not form.is_valid():
        raise Malformed("say which: ids of notifications, or the newest that you saw", "notification")
    user_id = _person(request)
    if form.cleaned_data["up_to"]:
        services.mark_all_read(user_id, up_to=form.cleaned_data["up_to"])
    services.mark_read(user_id, request.POST.getlist("notification")[:200])
    return HttpResponseRedirect(reverse("notifications:list"))


@page(needs=None)
def follow(request: HttpRequest, notification_id: str) -> HttpResponse:
    """Go to what a notification is about; from now on it is read."""
    try:
        row = services.find(_person(request), notification_id)
    except services.NoSuch:
        raise Http404 from None
    services.mark_read(row.user_id, [row.id])
    return HttpResponseRedirect(get_script_prefix().rstrip("/") + row.url)


@page(needs=None, methods=("GET", "POST"))
def routing(request: HttpRequest) -> HttpResponse:
    """How one is told oneself."""
    standing = page_standing(request)
    default, own = services.default_routing(), services.own_routing(_person(request))
    form = RoutingForm(request.POST if request.method == "POST" else None, routing=in_force(default, own))
    if request.method == "POST" and form.is_valid():
        try:
            services.change_own(standing, form.routing())
        except (Malformed, Refused) as error:
            form.accuse(error)
        else:
            messages.success(request, "Saved. What waits already goes out as it was.")
            return HttpResponseRedirect(reverse("notifications:routing"))
    context: dict[str, Any] = {
        "form": form,
        "own": own is not None,
        "may_change_defaults": standing.may(Capability.WORKFLOW_MANAGE),
        "may_see_messages": standing.may(Capability.EXCEPTION_READ),
    }
    return render(request, "notifications/routing.html", context, status=422 if form.errors else 200)


@page(needs=Capability.WORKFLOW_MANAGE, step_up="writes", methods=("GET", "POST"))
def defaults(request: HttpRequest) -> HttpResponse:
    """How everybody of the tenant is told who says nothing else."""
    standing = page_standing(request)
    form = RoutingForm(
        request.POST if request.method == "POST" else None, routing=in_force(services.default_routing(), None)
    )
    if request.method == "POST" and form.is_valid():
        try:
            services.change_default(standing, form.routing())
        except (Malformed, Refused) as error:
            form.accuse(error)
        else:
            messages.success(request, "Saved.")
            return HttpResponseRedirect(reverse("notifications:defaults"))
    return render(request, "notifications/defaults.html", {"form": form}, status=422 if form.errors else 200)


@page(needs=Capability.EXCEPTION_READ)
def sent(request: HttpRequest) -> HttpResponse:
    """How the e-mails of the tenant went, newest first."""
    standing = page_standing(request)
    state = request.GET.get("state", "")
    found = services.sent(state=state, cursor=request.GET.get("cursor", "")[:30].replace("\0", ""))
    names = names_of(standing.tenant_id, {f"user:{row.user_id}" for row in found.rows})
    context = {
        "rows": [
            (row, names.get(f"user:{row.user_id}", ""), WAYS.get(row.way, row.way), services.STATES.get(row.state))
            for row in found.rows
        ],
        "older": found.older,
        "paged": "cursor" in request.GET,
        "state": state,
        "states": services.STATES,
        "may_read_ledger": standing.may(Capability.LEDGER_READ),
    }
    return render(request, "notifications/messages.html", context)


def _person(request: HttpRequest) -> str:
    return page_standing(request).subject.partition(":")[2]


def _facts(facts: dict[str, object]) -> list[tuple[str, object]]:
    return [(name.replace("_", " "), value) for name, value in facts.items()]
