"""API keys and service accounts: the list, making them, revoking and closing them."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from muniment.server.access.pages import page, page_standing
from muniment.server.capabilities import MEANINGS, Capability
from muniment.server.members import services
from muniment.server.members.models import Role, ServiceAccount
from muniment.server.members.views.attempts import attempt
from muniment.server.members.workflow import NoSuch
from muniment.server.sources.forms import KeyForm, ServiceForm
from muniment.server.sources.listing import KeyRow, key_rows, service_rows


@page(needs=Capability.SOURCE_READ)
def index(request: HttpRequest) -> HttpResponse:
    """Every key with what it may do, and the service accounts."""
    rows = _rows(request)
    return render(
        request,
        "sources/keys.html",
        {
            "rows": rows,
            "open": sum(not row.closed for row in rows),
            "services": service_rows(rows),
            "meanings": MEANINGS,
            "may_manage": page_standing(request).may(Capability.KEY_MANAGE),
        },
    )


@page(needs=Capability.KEY_MANAGE, step_up="always", methods=("GET", "POST"))
def create(request: HttpRequest) -> HttpResponse:
    """Make a key and show it, this once."""
    accounts = list(ServiceAccount.objects.filter(closed_at=None).order_by("name"))
    form = KeyForm(request.POST if request.method == "POST" else None, services=accounts)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        made = attempt(
            request,
            form,
            lambda: services.create_key(
                page_standing(request), label=data["label"], scope=data["scope"], service_id=data["service"] or None
            ),
        )
        if made is not None:
            return render(
                request, "sources/key_made.html", {"key": made, "label": data["label"], "scope": data["scope"]}
            )
    status = 422 if request.method == "POST" else 200
    return render(request, "sources/key_form.html", {"form": form}, status=status)


@page(needs=Capability.KEY_MANAGE, step_up="always", methods=("GET", "POST"))
def revoke(request: HttpRequest, key_id: str) -> HttpResponse:
    """Ask whether a key is to be revoked, and do it."""
    row = next((row for row in _rows(request) if row.key.key_id == key_id), None)
    if row is None:
        raise Http404
    if request.method == "POST":
        services.revoke_key(page_standing(request), key_id)
        messages.success(request, f"Revoked: {row.key.label}. Requests that carry it are refused from now on.")
        return HttpResponseRedirect(reverse("keys:list"))
    return render(request, "sources/key_revoke.html", {"row": row})


@page(needs=Capability.KEY_MANAGE, step_up="always", methods=("GET", "POST"))
def create_service(request: HttpRequest) -> HttpResponse:
    """Make a service account."""
    form = ServiceForm(request.POST if request.method == "POST" else None, roles=list(Role.objects.order_by("name")))
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        made = attempt(
            request,
            form,
            lambda: services.create_service(page_standing(request), name=data["name"], roles=data["roles"]),
        )
        if made is not None:
            messages.success(request, f"Made: {made.name}. It does nothing until it has a key.")
            return HttpResponseRedirect(reverse("keys:list"))
    status = 422 if request.method == "POST" else 200
    return render(request, "sources/service_form.html", {"form": form}, status=status)


@page(needs=Capability.KEY_MANAGE, step_up="always", methods=("GET", "POST"))
def close_service(request: HttpRequest, service_id: str) -> HttpResponse:
    """Ask whether a service account is to be closed, and do it."""
    row = next((row for row in service_rows(_rows(request)) if row.service.id == service_id), None)
    if row is None:
        raise Http404
    if request.method == "POST":
        try:
            services.close_service(page_standing(request), service_id)
        except NoSuch as error:
            raise Http404 from error
        messages.success(request, f"Closed: {row.service.name}. Its keys are revoked.")
        return HttpResponseRedirect(reverse("keys:list"))
    return render(request, "sources/service_close.html", {"row": row})


def _rows(request: HttpRequest) -> list[KeyRow]:
    standing = page_standing(request)
    with standing.transaction() as connection:
        return key_rows(connection, standing)
