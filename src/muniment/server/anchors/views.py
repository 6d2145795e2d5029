"""Pages of anchors: how the authorities do, and one token with how to check it elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from muniment.anchors.authorities import shown_address
from muniment.core.errors import Malformed
from muniment.core.timestamp_chain import name_of
from muniment.server.access.pages import page, page_standing
from muniment.server.access.standing import Standing
from muniment.server.anchors import services
from muniment.server.anchors.answers import meaning_of, pinned_out
from muniment.server.anchors.commands import note_name, openssl_command, token_name
from muniment.server.anchors.forms import EveryForm
from muniment.server.anchors.workflow import STATES, shown_every
from muniment.server.capabilities import Capability

PAGE_SIZE: Final = 25
_KINDS: Final = {"works": "good", "overdue": "bad", "failing": "bad"}


@page(needs=Capability.LEDGER_READ)
def home(request: HttpRequest) -> HttpResponse:
    """Authorities with their state, the newest tokens, and the cadence."""
    return _home(request)


@page(needs=Capability.TENANT_MANAGE, step_up="writes", methods=("POST",))
def every(request: HttpRequest) -> HttpResponse:
    """Set how often the log is anchored."""
    form = EveryForm(request.POST)
    if form.is_valid():
        try:
            _seconds, entry = services.set_every(page_standing(request), form.cleaned_data["every"])
        except Malformed as error:
            form.add_error("every", error.reason[:1].upper() + error.reason[1:])
        else:
            messages.success(
                request, "It was so before." if entry is None else f"Saved, and recorded as entry {entry}."
            )
            return HttpResponseRedirect(reverse("anchors:home"))
    return _home(request, form=form, status=422)


@page(needs=Capability.LEDGER_READ)
def token(request: HttpRequest, size: int, authority: str) -> HttpResponse:
    """One token: what it says, and how to check it elsewhere."""
    found = _token(page_standing(request), size, authority)
    certificates = () if found.stamped is None else found.stamped.chain
    return render(
        request,
        "anchors/token.html",
        {
            "found": found,
            "anchor": found.anchor,
            "ended": found.anchor.valid_until <= datetime.now(UTC),
            "said_at": None if found.token is None else datetime.fromtimestamp(found.token.time / 1_000_000, UTC),
            "serial": "" if found.token is None else f"{found.token.serial:x}",
            "chain": [(name_of(one), pinned_out(one)) for one in certificates],
            "imprint": found.imprint.hex(),
            "openssl": openssl_command(size, authority),
        },
    )


@page(needs=Capability.LEDGER_READ)
def download(request: HttpRequest, size: int, authority: str) -> HttpResponse:
    """The token as a file: DER, as received."""
    found = _token(page_standing(request), size, authority)
    return _file(found.anchor.token, token_name(size, authority), "application/octet-stream")


@page(needs=Capability.LEDGER_READ)
def note(request: HttpRequest, size: int) -> HttpResponse:
    """The sealed note that the tokens over a checkpoint stamp, as a file."""
    standing = page_standing(request)
    with standing.transaction() as connection:
        found = services.stamped_note(connection, standing, size)
    if found is None:
        raise Http404
    return _file(found, note_name(size), "text/plain; charset=utf-8")


def _home(request: HttpRequest, *, form: EveryForm | None = None, status: int = 200) -> HttpResponse:
    standing = page_standing(request)
    cursor = request.GET.get("cursor")
    with standing.transaction() as connection:
        found = services.anchoring_of(connection, standing)
        tokens, following = services.tokens(connection, standing, limit=PAGE_SIZE, cursor=cursor)
    rows = [
        {
            "one": one,
            "word": STATES[one.state],
            "kind": _KINDS.get(one.state, ""),
            "address": "" if one.authority is None else shown_address(one.authority.url),
            "pinned": () if one.authority is None else tuple(pinned_out(at) for at in one.authority.pinned),
            "meaning": meaning_of(None if one.failing is None else one.failing.word),
        }
        for one in found.authorities
    ]
    context = {
        "anchoring": found,
        "rows": rows,
        "tokens": tokens,
        "cursor": following,
        "paged": cursor is not None,
        "every": shown_every(found.every),
        "now": datetime.now(UTC),
        "form": form or EveryForm(initial={"every": shown_every(found.every)}),
        "may_manage": standing.may(Capability.TENANT_MANAGE),
    }
    return render(request, "anchors/home.html", context, status=status)


def _token(standing: Standing, size: int, authority: str) -> services.TokenShown:
    with standing.transaction() as connection:
        found = services.token_of(connection, standing, size, authority)
    if found is None:
        raise Http404
    return found


def _file(data: bytes, name: str, kind: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return HttpResponse(data, content_type=kind, headers=headers)
