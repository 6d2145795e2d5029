"""Pages that links lead to: a new password, a proven address, recovery by the operator."""

from __future__ import annotations

from allauth.account.internal.stagekit import clear_login
from allauth.account.models import EmailConfirmationHMAC
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters

from muniment.server.access.pages import public_page
from muniment.server.accounts import profile, recovering, resetting
from muniment.server.accounts.events import recorded_change
from muniment.server.accounts.forms import AddressForm, NewPasswordForm
from muniment.server.accounts.models import User
from muniment.server.accounts.throttle import Attempt
from muniment.server.accounts.views_signin import refuse_attempt


@public_page(reason="somebody who forgot the password cannot sign in", methods=("GET", "POST"))
def forgot(request: HttpRequest) -> HttpResponse:
    """Ask for an address and send a link there."""
    form, status = AddressForm(request.POST if request.method == "POST" else None), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            attempt = resetting.request_reset(request, form.cleaned_data["email"])
            if attempt.taken:
                return HttpResponseRedirect(reverse("account_reset_password_done"))
            status = refuse_attempt(form, attempt, "")
    return render(request, "account/password_reset.html", {"form": form}, status=status)


@public_page(reason="says the same to everybody")
def forgot_sent(request: HttpRequest) -> HttpResponse:
    """Say that a link is on its way, if somebody has the address."""
    return render(request, "account/password_reset_done.html")


@public_page(reason="the link in the message is the proof", methods=("GET", "POST"))
@sensitive_post_parameters("password")
def new_password(request: HttpRequest, user_id: str, token: str) -> HttpResponse:
    """Choose a new password."""
    found = resetting.person_of_link(request, user_id, token)
    if isinstance(found, Attempt):
        return render(request, "account/link_wait.html", {"seconds": found.wait}, status=429)
    if found is None:
        return render(request, "account/link_over.html", {"again": reverse("account_reset_password")}, status=410)
    form, status = NewPasswordForm(request.POST if request.method == "POST" else None, user=found), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            if not resetting.reset_password(request, found, token, form.cleaned_data["password"]):
                return render(
                    request, "account/link_over.html", {"again": reverse("account_reset_password")}, status=410
                )
            clear_login(request)
            messages.success(request, "Your password was changed. Sign in with it.")
            if form.breach_unchecked:
                messages.warning(request, profile.UNCHECKED)
            return HttpResponseRedirect(reverse("account_login"))
    return render(request, "account/password_reset_from_key.html", {"form": form}, status=status)


@public_page(reason="the operator's link is the proof", methods=("GET", "POST"))
@sensitive_post_parameters("password")
def recover(request: HttpRequest, token: str) -> HttpResponse:
    """Choose a new password with the operator's link, and lose every second factor."""
    found = recovering.person_of_link(request, token)
    if isinstance(found, Attempt):
        return render(request, "account/link_wait.html", {"seconds": found.wait}, status=429)
    if found is None:
        return render(request, "account/recover_over.html", status=410)
    form, status = NewPasswordForm(request.POST if request.method == "POST" else None, user=found), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            if not recovering.recover(request, found, token, form.cleaned_data["password"]):
                return render(request, "account/recover_over.html", status=410)
            clear_login(request)
            messages.success(request, "Your password was changed. Sign in with it, and add a second factor.")
            if form.breach_unchecked:
                messages.warning(request, profile.UNCHECKED)
            return HttpResponseRedirect(reverse("account_login"))
    return render(request, "account/recover.html", {"form": form, "email": found.email}, status=status)


@public_page(reason="whoever signs in with an address that is not proven yet is sent here")
def confirm_sent(request: HttpRequest) -> HttpResponse:
    """Say that a message is on its way."""
    return render(request, "account/verification_sent.html")


@public_page(reason="the link in the message is the proof", methods=("GET", "POST"))
def confirm_address(request: HttpRequest, key: str) -> HttpResponse:
    """Take a link as the proof of an address; by a button, so that programs that open links prove nothing."""
    found = EmailConfirmationHMAC.from_key(key)
    if found is None:
        return render(request, "account/link_over.html", {"again": reverse("account_login")}, status=410)
    user = found.email_address.user
    if not isinstance(user, User):
        raise TypeError("an address is a person's")
    if request.method == "POST":
        with recorded_change(request, "user.change", user) as labels:
            done = found.confirm(request) is not None
            labels["changed"] = "address-proven" if done else "nothing"
        messages.success(request, "Your address is proven. Sign in.")
        return HttpResponseRedirect(reverse("account_login"))
    return render(request, "account/email_confirm.html", {"email": found.email_address.email})
