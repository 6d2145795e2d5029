"""The page behind the link of an invitation."""

from __future__ import annotations

from urllib.parse import urlencode

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from muniment.core.errors import Refused
from muniment.server.access.pages import public_page
from muniment.server.access.stepup import second_factor_at
from muniment.server.accounts.events import recorded_change
from muniment.server.accounts.factors import has_factor
from muniment.server.accounts.models import User
from muniment.server.accounts.signing_in import with_password
from muniment.server.members import services
from muniment.server.members.forms import JoinForm, PlainForm
from muniment.server.members.models import Invitation
from muniment.server.tenants.middleware import tenant_of
from muniment.server.tenants.resolving import RequestTenant


@public_page(reason="whoever is invited has no membership yet; the link's token is the proof", methods=("GET", "POST"))
def join(request: HttpRequest, token: str) -> HttpResponseBase:
    """Accept an invitation: with one's own account, or with a new one."""
    tenant = tenant_of(request)
    invitation = services.find_invitation(token)
    if tenant is None or invitation is None or invitation.tenant_id != tenant.tenant_id:
        return _private(render(request, "members/join_closed.html", status=404))
    if isinstance(request.user, User):
        return _private(_with_own_account(request, tenant, invitation, request.user))
    if User.objects.filter(email__iexact=invitation.email).exists():
        sign_in = reverse("account_login") + "?" + urlencode({"next": request.path})
        return _private(
            render(request, "members/join_sign_in.html", {"invitation": invitation, "join_at": tenant, "go": sign_in})
        )
    return _private(_with_new_account(request, tenant, invitation))


def _with_own_account(
    request: HttpRequest, tenant: RequestTenant, invitation: Invitation, user: User
) -> HttpResponseBase:
    form = PlainForm(request.POST or None)
    proven = EmailAddress.objects.filter(user=user, email__iexact=invitation.email, verified=True).exists()
    matches = proven and user.email.lower() == invitation.email
    if matches and has_factor(user) and second_factor_at(request) is None:
        return HttpResponseRedirect(reverse("account:step-up") + "?" + urlencode({"next": request.path}))
    if request.method == "POST" and matches:
        try:
            services.accept(invitation, user)
        except Refused as error:
            form = PlainForm({})
            form.add_error(None, error.reason[:1].upper() + error.reason[1:])
        else:
            return HttpResponseRedirect(f"{tenant.prefix}/")
    context = {"form": form, "invitation": invitation, "matches": matches, "join_at": tenant, "here": request.path}
    return render(request, "members/join_own.html", context, status=422 if request.method == "POST" else 200)


def _with_new_account(request: HttpRequest, tenant: RequestTenant, invitation: Invitation) -> HttpResponseBase:
    user = User(email=invitation.email, name=request.POST.get("name", "")[:128])
    form = JoinForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        user.name = form.cleaned_data["name"]
        user.set_password(form.cleaned_data["password"])
        try:
            # Whoever does not become a member gets no account, nor an address that counts as theirs.
            with transaction.atomic():
                with recorded_change(None, "user.create", user) as labels:
                    labels["how"] = "invitation"
                    # The link came to this address, or was shown to whoever invited, who answers for it.
                    labels["address"] = "vouched-for" if invitation.delivery == "shown" else "reached"
                    user.save(force_insert=True)
                    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
                services.accept(invitation, user)
        except IntegrityError:
            # Somebody else was quicker with the same link; this page then asks them to sign in.
            return HttpResponseRedirect(request.path)
        except Refused as error:
            form.add_error(None, error.reason[:1].upper() + error.reason[1:])
        else:
            enrol = reverse("account:enrol") + "?" + urlencode({"next": f"{tenant.prefix}/"})
            answer = with_password(request, user.email, form.cleaned_data["password"], next_path=enrol)
            if isinstance(answer, HttpResponseBase):
                return answer
            return HttpResponseRedirect(reverse("account_login") + "?" + urlencode({"next": enrol}))
    context = {"form": form, "invitation": invitation, "join_at": tenant}
    return render(request, "members/join_new.html", context, status=422 if request.method == "POST" else 200)


def _private(response: HttpResponseBase) -> HttpResponseBase:
    # The address is a secret: no cache keeps the page, and no other site is told of it.
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "same-origin"
    if isinstance(response, HttpResponse):
        response["X-Robots-Tag"] = "noindex"
    return response
