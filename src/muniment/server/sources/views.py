"""Sources: the list, one of them, and connecting something new."""

from __future__ import annotations

from datetime import UTC, datetime

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from muniment.core.errors import Refused
from muniment.ledger.integrity import log_integrity, walk_history
from muniment.ledger.registry import api_keys
from muniment.ledger.source_activity import (
    HOUR_CAP,
    NUMBERS_READ,
    first_entry_of_key,
    numbering,
    source_of_log,
    sources_of_log,
)
from muniment.server.access.pages import page, page_standing
from muniment.server.capabilities import Capability
from muniment.server.members import services
from muniment.server.members.views.attempts import attempt
from muniment.server.sources.forms import ConnectForm
from muniment.server.sources.setups import SETUPS, Filling
from muniment.server.verification.report import report_of
from muniment.server.verification.services import pin_of

MOST_LISTED = 500


@page(needs=Capability.SOURCE_READ)
def index(request: HttpRequest) -> HttpResponse:
    """Every source: whose it is, when it was heard last, whether it is silent."""
    standing = page_standing(request)
    now = datetime.now(UTC)
    state = request.GET.get("state", "")
    with standing.transaction() as connection:
        found = sources_of_log(connection, standing.log_id, limit=MOST_LISTED + 1)
        walks = walk_history(connection, standing.log_id, limit=1, full=True)
    rows = [(source, source.silent(now)) for source in found[:MOST_LISTED]]
    silent = [row for row in rows if row[1]]
    walk = report_of(walks[0]) if walks else None
    return render(
        request,
        "sources/list.html",
        {
            "rows": silent if state == "silent" else rows,
            "state": state,
            "total": sum(not source.own for source, _ in rows),
            "silent": len(silent),
            "cut": len(found) > MOST_LISTED,
            "hour_cap": HOUR_CAP,
            "walk": walk,
            "numbers": walk and next((row for row in walk.checks if row.name == "sources"), None),
            "gaps": [finding for finding in walk.findings if finding[0] == "sources"] if walk else [],
            "may_connect": standing.may(Capability.KEY_MANAGE),
        },
    )


@page(needs=Capability.SOURCE_READ)
def source(request: HttpRequest, source_id: str) -> HttpResponse:
    """One source: its key, its rhythm, and the numbers of its newest entries."""
    standing = page_standing(request)
    with standing.transaction() as connection:
        found = source_of_log(connection, standing.log_id, source_id) if "\0" not in source_id else None
        if found is None:
            raise Http404
        numbers = numbering(connection, standing.log_id, found)
    return render(
        request,
        "sources/source.html",
        {
            "source": found,
            "silent": found.silent(datetime.now(UTC)),
            "numbers": numbers,
            "numbers_read": NUMBERS_READ,
            "hour_cap": HOUR_CAP,
        },
    )


@page(needs=Capability.KEY_MANAGE)
def connect(request: HttpRequest) -> HttpResponse:
    """Choose what is to be connected."""
    return render(request, "sources/connect.html", {"setups": SETUPS.values()})


@page(needs=Capability.KEY_MANAGE, step_up="always", methods=("GET", "POST"))
def set_up(request: HttpRequest, kind: str) -> HttpResponse:
    """Make an append key for a kind of capture and show, this once, what is to be pasted where."""
    setup = SETUPS.get(kind)
    if setup is None:
        raise Http404
    standing = page_standing(request)
    form = ConnectForm(request.POST) if request.method == "POST" else ConnectForm(initial={"label": setup.label})
    if request.method == "POST" and form.is_valid():
        label = form.cleaned_data["label"]
        made = attempt(request, form, lambda: services.create_key(standing, label=label, scope="append"))
        if made is not None:
            with standing.transaction() as connection:
                found = log_integrity(connection, standing.log_id)
            if found is None:
                raise Refused("this tenant has no log", "log")
            filled = Filling(server_url(request), made.token, pin_of(found))
            context = {"setup": setup, "steps": setup.steps(filled), "key": made, "label": label}
            return render(request, "sources/set_up_done.html", context)
    status = 422 if request.method == "POST" else 200
    return render(request, "sources/set_up.html", {"setup": setup, "form": form}, status=status)


@page(needs=Capability.SOURCE_READ)
def waiting(request: HttpRequest, key_id: str) -> HttpResponse:
    """Whether something came with a key: a part of a page that asks again until it did."""
    standing = page_standing(request)
    with standing.transaction() as connection:
        if all(key.key_id != key_id for key in api_keys(connection, standing.tenant_id, standing.log_id)):
            raise Http404
        first = first_entry_of_key(connection, standing.log_id, key_id)
    return render(request, "sources/waiting.html", {"key_id": key_id, "first": first})


def server_url(request: HttpRequest) -> str:
    """Where programs reach the server: as configured, or as this request did."""
    return settings.PUBLIC_URL or f"{request.scheme}://{request.get_host()}"
