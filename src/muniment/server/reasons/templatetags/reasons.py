"""Reasons on pages of entries: `{% load reasons %}`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import template

from muniment.server.access.standing import Standing
from muniment.server.reasons.services import Change, reasons_at
from muniment.server.reasons.workflow import STATES

register = template.Library()


@register.inclusion_tag("reasons/of_entry.html", takes_context=True)
def reason_of_entry(context: Mapping[str, Any], seq: int, *, alone: bool = False) -> dict[str, Any]:
    """The reason of the change at a place as a fact, with a list of facts around it if it is `alone`; else nothing."""
    found = _found(context, [int(seq)]).get(int(seq))
    return {"change": found, "word": "" if found is None else STATES[found.state], "alone": alone}


@register.simple_tag(takes_context=True)
def reasons_of(context: Mapping[str, Any], rows: Sequence[Any]) -> dict[int, Change]:
    """The reasons among some rows with a `seq`, by place."""
    return _found(context, [int(row.seq) for row in rows or ()])


@register.filter
def at_place(found: Mapping[int, Change], seq: int) -> Change | None:
    """The reason at a place."""
    return found.get(int(seq))


def _found(context: Mapping[str, Any], places: Sequence[int]) -> dict[int, Change]:
    standing = getattr(context.get("request"), "standing", None)
    return reasons_at(standing, places) if isinstance(standing, Standing) else {}
