"""Findings and tasks about a thing, on its page: `{% load remediation %}{% remediation_about "asset" row.asset %}`."""

from __future__ import annotations

from typing import Any, Final

from django import template
from django.db.models import Q
from django.http import HttpRequest

from muniment.server.access.pages import page_standing
from muniment.server.capabilities import Capability
from muniment.server.remediation import services
from muniment.server.remediation.contents import SEVERITIES
from muniment.server.remediation.models import Finding, Task
from muniment.server.remediation.services.reading import findings
from muniment.server.remediation.workflow import STATES

register = template.Library()
SHOWN: Final = 10
_TONES: Final = {"done": "good", "verified": "good", "resolved": "accent", "accepted": "warn"}
_SEVERITY_TONES: Final = {"high": "warn", "critical": "bad"}


@register.inclusion_tag("remediation/about.html", takes_context=True)
def remediation_about(context: template.Context, kind: str, id: str) -> dict[str, Any]:
    """Findings about an asset or a control, or accepted through an exception, with their tasks, ten of each.

    Args:
        context: of a page of a tenant.
        kind: asset, control or exception.
        id: of it.
    """
    request: HttpRequest = context["request"]
    standing = page_standing(request)
    if not standing.may(Capability.EXCEPTION_READ):
        return {"shown": False}
    found = {
        "asset": lambda: findings(asset=id),
        "control": lambda: findings(control=id),
        "exception": lambda: findings(exception=id),
    }[kind]()
    serves = Q(finding__in=found.values("id"))
    if kind == "control":
        serves |= Q(controls__contains=[id])
    tasks = Task.objects.filter(serves)
    return {
        "shown": True,
        "kind": kind,
        "id": id,
        "total": found.count(),
        "findings": [_finding(one) for one in found.order_by("-created_at", "-id")[:SHOWN]],
        "task_total": tasks.count(),
        "tasks": [
            (one, STATES["task"][one.state], _TONES.get(one.state, ""), services.is_overdue(one))
            for one in tasks.order_by("state", "due_on", "id")[:SHOWN]
        ],
        "may_manage": standing.may(Capability.REGISTER_MANAGE),
    }


@register.simple_tag
def finding_title(id: str) -> str:
    """What a finding is called; its id if it is not there."""
    return findings().filter(id=id).values_list("title", flat=True).first() or id


def _finding(row: Finding) -> tuple[Finding, str, str, str, str, bool]:
    return (
        row,
        STATES["finding"][row.state],
        _TONES.get(row.state, ""),
        SEVERITIES[row.severity],
        _SEVERITY_TONES.get(row.severity, ""),
        services.is_overdue(row),
    )
