"""The account's own pages: name, colours, password, sessions."""

from __future__ import annotations

from allauth.socialaccount.models import SocialAccount
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters

from muniment.core.errors import Refused
from muniment.server.access.pages import account_page
from muniment.server.accounts import factors, profile, sessions
from muniment.server.accounts.forms import ChangePasswordForm, NameForm, ThemeForm
from muniment.server.accounts.throttle import Attempt
from muniment.server.accounts.views_factors import person
from muniment.server.accounts.views_signin import refuse_attempt

_YEAR = 31536000


@account_page(methods=("GET", "POST"))
def security(request: HttpRequest) -> HttpResponse:
    """Everything about one's own account; a POST changes the name."""
    user = person(request)
    form, status = NameForm(initial={"name": user.name}), 200
    if request.method == "POST":
        form, status = NameForm(request.POST), 422
        if form.is_valid():
            profile.change_name(request, user, form.cleaned_data["name"])
            messages.success(request, "Saved.")
            return HttpResponseRedirect(reverse("account:security"))
    context = {
        "form": form,
        "theme_form": ThemeForm(initial={"theme": user.theme or "auto"}),
        "factors": factors.factors_of(user),
        "recovery_codes": factors.recovery_codes_left(user),
        "linked": SocialAccount.objects.filter(user_id=user.pk).order_by("pk"),
    }
    return render(request, "account/security.html", context, status=status)


@account_page(methods=("POST",))
def theme(request: HttpRequest) -> HttpResponse:
    """Remember how pages are to look."""
    form = ThemeForm(request.POST)
    response = HttpResponseRedirect(reverse("account:security"))
    if form.is_valid():
        chosen = form.cleaned_data["theme"]
        profile.change_theme(person(request), chosen)
        response.set_cookie("theme", chosen, max_age=_YEAR, samesite="Lax", secure=request.is_secure())
    else:
        messages.error(request, "There are no such colours.")
    return response


@account_page(step_up="always", methods=("GET", "POST"))
@sensitive_post_parameters("present", "password")
def change_password(request: HttpRequest) -> HttpResponseBase:
    """Change the password; every other session ends."""
    user = person(request)
    if not user.has_usable_password():
        messages.info(request, "You sign in through your organisation; there is no password here to change.")
        return HttpResponseRedirect(reverse("account:security"))
    form = ChangePasswordForm(request.POST if request.method == "POST" else None, user=user)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            answer = profile.change_password(
                request, user, present=form.cleaned_data["present"], password=form.cleaned_data["password"]
            )
            if not isinstance(answer, Attempt):
                messages.success(request, "Your password was changed, and you were signed out everywhere else.")
                if form.breach_unchecked:
                    messages.warning(request, profile.UNCHECKED)
                return HttpResponseRedirect(reverse("account:security"))
            status = refuse_attempt(form, answer, "This is not your present password.", field="present")
    return render(request, "account/password_change.html", {"form": form}, status=status)


@account_page(methods=("GET", "POST"))
def session_list(request: HttpRequest) -> HttpResponse:
    """Where one is signed in; a POST ends one session (`session`) or all others (`others`)."""
    user = person(request)
    if request.method == "POST":
        number = request.POST.get("session", "")
        if "others" in request.POST:
            ended = sessions.end_others(request, user)
            messages.success(request, f"{ended} other session{'' if ended == 1 else 's'} ended.")
        elif number.isascii() and number.isdigit() and len(number) < 19:
            try:
                sessions.end_session(request, user, int(number))
                messages.success(request, "The session has ended.")
            except Refused as error:
                messages.error(request, error.reason[:1].upper() + error.reason[1:] + ".")
        else:
            messages.error(request, "Say which session.")
        return HttpResponseRedirect(reverse("account:sessions"))
    context = {
        "sessions": sessions.sessions_of(user, request.session.session_key),
        "idle_hours": sessions.IDLE_HOURS,
    }
    return render(request, "account/sessions.html", context)
