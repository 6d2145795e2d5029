"""Pages about verification."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from muniment.core.errors import Refused
from muniment.ledger.audit_walks import latest_walk
from muniment.ledger.integrity import log_integrity, walk_history
from muniment.server.access.pages import page, page_standing, public_page
from muniment.server.capabilities import Capability
from muniment.server.problems import ProblemError
from muniment.server.runtime import read_jobs
from muniment.server.verification.offline import offline_verifier
from muniment.server.verification.report import report_of
from muniment.server.verification.services import order_walk, pin_of

HISTORY: Final = 20
WHY_PUBLIC: Final = "it holds no data: whoever holds a bundle may check it, with or without an account"
_LONGEST_NUMBER: Final = 15


@page(needs=Capability.LEDGER_READ)
def home(request: HttpRequest) -> HttpResponse:
    """The newest walk, the pin, a bundle checked in the browser, and earlier walks."""
    standing = page_standing(request)
    below = _number(request.GET.get("before"))
    with standing.transaction() as connection:
        found = log_integrity(connection, standing.log_id)
        walks = walk_history(connection, standing.log_id, limit=HISTORY + 1, below=below)
    if found is None:
        raise Refused("this tenant has no log", "log")
    shown = found.walk if found.walk is not None and not found.walk.ok else found.full or found.walk
    return render(
        request,
        "verification/home.html",
        {
            "integrity": found,
            "shown": shown and report_of(shown),
            "walks": [report_of(walk) for walk in walks[:HISTORY]],
            "older": walks[HISTORY - 1].number if len(walks) > HISTORY else None,
            "newer": below is not None,
            "pin": pin_of(found),
            "long_pin": pin_of(found, checkpoint=True),
            "after": _number(request.GET.get("after")),
            "may_order": standing.may(Capability.LEDGER_VERIFY),
            "may_export": standing.may(Capability.EXPORT_CREATE),
            "server": settings.PUBLIC_URL or f"{request.scheme}://{request.get_host()}",
            "note": note.decode() if (note := found.checkpoint and found.checkpoint.note.encoded()) else "",
        },
    )


@page(needs=Capability.LEDGER_VERIFY, methods=("POST",))
def order(request: HttpRequest) -> HttpResponse:
    """Order a walk over everything, and go to where its progress shows."""
    standing = page_standing(request)
    with standing.transaction() as connection:
        newest = latest_walk(connection, standing.log_id)
        try:
            order_walk(connection, standing)
        except ProblemError as error:
            messages.warning(request, f"{error.problem.detail.capitalize()}. It shows below when it is done.")
    return HttpResponseRedirect(reverse("verify:home") + f"?after={newest.number if newest else 0}")


@page(needs=Capability.LEDGER_VERIFY)
def progress(request: HttpRequest) -> HttpResponse:
    """How far a walk that was ordered has come; leads on to its report once it is there."""
    standing = page_standing(request)
    after = _number(request.GET.get("after")) or 0
    with standing.transaction() as connection:
        done = walk_history(connection, standing.log_id, limit=1, full=True)
    if done and done[0].number > after:
        url = reverse("verify:walk", args=[done[0].number])
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    job = next((job for job in read_jobs(settings.PLACES) if job.name == "walks"), None)
    return render(
        request,
        "verification/progress.html",
        {
            "after": after,
            "job": job,
            "beat_at": job and datetime.fromtimestamp(job.beat_at, UTC),
        },
    )


@page(needs=Capability.LEDGER_READ)
def walk(request: HttpRequest, number: int) -> HttpResponse:
    """The report of one walk."""
    standing = page_standing(request)
    with standing.transaction() as connection:
        found = walk_history(connection, standing.log_id, limit=1, below=number + 1) if number < 10**15 else []
    if not found or found[0].number != number:
        raise Http404
    return render(request, "verification/walk.html", {"report": report_of(found[0])})


@public_page(reason=WHY_PUBLIC)
def offline(request: HttpRequest) -> HttpResponse:
    """The single-file verifier: to use here, or to save and use without this server."""
    verifier = offline_verifier()
    headers = {"Content-Security-Policy": verifier.policy, "Cache-Control": "no-cache"}
    if "download" in request.GET:
        headers["Content-Disposition"] = 'attachment; filename="muniment_verify.html"'
    return HttpResponse(verifier.page, content_type="text/html; charset=utf-8", headers=headers)


@public_page(reason=WHY_PUBLIC)
def script(request: HttpRequest) -> HttpResponse:
    """The script of the single-file verifier, for a worker of the verify page."""
    del request
    headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    return HttpResponse(offline_verifier().script, content_type="text/javascript; charset=utf-8", headers=headers)


def _number(text: str | None) -> int | None:
    """A decimal number of a query; None for anything else, which then asks for nothing."""
    if text is None or not (text.isascii() and text.isdecimal()) or len(text) > _LONGEST_NUMBER:
        return None
    return int(text)
