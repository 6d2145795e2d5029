"""The pages on the way in and out: sign in, second factor, sign out."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from allauth.account.internal.stagekit import clear_login
from allauth.account.utils import get_login_redirect_url
from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters

from muniment.server.access.pages import public_page
from muniment.server.accounts import signing_in, stages
from muniment.server.accounts.forms import CodeForm, SignInForm
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
    form = CodeForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            answer = signing_in.with_code(request, user, form.cleaned_data["code"])
            if not isinstance(answer, Attempt):
                response = signing_in.go_on(stage)
                signing_in.remember_device(request, response, user)
                return response
            status = refuse_attempt(form, answer, "That code is not right, or it was used before.", field="code")
    return render(request, "mfa/authenticate.html", {"form": form}, status=status)


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
