"""Pages of attachments: the list with its upload, and one attachment with its versions."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from muniment.core.errors import Malformed, Refused
from muniment.server.access.pages import page, page_standing
from muniment.server.access.standing import Standing
from muniment.server.attachments import services
from muniment.server.attachments.answers import a_download, file_response
from muniment.server.attachments.forms import AttachForm, LimitForm, WithdrawForm
from muniment.server.attachments.held import found
from muniment.server.attachments.models import Attachment
from muniment.server.attachments.workflow import KINDS
from muniment.server.capabilities import Capability
from muniment.server.dlp import services as dlp
from muniment.server.dlp.forms import ReleaseForm
from muniment.server.members.names import names_of

_PAGE: Final = 50


@page(needs=Capability.LEDGER_READ)
def index(request: HttpRequest) -> HttpResponse:
    """The newest version of each attachment."""
    standing = page_standing(request)
    control, kind = request.GET.get("control", ""), request.GET.get("kind", "")
    try:
        after = request.GET.get("after", "")
        page_of = services.attachments(control=control, kind=kind, withdrawn=True, before=after, limit=_PAGE + 1)
    except services.NoSuch:
        raise Http404 from None
    rows = services.listed(page_of[:_PAGE])
    following = {"control": control, "kind": kind, "after": page_of[_PAGE - 1].id} if len(page_of) > _PAGE else {}
    names = names_of(standing.tenant_id, {one.attachment.created_by for one in rows})
    shown = [(one, _kind(one.attachment), names.get(one.attachment.created_by, "")) for one in rows]
    may = standing.may(Capability.ATTACHMENT_MANAGE)
    limit = LimitForm(initial={"mebibytes": services.limit(standing)})
    return render(
        request,
        "attachments/list.html",
        {
            "rows": shown,
            "control": control,
            "may_add": may,
            "after": after,
            "following": urlencode({name: value for name, value in following.items() if value}),
            "may_release": standing.may(Capability.DLP_MANAGE),
            "limit": limit if standing.may(Capability.TENANT_MANAGE) else None,
        },
    )


@page(needs=Capability.ATTACHMENT_MANAGE, methods=("GET", "POST"))
def add(request: HttpRequest) -> HttpResponse:
    """Attach a file."""
    initial = {"controls": request.GET.get("control", "")}
    if request.method != "POST":
        return _form(request, AttachForm(initial=initial), None)
    return _attach(request, None)


@page(needs=Capability.ATTACHMENT_MANAGE, methods=("GET", "POST"))
def replace(request: HttpRequest, attachment_id: str) -> HttpResponse:
    """Attach a newer version."""
    row = services.versions_of(found(attachment_id))[0]
    if request.method != "POST":
        form = AttachForm(initial={"kind": row.kind, "controls": " ".join(row.controls)})
        return _form(request, form, row)
    return _attach(request, row)


@page(needs=Capability.TENANT_MANAGE, step_up="writes", methods=("POST",))
def limit(request: HttpRequest) -> HttpResponse:
    """Set how large an attachment may be."""
    form = LimitForm(request.POST)
    if form.is_valid():
        services.set_limit(page_standing(request), mebibytes=form.cleaned_data["mebibytes"])
        messages.success(request, "Saved.")
    else:
        messages.error(request, f"Not saved: {form.errors['mebibytes'][0]}")
    return HttpResponseRedirect(reverse("attachments:list"))


@page(needs=Capability.LEDGER_READ)
def attachment(request: HttpRequest, attachment_id: str) -> HttpResponse:
    """One version of an attachment: what it is, and whether it still is what was recorded."""
    standing = page_standing(request)
    return _attachment(request, standing, found(attachment_id), WithdrawForm())


@page(needs=Capability.ATTACHMENT_MANAGE, methods=("POST",))
def withdraw(request: HttpRequest, attachment_id: str) -> HttpResponse:
    """Say that it is not relied upon any more."""
    standing = page_standing(request)
    row = found(attachment_id)
    form = WithdrawForm(request.POST)
    if form.is_valid():
        try:
            services.withdraw(standing, row, reason=form.cleaned_data["reason"])
            return HttpResponseRedirect(reverse("attachments:attachment", args=[row.id]))
        except (Malformed, Refused) as error:
            form.add_error("reason" if error.where == "reason" else None, error.reason)
    return _attachment(request, standing, row, form, status=422)


@page(needs=Capability.BODY_READ)
def content(request: HttpRequest, attachment_id: str) -> HttpResponseBase:
    """The bytes, if they are what was recorded."""
    standing = page_standing(request)
    row = found(attachment_id)
    if said := services.withheld(row):
        context = {"reason": f"{said}. It is not given out.", "where": row.id}
        return render(request, "errors/400.html", context, status=409)
    fault = services.check(standing, row)
    if fault:
        services.record_mismatch(standing, row, fault)
        context = {"reason": f"{fault}. It is not given out, and this is recorded.", "where": row.id}
        return render(request, "errors/400.html", context, status=409)
    with a_download() as place:
        return file_response(place, services.open_bytes(row.id), row)


def _attach(request: HttpRequest, replaced: Attachment | None) -> HttpResponse:
    standing = page_standing(request)
    form = AttachForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            # A file that is refused half-way leaves nothing behind, while this page goes on.
            with transaction.atomic():
                given = form.attachment("" if replaced is None else replaced.id)
                made = services.receive(standing, form.cleaned_data["file"].chunks(), given)
        except (Malformed, Refused) as error:
            if isinstance(error, services.Blocked):
                services.keep_refusal(standing, error)
            form.accuse(error)
        else:
            messages.success(request, f"Attached: SHA-256 {made.sha256}.")
            return HttpResponseRedirect(reverse("attachments:attachment", args=[made.id]))
    return _form(request, form, replaced, status=422)


def _form(request: HttpRequest, form: AttachForm, replaced: Attachment | None, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "replaced": replaced, "limit": services.limit(page_standing(request))}
    return render(request, "attachments/add.html", context, status=status)


def _attachment(
    request: HttpRequest, standing: Standing, row: Attachment, form: WithdrawForm, *, status: int = 200
) -> HttpResponse:
    versions = services.versions_of(row)
    names = names_of(standing.tenant_id, {one.created_by for one in versions})
    withdrawal = services.withdrawal_of(row)
    context: dict[str, Any] = {
        "row": row,
        "kind": _kind(row),
        "person": names.get(row.created_by, ""),
        "versions": versions,
        "newest": versions[0],
        "withdrawal": withdrawal,
        "fault": services.against_entry(standing, row),
        "may_read": standing.may(Capability.BODY_READ),
        "may_change": standing.may(Capability.ATTACHMENT_MANAGE) and withdrawal is None,
        "may_scan": standing.may(Capability.ATTACHMENT_MANAGE),
        **_scanned(standing, row),
        "form": form,
    }
    return render(request, "attachments/attachment.html", context, status=status)


def _kind(row: Attachment) -> str:
    return KINDS.get(row.kind, row.kind)


def _scanned(standing: Standing, row: Attachment) -> dict[str, Any]:
    """What the page says of the scan, and whether it offers to release."""
    state = dlp.state_of(row.id)
    may = standing.may(Capability.DLP_MANAGE) and state.word == "quarantined" and row.created_by != standing.subject
    names = {} if state.release is None else names_of(standing.tenant_id, {state.release.created_by})
    return {
        "scan": state,
        "found": None if state.verdict is None else dlp.findings_of(state.verdict),
        "releaser": names.get(state.release.created_by, "") if state.release is not None else "",
        "release_form": ReleaseForm(initial={"verdict": state.verdict.id}) if may and state.verdict else None,
    }
