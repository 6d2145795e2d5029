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


class RegisterFileForm(forms.Form):
    """Which register to take out, in which form, and of which framework."""

    use_required_attribute = False

    file = forms.ChoiceField(
        label="File",
        widget=forms.RadioSelect,
        initial="exceptions.csv",
        choices=(
            ("exceptions.csv", "Exceptions, CSV: a row for each"),
            ("exceptions.md", "Exceptions, Markdown: with their steps, decisions and entries"),
            ("risks.csv", "Risks, CSV: a row for each"),
            ("risks.md", "Risks, Markdown: with their versions, acceptances and entries"),
            ("poam.oscal.json", "Exceptions as an OSCAL plan of action and milestones, JSON"),
        ),
    )
    framework = forms.ChoiceField(
        label="Only of this framework",
        required=False,
        help_text="What names one of its controls, and what names none at all.",
    )

    def __init__(self, *given: Any, frameworks: Sequence[tuple[str, str]], **named: Any) -> None:
        super().__init__(*given, **named)
        field = self.fields["framework"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [("", "All"), *frameworks]
