"""Pages of the policy library: the list, a policy with its versions, comparing two, making, changing, retiring."""

from __future__ import annotations

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from muniment.core.errors import Malformed, Refused
from muniment.server.access.pages import page, page_standing
from muniment.server.access.standing import Standing
from muniment.server.capabilities import Capability
from muniment.server.controls.owners import possible_owners
from muniment.server.policies import services
from muniment.server.policies.forms import PolicyForm
from muniment.server.policies.models import PolicyVersion
from muniment.server.policies.workflow import RETIRED, STATUSES, Definition, compared, differences
from muniment.server.registers.forms import ReasonForm
from muniment.server.registers.keeping import record_refused
from muniment.server.registers.owners import owner_names
from muniment.server.tables.lists import list_page


@page(needs=Capability.EXCEPTION_READ)
def index(request: HttpRequest) -> HttpResponse:
    """The policies as they stand."""
    return list_page(request, "policies")


@page(needs=Capability.REGISTER_MANAGE, methods=("GET", "POST"))
def new(request: HttpRequest) -> HttpResponse:
    """Bring in a policy."""
    standing = page_standing(request)
    form = PolicyForm(request.POST if request.method == "POST" else None, owners=possible_owners(standing.tenant_id))
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                row = services.create(standing, Definition(**form.given), code=form.cleaned_data["code"])
        except (Malformed, Refused) as error:
            record_refused(standing, services.ACTION, None, error)
            form.accuse(error)
        else:
            return HttpResponseRedirect(reverse("policies:policy", args=[row.policy]))
    return render(request, "policies/form.html", {"form": form}, status=422 if form.errors else 200)


@page(needs=Capability.EXCEPTION_READ)
def policy(request: HttpRequest, policy_id: str) -> HttpResponse:
    """One policy: what it says, its versions, and its history drawn from the ledger."""
    return _policy(request, page_standing(request), _history(policy_id), ReasonForm())


@page(needs=Capability.EXCEPTION_READ)
def version(request: HttpRequest, policy_id: str, number: int) -> HttpResponse:
    """An older version beside the one that it is compared with: `?with=3`, by default the one before it."""
    standing, rows = page_standing(request), _history(policy_id)
    by_number = {row.number: row for row in rows}
    asked = request.GET.get("with", "")
    other = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 else number - 1
    if number not in by_number or (asked and other not in by_number):
        raise Http404
    row, before = by_number[number], by_number.get(other)
    if before is not None and before.number > row.number:
        row, before = before, row
    said = services.definition_of(row)
    context = {
        "policy": row,
        "before": before,
        "rows": rows,
        "changed": () if before is None else differences(services.definition_of(before), said),
        "lines": compared("" if before is None else before.text, row.text),
        "names": owner_names(standing, {row.owner, *([before.owner] if before else [])}),
        "owner": owner_names(standing, {row.owner})[row.owner],
        "owner_before": "" if before is None else owner_names(standing, {before.owner})[before.owner],
    }
    return render(request, "policies/version.html", context)


@page(needs=Capability.REGISTER_MANAGE, methods=("GET", "POST"))
def change(request: HttpRequest, policy_id: str) -> HttpResponse:
    """Give a policy another version."""
    standing = page_standing(request)
    row = _history(policy_id)[-1]
    if row.status == RETIRED:
        raise Refused("it is retired; what takes its place is a policy of its own", "status")
    form = PolicyForm(
        request.POST if request.method == "POST" else None,
        owners=possible_owners(standing.tenant_id),
        before=services.definition_of(row),
        number=row.number,
    )
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                services.change(standing, row.policy, form.given, number=form.cleaned_data["number"])
        except (Malformed, Refused) as error:
            record_refused(standing, services.ACTION, ("policy", row.policy), error)
            form.accuse(error)
        else:
            return HttpResponseRedirect(reverse("policies:policy", args=[row.policy]))
    return render(request, "policies/form.html", {"form": form, "policy": row}, status=422 if form.errors else 200)


@page(needs=Capability.REGISTER_MANAGE, methods=("POST",))
def retire(request: HttpRequest, policy_id: str) -> HttpResponse:
    """End a policy."""
    standing, rows = page_standing(request), _history(policy_id)
    row, form = rows[-1], ReasonForm(request.POST)
    if form.is_valid():
        said = form.cleaned_data
        try:
            with transaction.atomic():
                services.retire(standing, row.policy, said["reason"], number=said["number"])
        except (Malformed, Refused) as error:
            record_refused(standing, services.ACTION, ("policy", row.policy), error)
            form.accuse(error)
        else:
            return HttpResponseRedirect(reverse("policies:policy", args=[row.policy]))
    return _policy(request, standing, rows, form, status=422)


def _policy(
    request: HttpRequest, standing: Standing, rows: list[PolicyVersion], form: ReasonForm, *, status: int = 200
) -> HttpResponse:
    row = rows[-1]
    names = owner_names(standing, {row.owner, *(one.created_by for one in rows)})
    versions = []
    for place, one in enumerate(rows):
        said = services.definition_of(one)
        changed = () if not place else differences(services.definition_of(rows[place - 1]), said)
        versions.append((one, changed, names[one.created_by]))
    context = {
        "policy": row,
        "state": STATUSES[row.status],
        "owner": names[row.owner],
        "versions": versions[::-1],
        "form": form,
        "may_manage": standing.may(Capability.REGISTER_MANAGE) and row.status != RETIRED,
    }
    return render(request, "policies/policy.html", context, status=status)


def _history(policy_id: str) -> list[PolicyVersion]:
    try:
        return services.history_of(policy_id)
    except services.NoSuch:
        raise Http404 from None
