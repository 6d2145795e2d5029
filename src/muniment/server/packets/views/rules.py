"""Pages of what the tenant asks of its desk, and of the text that is signed."""

from __future__ import annotations

from dataclasses import asdict

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from muniment.core.errors import Malformed, Refused
from muniment.server.access.pages import page, page_standing
from muniment.server.capabilities import Capability
from muniment.server.packets import services
from muniment.server.packets.forms import RulesForm, TextForm


@page(needs=Capability.TENANT_MANAGE)
def index(request: HttpRequest) -> HttpResponse:
    """The rules, and the texts."""
    return _page(request, RulesForm(initial=asdict(services.rules())), _text_form())


@page(needs=Capability.TENANT_MANAGE, step_up="writes", methods=("POST",))
def set_rules(request: HttpRequest) -> HttpResponse:
    """Set the rules."""
    form = RulesForm(request.POST)
    if form.is_valid():
        try:
            services.set_rules(page_standing(request), form.rules())
        except (Malformed, Refused) as error:
            form.accuse(error)
        else:
            messages.success(request, "Saved.")
            return HttpResponseRedirect(reverse("packets:rules"))
    return _page(request, form, _text_form(), status=422)


@page(needs=Capability.TENANT_MANAGE, step_up="writes", methods=("POST",))
def publish(request: HttpRequest) -> HttpResponse:
    """Set the text that is signed from now on."""
    form = TextForm(request.POST)
    if form.is_valid():
        try:
            row = services.publish_nda(page_standing(request), text=form.cleaned_data["text"])
        except (Malformed, Refused) as error:
            form.accuse(error)
        else:
            messages.success(request, f"Version {row.version} is in force: SHA-256 {row.sha256}.")
            return HttpResponseRedirect(reverse("packets:rules"))
    return _page(request, RulesForm(initial=asdict(services.rules())), form, status=422)


@page(needs=Capability.PACKET_REQUEST)
def text(request: HttpRequest, nda_id: str) -> HttpResponse:
    """One version of the text."""
    try:
        row = services.nda_for(nda_id)
    except services.NoSuch:
        raise Http404 from None
    return render(request, "packets/text.html", {"row": row})


def _text_form() -> TextForm:
    known = services.nda_in_force()
    return TextForm(initial={"text": "" if known is None else known.text})


def _page(request: HttpRequest, rules: RulesForm, text: TextForm, *, status: int = 200) -> HttpResponse:
    context = {"rules": rules, "text": text, "texts": services.ndas()}
    return render(request, "packets/rules.html", context, status=status)
