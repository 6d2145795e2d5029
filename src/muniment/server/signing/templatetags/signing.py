"""Signatures on pages of entries: `{% load signing %}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template

from muniment.server.access.standing import Standing
from muniment.server.capabilities import Capability
from muniment.server.signing.services import signatures_of

register = template.Library()


@register.inclusion_tag("signing/of_entry.html", takes_context=True)
def signatures_of_entry(context: Mapping[str, Any], seq: int, *, signing: bool = False) -> dict[str, Any]:
    """The signatures of the entry at a place, and the way to sign it, unless the page is that already."""
    standing = getattr(context.get("request"), "standing", None)
    if not isinstance(standing, Standing):
        return {"signatures": [], "may_sign": False, "seq": seq}
    return {
        "signatures": signatures_of(standing, [int(seq)]).get(int(seq), []),
        "may_sign": standing.may(Capability.ENTRY_SIGN) and not signing,
        "seq": seq,
    }
