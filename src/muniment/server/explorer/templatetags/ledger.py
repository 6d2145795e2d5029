"""Filters for what sources wrote: `{% load ledger %}`."""

from __future__ import annotations

from typing import Any

from django import template

from muniment.server.explorer import bodies, cells

register = template.Library()


@register.filter
def visible(value: Any) -> str:
    """A source's text with unseen and direction-turning characters written by their numbers."""
    return bodies.visible(str(value))


@register.filter
def fitting(value: Any, most: int = cells.MOST) -> str:
    """The same, cut after so many characters."""
    return cells.fitting(str(value), most)
