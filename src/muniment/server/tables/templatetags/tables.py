"""A cell of a list: `{% load tables %}{% cell cell %}`."""

from __future__ import annotations

from datetime import date, datetime

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from muniment.server.tables.lists import Cell
from muniment.server.web.templatetags.web import exact

register = template.Library()

# What a word of a list says about whoever must act.
_KINDS = {
    "active": "good", "approved": "good", "done": "good", "in force": "good", "in-force": "good",
    "under review": "accent", "under_review": "accent", "returned": "warn", "expiring soon": "warn", "high": "warn",
    "overdue": "bad", "critical": "bad", "expired": "warn", "revoked": "warn", "quarantined": "bad",
}  # fmt: skip
_WARNS = ("stale", "overdue")
_CUT = 160


@register.filter
def spoken(code: object) -> str:
    """A state's code as words: `In force` for `in-force`."""
    said = str(code).replace("_", " ").replace("-", " ")
    return said[:1].upper() + said[1:]


@register.simple_tag
def cell(shown: Cell) -> SafeString:
    """A value as its column shows it."""
    value, column = shown.value, shown.column
    if value is None or value == "" or value == () or value == []:
        return format_html('<span class="muted">–</span>')
    if isinstance(value, datetime):
        return format_html('<time class="when" datetime="{0}" data-exact="{0}" data-relative>{0}</time>', exact(value))
    if value is True and column.key in _WARNS:
        return format_html('<span class="badge badge-warn">{}</span>', column.title)
    if isinstance(value, bool):
        return format_html("{}", "yes" if value else "no")
    if isinstance(value, date):
        return format_html('<time datetime="{0}">{0}</time>', value.isoformat())
    if isinstance(value, int):
        return format_html("{}", f"{value:,}")
    if isinstance(value, list | tuple):
        return format_html_join(" ", '<span class="badge">{}</span>', ((one,) for one in value))
    text = str(value)
    if column.kind == "choice" and not shown.leads:
        kind = _KINDS.get(text.lower(), "")
        return format_html('<span class="badge{}">{}</span>', f" badge-{kind}" if kind else "", spoken(text))
    cut = text if len(text) <= _CUT else text[:_CUT].rstrip() + "…"
    return format_html("<bdi>{}</bdi>", cut)
