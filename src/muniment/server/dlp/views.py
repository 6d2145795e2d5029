"""Pages of data protection: what files are searched for, and what was refused."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from muniment.core.errors import Malformed, Refused
from muniment.dlp.judging import Policy
from muniment.dlp.pictures import engine
from muniment.server.access.pages import page, page_standing
from muniment.server.capabilities import Capability
from muniment.server.dlp import services
from muniment.server.dlp.forms import TITLES, PolicyForm
from muniment.server.members.names import names_of

_SHOWN = 25


@page(needs=Capability.EXCEPTION_READ)
def home(request: HttpRequest) -> HttpResponse:
    """The policy in force, its versions, and the files that were refused."""
    standing = page_standing(request)
    number, policy = services.policy_in_force()
    versions, refused = services.policy_versions()[:_SHOWN], services.refusals(most=_SHOWN)
    names = names_of(standing.tenant_id, {*(one.created_by for one in versions), *(one.created_by for one in refused)})
    context: dict[str, Any] = {
        "number": number,
        "rules": [(title, policy.rules[name]) for name, title in TITLES.items()],
        "patterns": [(one, policy.rules[one.kind]) for one in policy.patterns],
        "versions": [(one, names.get(one.created_by, "")) for one in versions],
        "refused": [(one, services.findings_of(one), names.get(one.created_by, "")) for one in refused],
        "held": services.held_count("attachment"),
        "may_change": standing.may(Capability.DLP_MANAGE),
        "ocr": engine() is not None,
        "antivirus": bool(settings.CLAMD),
    }
    return render(request, "dlp/home.html", context)


@page(needs=Capability.DLP_MANAGE, step_up="writes", methods=("GET", "POST"))
def change(request: HttpRequest) -> HttpResponse:
    """Put another policy in force."""
    number, policy = services.policy_in_force()
    if request.method != "POST":
        return _form(request, PolicyForm(number, policy))
    form = PolicyForm(number, policy, request.POST)
    if form.is_valid():
        try:
            _keep(request, form.policy(), form.cleaned_data["number"])
        except (Malformed, Refused) as error:
            form.accuse(error)
        else:
            messages.success(request, "In force. What was judged before stays as it is until it is scanned again.")
            return HttpResponseRedirect(reverse("dlp:home"))
    return _form(request, form, status=422)


def _keep(request: HttpRequest, policy: Policy, number: int) -> None:
    with transaction.atomic():
        services.change_policy(page_standing(request), policy, number=number)


def _form(request: HttpRequest, form: PolicyForm, *, status: int = 200) -> HttpResponse:
    return render(request, "dlp/change.html", {"form": form}, status=status)
