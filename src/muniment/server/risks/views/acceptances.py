"""Pages' forms about accepting risks; each leads back to the risk."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from muniment.core.errors import Malformed, Refused
from muniment.server.access.pages import page, page_standing
from muniment.server.access.standing import Standing
from muniment.server.capabilities import Capability
from muniment.server.registers.keeping import record_refused
from muniment.server.risks import services
from muniment.server.risks.forms import ProposalForm
from muniment.server.risks.views.detail import risk_page
from muniment.server.risks.views.risks import found


@page(needs=Capability.RISK_MANAGE, methods=("POST",))
def propose(request: HttpRequest, risk_id: str) -> HttpResponse:
    """Propose that a risk be accepted."""
    standing, row = page_standing(request), found(risk_id)
    form = ProposalForm(request.POST)
    if form.is_valid():
        said = form.cleaned_data
        try:
            with transaction.atomic():
                services.propose(
                    standing,
                    row.id,
                    reason=said["reason"],
                    until=said["until"],
                    zone=said["zone"],
                    number=said["number"],
                )
        except (Malformed, Refused) as error:
            record_refused(standing, "risk.propose", ("risk", row.id), error)
            form.accuse(error)
        else:
            messages.success(request, "Proposed. Somebody else decides on it.")
            return HttpResponseRedirect(reverse("risks:risk", args=[row.id]))
    return risk_page(request, standing, found(risk_id), proposal=form)


@page(needs=Capability.RISK_ACCEPT, step_up="writes", methods=("POST",))
def decide(request: HttpRequest, acceptance_id: str) -> HttpResponse:
    """Accept a risk that somebody else proposes and owns, or refuse to."""
    comment, digest = request.POST.get("comment", ""), request.POST.get("digest")
    if request.POST.get("decision") == "accept":
        return _step(
            request,
            acceptance_id,
            "risk.accept",
            lambda one: services.decide(one, acceptance_id, "accepted", comment=comment, digest=digest),
            "Accepted.",
        )
    return _step(
        request,
        acceptance_id,
        "risk.refuse",
        lambda one: services.decide(one, acceptance_id, "refused", comment=comment, digest=digest),
        "Refused.",
    )


@page(needs=Capability.RISK_MANAGE, methods=("POST",))
def withdraw(request: HttpRequest, acceptance_id: str) -> HttpResponse:
    """Take a proposal back."""
    reason = request.POST.get("comment", "")
    return _step(
        request,
        acceptance_id,
        "risk.lapse",
        lambda one: services.withdraw(one, acceptance_id, reason=reason),
        "Withdrawn.",
    )


@page(needs=Capability.RISK_ACCEPT, step_up="writes", methods=("POST",))
def revoke(request: HttpRequest, acceptance_id: str) -> HttpResponse:
    """End an acceptance before its day."""
    comment = request.POST.get("comment", "")
    return _step(
        request,
        acceptance_id,
        "risk.lapse",
        lambda one: services.revoke(one, acceptance_id, comment=comment),
        "Revoked.",
    )


def _step(
    request: HttpRequest, acceptance_id: str, action: str, do: Callable[[Standing], object], done: str
) -> HttpResponse:
    standing = page_standing(request)
    try:
        about = services.acceptance_for(acceptance_id).risk
    except services.NoSuch:
        raise Http404 from None
    try:
        with transaction.atomic():
            do(standing)
    except (Malformed, Refused) as error:
        record_refused(standing, action, ("risk", about), error)
        return risk_page(request, standing, found(about), fault=str(error))
    messages.success(request, done)
    return HttpResponseRedirect(reverse("risks:risk", args=[about]))
