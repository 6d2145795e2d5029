"""Comments on the page of a thing: `{% load comments %}{% comments "exception" row.id %}`."""

from __future__ import annotations

from typing import Any

from django import template
from django.http import HttpRequest

from muniment.server.access.pages import page_standing
from muniment.server.capabilities import Capability
from muniment.server.comments.forms import CommentForm
from muniment.server.comments.mentions import pieces
from muniment.server.comments.services import comments_on, names_in
from muniment.server.members.names import names_of

register = template.Library()


@register.inclusion_tag("comments/comments.html", takes_context=True)
def comments(context: template.Context, kind: str, id: str, form: CommentForm | None = None) -> dict[str, Any]:
    """The comments on something, oldest first, each with a link to its entry, and the form for another.

    Args:
        context: of a page of a tenant.
        kind: of the thing, and `id` its id.
        id: see `kind`.
        form: that was refused; None for an empty one.
    """
    request: HttpRequest = context["request"]
    standing = page_standing(request)
    rows = comments_on(kind, id)
    writers, named = names_of(standing.tenant_id, {row.by for row in rows}), names_in(rows)
    return {
        "request": request,
        "csrf_token": context.get("csrf_token"),
        "rows": [(row, writers.get(row.by, ""), pieces(row.text, named)) for row in rows],
        "kind": kind,
        "id": id,
        "form": form or CommentForm(),
        "may_comment": standing.may(Capability.EXCEPTION_REQUEST),
        "may_read_ledger": standing.may(Capability.LEDGER_READ),
    }
