"""Pages on which exceptions are listed, drafted, changed and renewed, and their chains taken out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from muniment.core.errors import Malformed, Refused
from muniment.server.access.pages import page, page_standing
from muniment.server.access.standing import Standing
from muniment.server.assets import services as assets
from muniment.server.attachments import services as attachments
from muniment.server.capabilities import Capability
from muniment.server.controls.owners import possible_owners
from muniment.server.exceptions import services
from muniment.server.exceptions.answers import chain_json, chain_markdown
from muniment.server.exceptions.content import Content
from muniment.server.exceptions.forms import ContentForm
from muniment.server.exceptions.models import PolicyException
from muniment.server.exceptions.workflow import CHANGEABLE, RENEWABLE
from muniment.server.policies import services as policies
from muniment.server.registers.keeping import record_refused
from muniment.server.tables.lists import list_page

_OFFERED = 200


@page(needs=Capability.EXCEPTION_READ)
def index(request: HttpRequest) -> HttpResponse:
    """The exceptions of the tenant, by the filters of the address."""
    return list_page(request, "exceptions")


@page(needs=Capability.EXCEPTION_REQUEST, methods=("GET", "POST"))
def new(request: HttpRequest) -> HttpResponse:
    """Draft an exception."""
    standing = page_standing(request)

    def kept(given: dict[str, Any]) -> PolicyException:
        return services.create(standing, Content(**given))

    return _form(request, standing, _content_form(request, standing, None), kept, "exception.create")


@page(needs=Capability.EXCEPTION_REQUEST, methods=("GET", "POST"))
def change(request: HttpRequest, exception_id: str) -> HttpResponse:
    """Change a draft, or what was returned."""
    standing, row = page_standing(request), found(exception_id)
    if row.state not in CHANGEABLE or standing.subject not in (row.requested_by, row.owner):
        return HttpResponseRedirect(reverse("exceptions:exception", args=[row.id]))
    form = _content_form(request, standing, services.content_of(row))

    def kept(given: dict[str, Any]) -> PolicyException:
        return services.change(standing, row.id, given)

    return _form(request, standing, form, kept, "exception.change", row=row)


@page(needs=Capability.EXCEPTION_REQUEST, methods=("GET", "POST"))
def renew(request: HttpRequest, exception_id: str) -> HttpResponse:
    """Draft an exception that takes over from another one."""
    standing, row = page_standing(request), found(exception_id)
    if row.state not in RENEWABLE or services.renewals_of([row]):
        return HttpResponseRedirect(reverse("exceptions:exception", args=[row.id]))
    form = _content_form(request, standing, services.renewing(row))

    def kept(given: dict[str, Any]) -> PolicyException:
        return services.renew(standing, row.id, given)

    return _form(request, standing, form, kept, "exception.create", row=row, renews=True)


@page(needs=Capability.EXCEPTION_READ)
def chain(request: HttpRequest, exception_id: str) -> HttpResponse:
    """The whole chain that an exception is part of, as text to be taken away."""
    del request
    taken = chain_json(services.chain(found(exception_id).id), now=timezone.now())
    return HttpResponse(
        "".join(chain_markdown(taken)),
        content_type="text/markdown; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{taken["chain"]}.md"',
            "X-Content-Type-Options": "nosniff",
        },
    )


def found(exception_id: str) -> PolicyException:
    """An exception of the tenant.

    Raises:
        Http404: if there is none of that id.
    """
    try:
        return services.exception_for(exception_id)
    except services.NoSuch:
        raise Http404 from None


def _form(
    request: HttpRequest,
    standing: Standing,
    form: ContentForm,
    keep: Callable[[dict[str, Any]], PolicyException],
    action: str,
    *,
    row: PolicyException | None = None,
    renews: bool = False,
) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                kept = keep(form.given)
        except (Malformed, Refused) as error:
            record_refused(standing, action, None if row is None else ("exception", row.id), error)
            form.accuse(error)
        else:
            messages.success(request, "Kept. Nobody is asked to decide before you submit it.")
            return HttpResponseRedirect(reverse("exceptions:exception", args=[kept.id]))
    context = {
        "form": form,
        "row": row,
        "renews": renews,
        "may_list": standing.may(Capability.REGISTER_MANAGE),
        "may_attach": standing.may(Capability.ATTACHMENT_MANAGE),
        "no_policy": "policy" in form.fields and len(form.fields["policy"].choices) < 2,  # type: ignore[attr-defined]
    }
    return render(request, "exceptions/form.html", context, status=422 if form.errors else 200)


def _content_form(request: HttpRequest, standing: Standing, before: Content | None) -> ContentForm:
    known = [(one.policy, f"{one.code}  {one.title}") for one in policies.policies(status="in-force")[:_OFFERED]]
    listed = [(one.asset, f"{one.code}  {one.name}") for one in assets.assets(status="in-use")[:_OFFERED]]
    files = [
        (one.attachment.id, f"{one.attachment.name}, version {one.attachment.version}")
        for one in attachments.listed(attachments.attachments()[:_OFFERED])
        if not one.state.withheld
    ]
    return ContentForm(
        request.POST if request.method == "POST" else None,
        before=before,
        policies=known,
        assets=listed,
        evidence=files,
        owners=possible_owners(standing.tenant_id),
        zone=services.usual_zone(),
    )
