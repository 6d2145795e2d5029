"""What a person says to build a packet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from muniment.server.packets.models import ScopeVersion


class BuildForm(forms.Form):
    """A saved scope, and whether payloads come along."""

    scope = forms.ChoiceField(label="Scope")
    bodies = forms.BooleanField(label="With the payloads of the sampled entries", required=False)

    def __init__(self, *given: Any, scopes: Sequence[ScopeVersion], **named: Any) -> None:
        super().__init__(*given, **named)
        field = self.fields["scope"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [(one.id, f"{one.name}, version {one.version}") for one in scopes]
