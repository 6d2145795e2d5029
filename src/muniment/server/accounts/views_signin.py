"""The pages on the way in and out: sign in, second factor, sign out."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from allauth.account.internal.stagekit import clear_login
from allauth.account.utils import get_login_redirect_url
from allauth.mfa.models import Authenticator
from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters

from muniment.server.access.pages import public_page
from muniment.server.accounts import passkeys, signing_in, stages
from muniment.server.accounts.forms import CodeForm, CredentialForm, SignInForm
from muniment.server.accounts.models import User
from muniment.server.accounts.nexts import next_of
from muniment.server.accounts.throttle import Attempt

_WRONG = "The e-mail address or the password is not right."


@public_page(reason="people sign in here", methods=("GET", "POST"))
@sensitive_post_parameters("password")
def sign_in(request: HttpRequest) -> HttpResponseBase:
    """Ask for address and password."""
    next_path = next_of(request, "")
    if request.user.is_authenticated:
        return HttpResponseRedirect(next_path or get_login_redirect_url(request))
    form = SignInForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        clear_login(request)
        status = 422
        if form.is_valid():
            answer = signing_in.with_password(
                request, form.cleaned_data["email"], form.cleaned_data["password"], next_path=next_path
            )
            if not isinstance(answer, Attempt):
                return answer
            status = refuse_attempt(form, answer, _WRONG)
    return render(request, "account/login.html", {"form": form, "next": next_path}, status=status)


@public_page(reason="the second step of signing in; needs the first", methods=("GET", "POST"))
def second_factor(request: HttpRequest) -> HttpResponseBase:
    """Ask for the second factor of whoever gave the first proof just now."""
    if request.user.is_authenticated:
        return HttpResponseRedirect(get_login_redirect_url(request))
    stage = stages.pending(request)
    if stage is None:
        return HttpResponseRedirect(reverse("account_login"))
    user = stage.login.user
    if not isinstance(user, User):
        raise TypeError("a sign-in is a person's")
    form = factor_form(request)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            answer = give_factor(request, user, form)
            if not isinstance(answer, Attempt):
                response = signing_in.go_on(stage)
                signing_in.remember_device(request, response, user)
                return response
            status = refuse_factor(form, answer)
    context = {"form": form, "has_passkey": passkeys.has_passkey(user)}
    return render(request, "mfa/authenticate.html", context, status=status)


@public_page(reason="options for a passkey of whoever is signing in", methods=("POST",))
def second_factor_options(request: HttpRequest) -> HttpResponse:
    """What the browser's passkey is to sign, as the second step of signing in."""
    stage = None if request.user.is_authenticated else stages.pending(request)
    if stage is None or not isinstance(stage.login.user, User):
        return JsonResponse({"reason": "sign in first"}, status=403)
    return JsonResponse(passkeys.begin_authentication(request, stage.login.user))


@public_page(reason="people sign in here with a passkey", methods=("POST",))
def passkey_sign_in(request: HttpRequest) -> HttpResponseBase:
    """Sign in with a passkey alone."""
    next_path = next_of(request, "")
    if request.user.is_authenticated:
        return HttpResponseRedirect(next_path or get_login_redirect_url(request))
    clear_login(request)
    form, status = CredentialForm(request.POST), 422
    if form.is_valid():
        answer = signing_in.with_passkey_alone(request, form.cleaned_data["credential"], next_path=next_path)
        if not isinstance(answer, Attempt):
            return answer
        status = refuse_attempt(form, answer, "That passkey does not belong to an account here.")
    context = {"form": SignInForm(), "passkey": form, "next": next_path}
    return render(request, "account/login.html", context, status=status)


@public_page(reason="options for a passkey, before anyone is known", methods=("POST",))
def passkey_options(request: HttpRequest) -> HttpResponse:
    """What any passkey of this server is to sign."""
    return JsonResponse(passkeys.begin_authentication(request, None))


@public_page(reason="signing out twice is no error", methods=("GET", "POST"))
def sign_out(request: HttpRequest) -> HttpResponse:
    """Ask, then sign out."""
    if not request.user.is_authenticated:
        clear_login(request)
        return HttpResponseRedirect(reverse("account_login"))
    if request.method == "POST":
        get_adapter().logout(request)
        return HttpResponseRedirect(reverse("account_login"))
    return render(request, "account/logout.html")


def factor_form(request: HttpRequest) -> CodeForm | CredentialForm:
    """The form that was sent: a code, or a passkey's answer."""
    if request.method != "POST":
        return CodeForm()
    return CredentialForm(request.POST) if "credential" in request.POST else CodeForm(request.POST)


def give_factor(request: HttpRequest, user: User, form: CodeForm | CredentialForm) -> Authenticator | Attempt:
    """Try what a valid form holds."""
    if isinstance(form, CredentialForm):
        return signing_in.with_passkey(request, user, form.cleaned_data["credential"])
    return signing_in.with_code(request, user, form.cleaned_data["code"])


def refuse_factor(form: CodeForm | CredentialForm, attempt: Attempt) -> int:
    """As `refuse_attempt`, in the words of a second factor."""
    if isinstance(form, CredentialForm):
        return refuse_attempt(form, attempt, "That passkey was not accepted.")
    return refuse_attempt(form, attempt, "That code is not right, or it was used before.", field="code")


def refuse_attempt(form: forms.Form, attempt: Attempt, text: str, *, field: str | None = None) -> int:
    """Say that an attempt failed, or that none is taken for a while.

    Returns:
        The status of the answer: 422, or 429.
    """
    if attempt.taken:
        form.add_error(field, text)
        return 422
    minutes = -(-attempt.wait // 60)
    form.add_error(
        None,
        f"Too many attempts. Try again in {attempt.wait} seconds."
        if attempt.wait < 120
        else f"Too many attempts. Try again in {minutes} minutes.",
    )
    return 429
