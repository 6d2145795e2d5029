"""Pages of findings."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from muniment.server.access.pages import page, page_standing
from muniment.server.access.standing import Standing
from muniment.server.assets.services import find_assets
from muniment.server.capabilities import Capability
from muniment.server.controls.owners import possible_owners
from muniment.server.remediation import services
from muniment.server.remediation.contents import SEVERITIES, SOURCES, FindingContent
from muniment.server.remediation.forms import FindingForm, StepForm
from muniment.server.remediation.models import Finding
from muniment.server.remediation.services import findings
from muniment.server.remediation.services.reading import tasks
from muniment.server.remediation.views.shown import item_context, kept_form, take, title_of
from muniment.server.tables.lists import list_page

_FROM_ADDRESS = ("title", "source", "reference", "asset", "severity", "controls")
_MOST_TASKS = 50


@page(needs=Capability.EXCEPTION_READ)
def index(request: HttpRequest) -> HttpResponse:
    """The findings, newest first."""
    return list_page(request, "findings")


@page(needs=Capability.REGISTER_MANAGE, methods=("GET", "POST"))
def new(request: HttpRequest) -> HttpResponse:
    """Open a finding; the address may say what it is about: `?incident=inc_…`, `?source=sample&reference=smp_…`."""
    standing = page_standing(request)
    incident = request.GET.get("incident", "")
    initial = {name: request.GET[name][:200] for name in _FROM_ADDRESS if name in request.GET}
    if incident:
        initial.setdefault("source", "incident")
    form = FindingForm(
        request.POST if request.method == "POST" else None,
        owners=possible_owners(standing.tenant_id),
        initial=initial,
    )
    return kept_form(
        request,
        standing,
        "finding",
        form,
        lambda: findings.create(standing, FindingContent(**form.given), incident=incident),
        context={"incident": incident},
    )


@page(needs=Capability.EXCEPTION_READ)
def finding(request: HttpRequest, finding_id: str) -> HttpResponse:
    """One finding: what it says, its steps, its tasks, and its history drawn from the ledger."""
    return _finding(request, page_standing(request), _found(finding_id))


@page(needs=Capability.REGISTER_MANAGE, methods=("GET", "POST"))
def change(request: HttpRequest, finding_id: str) -> HttpResponse:
    """Change what a finding says."""
    standing, row = page_standing(request), _found(finding_id)
    form = FindingForm(
        request.POST if request.method == "POST" else None,
        owners=possible_owners(standing.tenant_id),
        before=findings.content_of(row),
        number=row.number,
    )
    return kept_form(
        request,
        standing,
        "finding",
        form,
        lambda: findings.change(
            standing,
            row.id,
            form.given,
            comment=form.cleaned_data["comment"],
            number=form.cleaned_data["number"],
        ),
        context={},
        about=row,
    )


@page(needs=Capability.EXCEPTION_READ, methods=("POST",))
def step(request: HttpRequest, finding_id: str) -> HttpResponse:
    """Start, resolve, verify, accept or reopen a finding. Its owner may start and resolve it."""
    standing, row = page_standing(request), _found(finding_id)

    def do(form: StepForm) -> str:
        said, wanted = form.cleaned_data, row.id
        comment, number = said["comment"], said["number"]
        match said["step"]:
            case "start":
                findings.start(standing, wanted, comment=comment, number=number)
                return "Being remediated."
            case "resolve":
                findings.resolve(standing, wanted, comment, evidence=form.attachments, number=number)
                return "Resolved. Somebody else verifies it."
            case "verify":
                findings.verify(standing, wanted, comment, evidence=form.attachments, number=number)
                return "Verified."
            case "accept":
                findings.accept(standing, wanted, comment, said["exception"], number=number)
                return "Accepted through the exception."
            case "reopen":
                findings.reopen(standing, wanted, comment, number=number)
                return "Open again."
        raise Http404

    return take(request, standing, row, do, lambda form: _finding(request, standing, _found(finding_id), form))


def _finding(request: HttpRequest, standing: Standing, row: Finding, tried: StepForm | None = None) -> HttpResponse:
    shown = item_context(standing, row, tried)
    context = {
        **shown,
        "resolved_by": shown["names"].get(row.resolved_by, ""),
        "verified_by": shown["names"].get(row.verified_by, ""),
        "overdue": services.is_overdue(row),
        "severity": SEVERITIES[row.severity],
        "source": SOURCES[row.source],
        "asset": find_assets([row.asset]).get(row.asset) if row.asset else None,
        "accepted_through": title_of("exception", row.exception),
        "incident_title": title_of("incident", row.incident),
        "tasks": list(tasks(finding=row.id).order_by("due_on", "id")[:_MOST_TASKS]),
    }
    return render(request, "remediation/finding.html", context, status=422 if tried else 200)


def _found(wanted: str) -> Finding:
    try:
        return services.finding_for(wanted)
    except services.NoSuch:
        raise Http404 from None
