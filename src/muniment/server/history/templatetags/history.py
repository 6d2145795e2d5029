"""The history of a thing on its page: `{% load history %}{% history "exception" row.id %}`."""

from __future__ import annotations

from typing import Any

from django import template
from django.http import HttpRequest

from muniment.core.errors import Malformed
from muniment.server.access.pages import page_standing
from muniment.server.capabilities import Capability
from muniment.server.history.reading import history as read
from muniment.server.trail.sentences import sentence

register = template.Library()


@register.inclusion_tag("history/history.html", takes_context=True)
def history(context: template.Context, kind: str, id: str, heading: str = "History") -> dict[str, Any]:
    """A table of the entries about a thing, newest first, each with its seal and a link to its proof.

    Args:
        context: of a page of a tenant.
        kind: the resource's type, as its entries name it.
        id: of the resource.
        heading: above the table; "" for none.
    """
    request: HttpRequest = context["request"]
    standing = page_standing(request)
    cursor, fault = request.GET.get("history") or None, ""
    try:
        found = read(standing, kind, id, cursor=cursor)
    except Malformed:
        # The cursor in the address is of another thing, or of nothing.
        found, fault, cursor = (
            read(standing, kind, id),
            "That page of the history is not there; this is the newest.",
            None,
        )
    return {
        "request": request,
        "rows": [(one, sentence(one.action, kind, one.outcome, one.labels)) for one in found.rows],
        "cursor": found.cursor,
        "paged": cursor is not None,
        "fault": fault,
        "kind": kind,
        "id": id,
        "heading": heading,
        "may_read_ledger": standing.may(Capability.LEDGER_READ),
    }
