"""The exceptions that name a thing, on its page: `{% load exceptions %}{% exceptions_about "policy" row.policy %}`."""

from __future__ import annotations

from typing import Any, Final

from django import template
from django.db.models import Q
from django.http import HttpRequest

from muniment.server.access.pages import page_standing
from muniment.server.capabilities import Capability
from muniment.server.exceptions.models import PolicyException
from muniment.server.exceptions.workflow import RISK_LEVELS, STATES
from muniment.server.tables.registry import address

register = template.Library()
SHOWN: Final = 10
_TONES: Final = {"active": "good", "approved": "good", "under_review": "accent", "returned": "warn", "stale": "warn"}
_RISK_TONES: Final = {"high": "warn", "critical": "bad"}


@register.inclusion_tag("exceptions/about.html", takes_context=True)
def exceptions_about(context: template.Context, kind: str, id: str) -> dict[str, Any]:
    """The newest ten exceptions that name a policy, an asset or a control; nothing to whoever may not see them.

    Args:
        context: of a page of a tenant.
        kind: policy, asset or control.
        id: of it.
    """
    request: HttpRequest = context["request"]
    standing = page_standing(request)
    if not standing.may(Capability.EXCEPTION_READ):
        return {"shown": False}
    named = {
        "policy": Q(policy_id=id),
        "asset": Q(assets__contains=[id]),
        "control": Q(controls__contains=[id]) | Q(compensating_controls__contains=[id]),
    }[kind]
    rows = PolicyException.objects.filter(named)
    return {
        "shown": True,
        "kind": kind,
        "id": id,
        "total": rows.count(),
        "rows": [
            (
                one,
                STATES[one.state],
                _TONES.get(one.state, ""),
                RISK_LEVELS.get(one.risk_level, one.risk_level),
                _RISK_TONES.get(one.risk_level, ""),
            )
            for one in rows.order_by("-created_at", "-id")[:SHOWN]
        ],
        "list_url": address("exceptions:list"),
    }
