"""Pages of reasons: changes with what was said of them, and which actions need a reason."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from muniment.core.errors import Malformed
from muniment.server.access.pages import page, page_standing
from muniment.server.capabilities import Capability
from muniment.server.explorer.names import names_of
from muniment.server.populations.question import read_question
from muniment.server.reasons import services
from muniment.server.reasons.forms import RequiredForm, SearchForm
from muniment.server.reasons.workflow import STATES

PAGE_SIZE: Final = 50


@page(needs=Capability.BODY_READ)
def changes(request: HttpRequest) -> HttpResponse:
    """Changes, newest first, each with its reason."""
    standing = page_standing(request)
    form = SearchForm(request.GET if {"action", "state", "text", "from", "to"} & set(request.GET) else None)
    registered = services.registered_actions()
    context: dict[str, Any] = {
        "form": form,
        "registered": registered,
        "may_register": standing.may(Capability.TENANT_MANAGE),
    }
    given = form.cleaned_data if form.is_bound and form.is_valid() else {}
    if not form.errors:
        try:
            period = read_question({name: given.get(name, "") for name in ("from", "to")}).asked
            page_ = services.changes(
                standing,
                actions=[given["action"]] if given.get("action") else [],
                state=given.get("state", ""),
                text=given.get("text", ""),
                since=period.since,
                until=period.until,
                below=_place(request.GET.get("below", "")),
                limit=PAGE_SIZE,
            )
            names = names_of(standing.tenant_id, {one.actor for one in page_.changes})
            context |= {
                "rows": [(one, names.get(one.actor, "")) for one in page_.changes],
                "examined": page_.examined,
                "next": page_.cursor,
                "states": STATES,
            }
        except Malformed as error:
            where = "action" if error.where == "actions" else error.where
            form.add_error(where if where in form.fields else None, error.reason)
    return render(request, "reasons/changes.html", context, status=400 if form.errors else 200)


@page(needs=Capability.TENANT_MANAGE, step_up="writes", methods=("GET", "POST"))
def required(request: HttpRequest) -> HttpResponse:
    """Say which actions need a reason."""
    standing = page_standing(request)
    registered = services.registered_actions()
    # Nothing is registered yet: what is offered stands ticked, and counts once it is saved.
    shown = registered or services.offered_actions()
    form = RequiredForm(request.POST if request.method == "POST" else None, registered=shown)
    if request.method == "POST" and form.is_valid():
        try:
            receipt = services.require_reasons(standing, form.actions())
        except Malformed as error:
            form.accuse(error)
        else:
            said = "Nothing was changed." if receipt is None else f"Registered, and recorded as entry {receipt.seq:,}."
            messages.success(request, said)
            return HttpResponseRedirect(reverse("reasons:changes"))
    context = {"form": form, "registered": registered}
    return render(request, "reasons/required.html", context, status=422 if form.errors else 200)


def _place(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 17 else None
