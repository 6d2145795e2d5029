"""Pages of who is away and who decides meanwhile."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from muniment.core.errors import Malformed, Refused
from muniment.server.access.pages import page, page_standing
from muniment.server.access.standing import Standing
from muniment.server.approvals import services
from muniment.server.approvals.answers import state_of
from muniment.server.approvals.forms import AwayForm, Choices
from muniment.server.approvals.models import Delegation
from muniment.server.capabilities import Capability
from muniment.server.registers.keeping import record_refused

STATES = {"ahead": ("Ahead", ""), "running": ("Now", "good"), "over": ("Over", ""), "revoked": ("Revoked", "warn")}


@page(needs=Capability.EXCEPTION_READ)
def index(request: HttpRequest) -> HttpResponse:
    """Who is away, who stands in, and a form for one's own days."""
    return _page(request, page_standing(request), None)


@page(needs=Capability.EXCEPTION_APPROVE, step_up="writes", methods=("POST",))
def away(request: HttpRequest) -> HttpResponse:
    """Be away, or say that somebody else is."""
    standing = page_standing(request)
    form = _form(standing, request.POST)
    if form.is_valid():
        try:
            with transaction.atomic():
                row = services.delegate(standing, **form.cleaned_data)
        except (Malformed, Refused) as error:
            record_refused(standing, services.DELEGATION_ACTION, None, error)
            form.accuse(error)
        else:
            said = f"From {row.first_day.isoformat()} to {row.last_day.isoformat()}, in {row.zone}. Recorded."
            messages.success(request, said)
            return HttpResponseRedirect(reverse("approvals:delegations"))
    return _page(request, standing, form)


@page(needs=Capability.EXCEPTION_APPROVE, step_up="writes", methods=("POST",))
def revoke(request: HttpRequest, delegation_id: str) -> HttpResponse:
    """End a delegation from now on."""
    standing = page_standing(request)
    try:
        with transaction.atomic():
            services.revoke_delegation(standing, delegation_id, comment=request.POST.get("comment", ""))
    except services.NoSuch as error:
        return _page(request, standing, None, fault=error.reason, status=404)
    except (Malformed, Refused) as error:
        record_refused(standing, services.DELEGATION_ACTION, ("delegation", delegation_id), error)
        return _page(request, standing, None, fault=f"It was not ended: {error.reason}.", status=422)
    messages.success(request, "Ended from now on. Recorded.")
    return HttpResponseRedirect(reverse("approvals:delegations"))


def _form(standing: Standing, data: Any = None) -> AwayForm:
    names = services.names()
    approving: Choices = sorted(
        (
            (one, names.get(one, one))
            for one, person in services.roster(timezone.now()).people.items()
            if person.approves
        ),
        key=lambda pair: pair[1].lower(),
    )
    others: Choices = ()
    if standing.may(Capability.WORKFLOW_MANAGE):
        others = [("", "Me"), *((one, name) for one, name in approving if one != standing.subject)]
    people = [(one, name) for one, name in approving if one != standing.subject]
    last = Delegation.objects.filter(person=standing.subject).order_by("-id").first()
    return AwayForm(data, people=people, others=others, initial={"zone": "UTC" if last is None else last.zone})


def _page(
    request: HttpRequest, standing: Standing, form: AwayForm | None, *, fault: str = "", status: int = 200
) -> HttpResponse:
    now, over = timezone.now(), request.GET.get("over") == "1"
    rows = services.delegations(over=over, now=now)
    ends, names = services.revocations_of(rows), services.names()
    manages = standing.may(Capability.WORKFLOW_MANAGE)
    approves = standing.may(Capability.EXCEPTION_APPROVE)
    shown = []
    for row in rows:
        state = state_of(row, ends.get(row.id), now)
        mine = manages or standing.subject in (row.person, row.delegate)
        shown.append(
            {
                "row": row,
                "person": names.get(row.person, ""),
                "delegate": names.get(row.delegate, ""),
                "state": STATES[state],
                "end": ends.get(row.id),
                "may_end": approves and mine and state in ("ahead", "running"),
            }
        )
    context = {
        "rows": shown,
        "over": over,
        "fault": fault,
        "form": (form or _form(standing)) if approves else None,
        "opened": form is not None,
    }
    if form is not None and form.errors:
        status = 422
    return render(request, "approvals/delegations.html", context, status=status)
