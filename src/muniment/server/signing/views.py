"""Pages of signatures: an entry to be signed, the newest signatures, and what they can mean."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from muniment.core.errors import Malformed, Refused
from muniment.ledger.read import StoredEntry, entry_at
from muniment.server.access.pages import page, page_standing
from muniment.server.access.standing import Standing
from muniment.server.accounts.models import User
from muniment.server.capabilities import Capability
from muniment.server.explorer.bodies import visible
from muniment.server.explorer.rows import parsed
from muniment.server.signing import services
from muniment.server.signing.components import given_components, note_signing, passkey_suffices
from muniment.server.signing.forms import MeaningsForm, SignForm
from muniment.server.signing.workflow import MEANINGS, read_meanings
from muniment.server.tenants.middleware import tenant_of


@page(needs=Capability.LEDGER_READ)
def index(request: HttpRequest) -> HttpResponse:
    """The newest signatures."""
    standing = page_standing(request)
    below = request.GET.get("below", "")
    rows, following = services.newest_signatures(
        standing, below=int(below) if below.isascii() and below.isdecimal() and len(below) < 17 else None
    )
    context = {"rows": rows, "next": following, "may_manage": standing.may(Capability.TENANT_MANAGE)}
    return render(request, "signing/list.html", context)


@page(needs=Capability.TENANT_MANAGE, step_up="writes", methods=("GET", "POST"))
def meanings(request: HttpRequest) -> HttpResponse:
    """Say what signatures can mean."""
    own = {code: words for code, words in services.meanings().items() if code not in MEANINGS}
    form = MeaningsForm(
        request.POST if request.method == "POST" else None,
        initial={"meanings": "\n".join(f"{code}: {words}" for code, words in own.items())},
    )
    if request.method == "POST" and form.is_valid():
        try:
            services.change_meanings(page_standing(request), read_meanings(form.cleaned_data["meanings"]))
        except Malformed as error:
            form.add_error("meanings", error.reason)
        else:
            messages.success(request, "Saved.")
            return HttpResponseRedirect(reverse("signing:list"))
    context = {"form": form, "always": MEANINGS}
    return render(request, "signing/meanings.html", context, status=422 if form.errors else 200)


@page(needs=Capability.ENTRY_SIGN, step_up="always", methods=("GET", "POST"))
def sign(request: HttpRequest, seq: int) -> HttpResponse:
    """Look at an entry, and sign it."""
    standing = page_standing(request)
    entry = _entry(standing, seq)
    posted = request.method == "POST"
    form = SignForm(
        request.POST if posted else None,
        meanings=services.meanings(),
        hash_=entry.entry_hash.hex(),
        needs_password=not passkey_suffices(request)
        and isinstance(user := request.user, User)
        and user.has_usable_password(),
    )
    if posted and form.is_valid():
        data = form.cleaned_data
        user, tenant = request.user, tenant_of(request)
        if not isinstance(user, User) or tenant is None:
            raise Http404
        components = given_components(request, user, data["password"], fresh_seconds=tenant.step_up_seconds)
        if components.fault:
            # Counted and recorded: this answer commits.
            services.record_refused_signing(standing, seq, data["meaning"], f"{components.field}-not-given")
            form.accuse(components.field, components.fault)
        else:
            try:
                made = services.sign(
                    standing,
                    seq,
                    shown=data["hash"],
                    meaning=data["meaning"],
                    comment=data["comment"],
                    components=components,
                )
            except (Malformed, Refused) as error:
                form.accuse(error.where, error.reason)
            else:
                note_signing(request)
                messages.success(request, f"Signed, as entry {made.seq:,}.")
                return HttpResponseRedirect(reverse("explorer:entry", args=[seq]))
    document = parsed(entry)
    context: dict[str, Any] = {
        "form": form,
        "entry": entry,
        "event": document["event"],
        "document": document,
        "pretty": visible(json.dumps(document, indent=2, ensure_ascii=False)),
        "name": getattr(request.user, "name", ""),
    }
    return render(request, "signing/sign.html", context, status=422 if form.errors else 200)


def _entry(standing: Standing, seq: int) -> StoredEntry:
    with standing.transaction() as reading:
        found = entry_at(reading, standing.log_id, seq) if seq < 2**53 else None
    if found is None:
        raise Http404
    return found[0]
