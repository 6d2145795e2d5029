"""Pages of what data protection holds back: the quarantine, having a file scanned again, releasing it."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from muniment.core.errors import Malformed, Refused
from muniment.server.access.pages import page, page_standing
from muniment.server.attachments import services
from muniment.server.attachments.models import Attachment
from muniment.server.capabilities import Capability
from muniment.server.dlp import services as dlp
from muniment.server.dlp.forms import ReleaseForm
from muniment.server.members.names import names_of

_SHOWN: Final = 50


@page(needs=Capability.DLP_MANAGE)
def quarantine(request: HttpRequest) -> HttpResponse:
    """The newest 50 attachments that are held back, and how many there are."""
    verdicts = dlp.quarantined(services.KIND, most=_SHOWN)
    rows = {row.id: row for row in Attachment.objects.filter(id__in=[one.subject for one in verdicts])}
    names = names_of(page_standing(request).tenant_id, {row.created_by for row in rows.values()})
    shown = [
        (one, dlp.findings_of(one), rows[one.subject], names.get(rows[one.subject].created_by, ""))
        for one in verdicts
        if one.subject in rows
    ]
    return render(request, "attachments/quarantine.html", {"rows": shown, "held": dlp.held_count(services.KIND)})


@page(needs=Capability.ATTACHMENT_MANAGE, methods=("POST",))
def scan(request: HttpRequest, attachment_id: str) -> HttpResponse:
    """Have an attachment searched again."""
    standing, row = page_standing(request), found(attachment_id)
    if fault := services.check(standing, row):
        services.record_mismatch(standing, row, fault)
        messages.error(request, f"Not scanned: {fault}.")
    else:
        made = services.scan_again(standing, row)
        messages.success(request, f"Scanned by the policy in force: {made.action}.")
    return HttpResponseRedirect(reverse("attachments:attachment", args=[row.id]))


@page(needs=Capability.DLP_MANAGE, step_up="writes", methods=("POST",))
def release(request: HttpRequest, attachment_id: str) -> HttpResponse:
    """Take an attachment out of quarantine."""
    row, form = found(attachment_id), ReleaseForm(request.POST)
    said = ""
    if form.is_valid():
        try:
            with transaction.atomic():
                _release(request, row, form.cleaned_data["verdict"], form.cleaned_data["reason"])
        except (Malformed, Refused) as error:
            said = f"{error.where}: {error.reason}" if error.where else error.reason
    else:
        said = "; ".join(f"{name}: {errors[0]}" for name, errors in form.errors.items())
    if said:
        messages.error(request, f"Not released: {said}")
    else:
        messages.success(request, "Released. It can be opened and counts as evidence.")
    return HttpResponseRedirect(reverse("attachments:attachment", args=[row.id]))


def _release(request: HttpRequest, row: Attachment, wanted: str, reason: str) -> None:
    state = dlp.state_of(row.id)
    if state.verdict is None or state.verdict.id != wanted:
        raise Refused("is not the newest of this attachment; look at it again", "verdict")
    dlp.release(page_standing(request), state.verdict, reason=reason)


def found(attachment_id: str) -> Attachment:
    """One version of an attachment, or a page that says that there is none."""
    try:
        return services.attachment_for(attachment_id)
    except services.NoSuch:
        raise Http404 from None
