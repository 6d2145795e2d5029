"""The page of one exception, and what is done with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from muniment.core.errors import Malformed, Refused
from muniment.server.access.pages import page, page_standing
from muniment.server.access.standing import Standing
from muniment.server.assets import services as assets
from muniment.server.attachments import services as attachments
from muniment.server.attachments.models import Attachment
from muniment.server.capabilities import Capability
from muniment.server.exceptions import services
from muniment.server.exceptions.days import days_left
from muniment.server.exceptions.forms import CommentForm, DecisionForm
from muniment.server.exceptions.models import PolicyException, Step
from muniment.server.exceptions.services.deciding import OUTCOMES
from muniment.server.exceptions.views.drafts import found
from muniment.server.exceptions.workflow import (
    CHANGEABLE,
    OPEN,
    RENEWABLE,
    RISK_LEVELS,
    STANDING,
    STATES,
    UNDER_REVIEW,
    expiring_soon,
)
from muniment.server.members.names import names_of
from muniment.server.policies import services as policies
from muniment.server.registers.keeping import record_refused

TONES: Final = {"active": "good", "under_review": "accent", "returned": "warn", "rejected": "bad", "revoked": "bad"}
RISK_TONES: Final = {"high": "warn", "critical": "bad"}
DONE: Final = {
    "create": "drafted",
    "submit": "submitted",
    "approve": "approved",
    "return": "returned",
    "reject": "rejected",
    "withdraw": "withdrawn",
    "revoke": "revoked",
    "activate": "became active",
    "expire": "expired",
    "stale": "became stale",
    "attest": "attested",
}


@page(needs=Capability.EXCEPTION_READ)
def exception(request: HttpRequest, exception_id: str) -> HttpResponse:
    """One exception: what it says, where it stands, who decided on what, its chain, its history."""
    return _page(request, page_standing(request), found(exception_id))


@page(needs=Capability.EXCEPTION_REQUEST, methods=("POST",))
def submit(request: HttpRequest, exception_id: str) -> HttpResponse:
    """Hand a draft in."""
    return _step(request, exception_id, "submit", services.submit, "Submitted. Somebody else decides on it.")


@page(needs=Capability.EXCEPTION_APPROVE, step_up="writes", methods=("POST",))
def decide(request: HttpRequest, exception_id: str) -> HttpResponse:
    """Approve, return or reject what somebody else asked for."""
    form = DecisionForm(request.POST)
    outcome = next((one for one in OUTCOMES if one == request.POST.get("outcome")), None)
    if outcome is None or not form.is_valid():
        return _page(request, page_standing(request), found(exception_id), decision=form)
    said = form.cleaned_data

    def decided(standing: Standing, wanted: str) -> PolicyException:
        return services.decide(
            standing, wanted, outcome, comment=said["comment"], seen=said["basis"], steps=said["steps"]
        )

    done = {"approve": "Approved.", "return": "Returned, to be changed.", "reject": "Rejected."}[outcome]
    return _step(request, exception_id, outcome, decided, done, form=form)


@page(needs=Capability.EXCEPTION_REQUEST, methods=("POST",))
def withdraw(request: HttpRequest, exception_id: str) -> HttpResponse:
    """Withdraw one's own."""
    return _said(request, exception_id, "withdraw", services.withdraw, "Withdrawn.")


@page(needs=Capability.EXCEPTION_APPROVE, step_up="writes", methods=("POST",))
def revoke(request: HttpRequest, exception_id: str) -> HttpResponse:
    """End what stands before its last day."""
    return _said(request, exception_id, "revoke", services.revoke, "Revoked.")


@page(needs=Capability.EXCEPTION_READ, step_up="writes", methods=("POST",))
def attest(request: HttpRequest, exception_id: str) -> HttpResponse:
    """Say that it is still as it was decided on."""
    return _said(request, exception_id, "attest", services.attest, "Attested.")


def _said(
    request: HttpRequest, exception_id: str, kind: str, do: Callable[..., PolicyException], done: str
) -> HttpResponse:
    form = CommentForm(request.POST, auto_id=f"{kind}-%s")
    if not form.is_valid():
        return _page(request, page_standing(request), found(exception_id), said={kind: form})
    comment = form.cleaned_data["comment"]

    def taken(standing: Standing, wanted: str) -> PolicyException:
        return do(standing, wanted, comment=comment)

    return _step(request, exception_id, kind, taken, done)


def _step(
    request: HttpRequest,
    exception_id: str,
    kind: str,
    do: Callable[[Standing, str], PolicyException],
    done: str,
    *,
    form: DecisionForm | None = None,
) -> HttpResponse:
    standing, row = page_standing(request), found(exception_id)
    try:
        with transaction.atomic():
            do(standing, row.id)
    except (Malformed, Refused) as error:
        record_refused(standing, f"exception.{kind}", ("exception", row.id), error)
        fault = f"{error.where}: {error.reason}"
        return _page(request, standing, found(exception_id), fault=fault, decision=form)
    messages.success(request, done)
    return HttpResponseRedirect(reverse("exceptions:exception", args=[row.id]))


def _page(
    request: HttpRequest,
    standing: Standing,
    row: PolicyException,
    *,
    fault: str = "",
    decision: DecisionForm | None = None,
    said: dict[str, CommentForm] | None = None,
) -> HttpResponse:
    now, said = timezone.now(), said or {}
    chain = services.chain(row.id)
    steps, decisions = services.steps_of(row), {one.step: one for one in services.decisions_of(row)}
    renewed = services.renewals_of(chain)
    people = {row.requested_by, row.owner, *(one.by for one in steps), *(one.on_behalf_of for one in steps)}
    names = names_of(standing.tenant_id, {one for one in people if one.startswith("user:")})
    against = services.stands_against(standing, row, "approve") if row.state == UNDER_REVIEW else None
    may_decide = row.state == UNDER_REVIEW and against is None
    soon = expiring_soon(row.state, row.soon_at, now)
    context: dict[str, Any] = {
        "row": row,
        "state": "Expiring soon" if soon else STATES[row.state],
        "tone": "warn" if soon else TONES.get(row.state, ""),
        "risk": RISK_LEVELS.get(row.risk_level, row.risk_level),
        "risk_tone": RISK_TONES.get(row.risk_level, ""),
        "days_left": days_left(now, row.ends_at) if row.ends_at is not None and row.state == "active" else None,
        "policy": policies.find_policy(row.policy_id),
        "assets": list(assets.find_assets(row.assets).values()),
        "evidence": attachments.listed(list(Attachment.objects.filter(id__in=row.evidence))),
        "names": names,
        "requester": names.get(row.requested_by, ""),
        "owner": names.get(row.owner, ""),
        "steps": [
            (one, DONE[one.kind], names.get(one.by, ""), names.get(one.on_behalf_of, ""), decisions.get(one.id))
            for one in steps
        ],
        "chain": [(one, STATES[one.state], TONES.get(one.state, "")) for one in chain],
        "renewed_by": renewed.get(row.id, ""),
        "fault": fault,
        "told": _told(row, steps, names),
        "waits": max(0, row.levels - row.level) if row.state == UNDER_REVIEW else 0,
        "against": against if row.state == UNDER_REVIEW and standing.may(Capability.EXCEPTION_APPROVE) else None,
        "may_decide": may_decide,
        "decision": decision
        or DecisionForm(initial={"basis": services.basis_of(row).basis if may_decide else "", "steps": row.steps}),
        "may_change": row.state in CHANGEABLE and _may(standing, row, "submit"),
        "may_renew": row.state in RENEWABLE and row.id not in renewed and standing.may(Capability.EXCEPTION_REQUEST),
        "acts": [
            (kind, title, text, label, said.get(kind) or CommentForm(auto_id=f"{kind}-%s"))
            for kind, title, text, label in _ACTS
            if row.state in (STANDING if kind != "withdraw" else OPEN) and _may(standing, row, kind)
        ],
    }
    wrong = fault or decision is not None or said
    return render(request, "exceptions/exception.html", context, status=422 if wrong else 200)


_TOLD: Final = {
    "returned": ("Returned, to be changed", "warn"),
    "rejected": ("Rejected", "bad"),
    "revoked": ("Revoked", "bad"),
    "withdrawn": ("Withdrawn", ""),
}
_ACTS: Final = (
    (
        "attest",
        "Attest",
        "Say that it is still as it was decided on, and still needed. Versions and digests are frozen as they are now.",
        "I attest to this",
    ),
    ("revoke", "Revoke", "It ends now, before its last day. Who asked for it is told why.", "Revoke it"),
    ("withdraw", "Withdraw", "It is not needed any more, or was asked for by mistake.", "Withdraw it"),
)


def _told(row: PolicyException, steps: list[Step], names: dict[str, str]) -> dict[str, str] | None:
    """Why it was returned, rejected, revoked or withdrawn; None where it was not."""
    title, tone = _TOLD.get(row.state, ("", ""))
    last = next((one for one in reversed(steps) if one.target == row.state and one.source != row.state), None)
    if not title or last is None:
        return None
    return {"title": title, "tone": tone, "person": names.get(last.by) or last.by, "comment": last.comment}


def _may(standing: Standing, row: PolicyException, kind: Any) -> bool:
    return services.stands_against(standing, row, kind) is None
