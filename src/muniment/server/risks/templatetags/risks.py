"""The risks that link a thing, on its page: `{% load risks %}{% risks_about "asset" row.asset %}`."""

from __future__ import annotations

from typing import Any, Final

from django import template
from django.http import HttpRequest

from muniment.server.access.pages import page_standing
from muniment.server.capabilities import Capability
from muniment.server.risks import services
from muniment.server.risks.question import ANY, Question
from muniment.server.risks.views.shown import TONES
from muniment.server.risks.workflow import STATES, TREATMENTS

register = template.Library()
SHOWN: Final = 10


@register.inclusion_tag("risks/about.html", takes_context=True)
def risks_about(context: template.Context, kind: str, id: str) -> dict[str, Any]:
    """The highest ten risks that link an exception, an asset, a control or a finding; nothing to who may not see them.

    Args:
        context: of a page of a tenant.
        kind: exception, asset, control or finding.
        id: of it.
    """
    request: HttpRequest = context["request"]
    standing = page_standing(request)
    if not standing.may(Capability.EXCEPTION_READ):
        return {"shown": False}
    held = services.matrix_in_force()
    found = services.risks(Question(state=ANY, **{kind: id}), limit=SHOWN)
    levels = [services.level_of(row, held) for row in found.rows]
    return {
        "shown": True,
        "kind": kind,
        "id": id,
        "total": found.total,
        "rows": [
            (row, level, TONES.get(level, ""), STATES[row.state], TREATMENTS[row.treatment])
            for row, level in zip(found.rows, levels, strict=True)
        ],
        "may_manage": standing.may(Capability.RISK_MANAGE),
    }
