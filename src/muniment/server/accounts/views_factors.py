"""Pages about one's second factors: step-up, adding, recovery codes, removing."""

from __future__ import annotations

import functools
from collections.abc import Callable
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse

from muniment.core.errors import Refused
from muniment.server.access.pages import account_page
from muniment.server.access.stepup import is_fresh
from muniment.server.accounts import enrolling, factors, passkeys, sessions
from muniment.server.accounts.forms import AuthenticatorForm, CredentialForm, NewPasskeyForm
from muniment.server.accounts.middleware import before_second_factor
from muniment.server.accounts.models import User
from muniment.server.accounts.nexts import next_of
from muniment.server.accounts.throttle import Attempt
from muniment.server.accounts.views_signin import factor_form, give_factor, refuse_factor

FRESH_SECONDS = 300


def person(request: HttpRequest) -> User:
    """Who is signed in.

    Raises:
        TypeError: in a page that is open to others.
    """
    if not isinstance(request.user, User):
        raise TypeError("nobody is signed in")
    return request.user


def to_step_up(request: HttpRequest, path: str) -> HttpResponse:
    """Send somebody to give a fresh second factor, and then to `path`."""
    del request
    return HttpResponseRedirect(reverse("account:step-up") + "?" + urlencode({"next": path}))


@before_second_factor
@account_page(methods=("GET", "POST"))
def step_up(request: HttpRequest) -> HttpResponse:
    """Ask for the second factor again, whatever the person signed in with."""
    user = person(request)
    next_path = next_of(request, reverse("account:security"))
    if not factors.has_factor(user):
        return HttpResponseRedirect(reverse("account:enrol") + "?" + urlencode({"next": next_path}))
    form, status = factor_form(request), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            answer = give_factor(request, user, form)
            if not isinstance(answer, Attempt):
                sessions.rotate(request)
                return HttpResponseRedirect(next_path)
            status = refuse_factor(form, answer)
    context = {"form": form, "next": next_path, "has_passkey": passkeys.has_passkey(user)}
    return render(request, "account/step_up.html", context, status=status)


@before_second_factor
@account_page(methods=("POST",))
def step_up_options(request: HttpRequest) -> HttpResponse:
    """What the browser's passkey is to sign, for a step-up."""
    return JsonResponse(passkeys.begin_authentication(request, person(request)))


def adds_factor(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Pages that add a second factor: open to who has none yet, to others only with a fresh one."""

    @functools.wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        if factors.has_factor(person(request)) and not is_fresh(request, FRESH_SECONDS):
            return to_step_up(request, reverse("account:enrol"))
        return view(request)

    return guarded


@before_second_factor
@account_page()
@adds_factor
def enrol(request: HttpRequest) -> HttpResponse:
    """Offer the kinds of second factor."""
    return _enrol_page(request, AuthenticatorForm(), NewPasskeyForm())


@before_second_factor
@account_page(methods=("POST",))
@adds_factor
def add_authenticator(request: HttpRequest) -> HttpResponse:
    """Add the authenticator app, once it shows the right code."""
    form = AuthenticatorForm(request.POST)
    if form.is_valid():
        try:
            fresh = enrolling.add_authenticator(request, person(request), form.cleaned_data["code"])
        except Refused as error:
            form.add_error(None, error.reason)
        else:
            if fresh is not None:
                return _added(request, fresh)
            form.add_error("code", "That is not the code that the app shows now. Check the clock of your phone.")
    return _enrol_page(request, form, NewPasskeyForm(), status=422)


@before_second_factor
@account_page(methods=("POST",))
@adds_factor
def add_passkey(request: HttpRequest) -> HttpResponse:
    """Add the passkey that the browser made."""
    form = NewPasskeyForm(request.POST)
    if form.is_valid():
        try:
            fresh = enrolling.add_passkey(
                request, person(request), form.cleaned_data["credential"], form.cleaned_data["name"]
            )
        except Refused as error:
            form.add_error(None, error.reason)
        else:
            if fresh is not None:
                return _added(request, fresh)
            form.add_error(None, "The passkey was not accepted. Load the page again and try once more.")
    return _enrol_page(request, AuthenticatorForm(), form, status=422)


@before_second_factor
@account_page(methods=("POST",))
@adds_factor
def new_passkey_options(request: HttpRequest) -> HttpResponse:
    """What the browser is to make a passkey of."""
    return JsonResponse(passkeys.begin_registration(request, person(request)))


@account_page(step_up="always", methods=("GET", "POST"))
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """Make new recovery codes; the present ones are not shown again."""
    user = person(request)
    if request.method == "POST":
        return _codes_page(request, enrolling.renew_recovery_codes(request, user))
    return render(request, "account/recovery_codes.html", {"left": factors.recovery_codes_left(user)})


@account_page(step_up="always", methods=("GET", "POST"))
def remove_factor(request: HttpRequest, number: int) -> HttpResponse:
    """Remove an authenticator app or a passkey."""
    user = person(request)
    found = next((row for row in factors.factors_of(user) if row.pk == number), None)
    if found is None:
        messages.error(request, "There is no such authenticator.")
        return HttpResponseRedirect(reverse("account:security"))
    if request.method == "POST":
        try:
            enrolling.remove(request, user, number)
            messages.success(request, "Removed. It no longer opens your account.")
        except Refused as error:
            messages.error(request, error.reason[:1].upper() + error.reason[1:] + ".")
        return HttpResponseRedirect(reverse("account:security"))
    return render(request, "account/remove_factor.html", {"factor": found})


@account_page(step_up="always", methods=("POST",))
def rename_passkey(request: HttpRequest, number: int) -> HttpResponse:
    """Give a passkey another name."""
    name = request.POST.get("name", "").strip()
    if not name or len(name) > 64 or not name.isprintable():
        messages.error(request, "A name has 1 to 64 characters.")
    else:
        try:
            enrolling.rename_passkey(request, person(request), number, name)
        except Refused:
            messages.error(request, "There is no such passkey.")
    return HttpResponseRedirect(reverse("account:security"))


def _enrol_page(
    request: HttpRequest, app: AuthenticatorForm, passkey: NewPasskeyForm | CredentialForm, *, status: int = 200
) -> HttpResponse:
    user = person(request)
    has_app = any(row.type == factors.TOTP for row in factors.factors_of(user))
    context = {
        "app_form": app,
        "passkey_form": passkey,
        "has_app": has_app,
        "has_factor": factors.has_factor(user),
        "next": next_of(request, ""),
    }
    if not has_app:
        secret = enrolling.pending_secret(request, user)
        context["secret"] = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
        context["qr"] = enrolling.qr_code(secret, user, request.get_host().partition(":")[0])
    return render(request, "account/enrol.html", context, status=status)


def _added(request: HttpRequest, fresh: list[str]) -> HttpResponse:
    messages.success(request, "Added. From now on it is asked for when you sign in.")
    if fresh:
        return _codes_page(request, fresh)
    return HttpResponseRedirect(next_of(request, reverse("account:security")))


def _codes_page(request: HttpRequest, made: list[str]) -> HttpResponse:
    context = {"codes": made, "next": next_of(request, reverse("account:security"))}
    return render(request, "account/new_recovery_codes.html", context)
