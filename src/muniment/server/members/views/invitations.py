"""Invitations: made, listed, withdrawn."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from muniment.server.access.pages import page, page_standing
from muniment.server.capabilities import Capability
from muniment.server.members import listing, services
from muniment.server.members.forms import InviteForm, PlainForm
from muniment.server.members.links import join_link
from muniment.server.members.rows import read_directory
from muniment.server.members.views.attempts import attempt
from muniment.server.tenants.middleware import tenant_of


@page(needs=Capability.MEMBER_READ)
def index(request: HttpRequest) -> HttpResponse:
    """The open invitations."""
    now = timezone.now()
    directory = read_directory(now)
    rows = list(services.open_invitations(now).order_by("-created_at", "id"))
    names = listing.names_of(row.invited_by for row in rows)
    shown = [
        {
            "row": row,
            "roles": listing.role_names(directory, directory.holders[row.id]),
            "inviter": names.get(row.invited_by, row.invited_by),
        }
        for row in rows
        if row.id in directory.holders
    ]
    may = page_standing(request).may(Capability.MEMBER_MANAGE)
    return render(request, "members/invitations.html", {"invitations": shown, "may_invite": may, "form": PlainForm()})


@page(needs=Capability.MEMBER_MANAGE, step_up="always", methods=("GET", "POST"))
def invite(request: HttpRequest) -> HttpResponse:
    """Invite somebody. Where no mail is configured the link is shown, this once."""
    tenant = tenant_of(request)
    assert tenant is not None
    form = InviteForm(request.POST or None, directory=read_directory(timezone.now()))
    if request.method == "POST" and form.is_valid():
        offer = attempt(
            request,
            form,
            lambda: services.invite(
                page_standing(request),
                tenant,
                email=form.cleaned_data["email"],
                roles=form.cleaned_data["roles"],
                groups=form.cleaned_data.get("groups", ()),
                until=form.end(),
                link_of=lambda token: join_link(request, tenant.slug, token),
            ),
        )
        if offer is not None and offer.link is not None:
            response = render(request, "members/invited.html", {"offer": offer})
            response["Cache-Control"] = "no-store"
            return response
        if offer is not None:
            messages.success(request, "Invited. The message is on its way; its state is shown here.")
            return HttpResponseRedirect(reverse("members:invitations"))
    status = 422 if request.method == "POST" else 200
    context = {"form": form, "mailed": services.mail_is_configured()}
    return render(request, "members/invite.html", context, status=status)


@page(needs=Capability.MEMBER_MANAGE, step_up="writes", methods=("POST",))
def withdraw(request: HttpRequest, invitation_id: str) -> HttpResponse:
    """Take an invitation back."""
    form = PlainForm(request.POST)

    def act() -> bool:
        services.withdraw(page_standing(request), invitation_id)
        return True

    if form.is_valid() and attempt(request, form, act):
        messages.success(request, "Withdrawn. Its link leads nowhere now.")
        return HttpResponseRedirect(reverse("members:invitations"))
    return render(request, "members/refused.html", {"form": form, "back": reverse("members:invitations")}, status=422)
