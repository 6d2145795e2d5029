"""Pages of the first start: the account, then its second factors, then the first tenant."""

from __future__ import annotations

from typing import Final, cast
from urllib.parse import urlencode

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters

from muniment.core.errors import Refused
from muniment.server.access.pages import account_page, public_page
from muniment.server.accounts import profile
from muniment.server.accounts.forms import NewPasskeyForm
from muniment.server.accounts.models import User
from muniment.server.accounts.signing_in import by_address
from muniment.server.accounts.throttle import Limit, begin
from muniment.server.setup import services
from muniment.server.setup.forms import AdministratorForm

_LINK_ADDRESS: Final = Limit("setup.address", free=10, first=30, cap=900)


@public_page(reason="before the first administrator there is nobody to sign in", methods=("GET", "POST"))
@sensitive_post_parameters("password", "token")
def home(request: HttpRequest) -> HttpResponseBase:
    """Make the first administrator, if the link is the one that the installation printed."""
    token = request.POST.get("token") or request.GET.get("token") or ""
    attempt = begin(by_address(_LINK_ADDRESS, request))
    if not attempt.taken:
        return render(request, "setup/closed.html", {"seconds": attempt.wait}, status=429)
    if not services.link_is_good(token):
        return render(request, "setup/closed.html", status=410)
    attempt.succeeded()
    user = User()
    form, status = AdministratorForm(request.POST if request.method == "POST" else None, user=user), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                services.make_administrator(user, form.cleaned_data["password"], token)
            except Refused as error:
                form.add_error(None if error.where == "token" else error.where, error.reason)
            else:
                if form.breach_unchecked:
                    messages.warning(request, profile.UNCHECKED)
                request.session.cycle_key()
                then = reverse("account:enrol") + "?" + urlencode({"only": "app", "next": reverse("setup:passkey")})
                login = Login(user=user, redirect_url=then, email=user.email)
                return cast("HttpResponse", perform_password_login(request, {}, login))
    return render(request, "setup/home.html", {"form": form, "token": token}, status=status)


@account_page()
def passkey(request: HttpRequest) -> HttpResponse:
    """Offer a passkey beside the authenticator app, then lead to the first tenant."""
    then = f"/t/{services.FIRST_SLUG}/" if services.has_first_tenant() else reverse("account:security")
    return render(request, "setup/passkey.html", {"form": NewPasskeyForm(), "next": then})
