"""Sentences of statements on pages: `{% load statements %}`."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

from muniment.server.statements.workflow import REFERENCE

register = template.Library()


@register.filter
def with_queries(text: str, document: dict[str, Any]) -> SafeString:
    """A sentence whose references lead to what was found by their queries."""
    known = {one["id"]: one for one in document["queries"]}
    parts: list[str] = []
    at = 0
    for match in REFERENCE.finditer(text):
        parts.append(conditional_escape(text[at : match.start()]))
        name = f"Q{match[1]}"
        parts.append(format_html('<a class="sheet-query" href="#{}">{}</a>', name, name) if name in known else name)
        at = match.end()
    parts.append(conditional_escape(text[at:]))
    return mark_safe("".join(parts))  # noqa: S308 - every part was escaped


@register.filter
def prefixed(path: str, prefix: str) -> str:
    """The path of a query's page inside the tenant."""
    return prefix + path


@register.filter
def asked_words(query: dict[str, Any]) -> str:
    """What a query asked for, without the period."""
    asked = query["asked"]
    if "changes" in asked:
        return f"changes, reason {asked['changes'].replace(',', ' or ')}"
    return ", ".join(f"{name} {value}" for name, value in asked.items() if name not in ("from", "to")) or "every entry"
