"""Forms about keys and service accounts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from django import forms

from muniment.server.members.models import Role, ServiceAccount


class ConnectForm(forms.Form):
    """What the key of a new connection is called."""

    use_required_attribute = False

    label = forms.CharField(
        label="Name of the key",
        max_length=64,
        help_text="So that you recognise it in the list, for example the agent's name.",
    )


class KeyForm(forms.Form):
    """A new API key."""

    use_required_attribute = False

    label = forms.CharField(label="Name", max_length=64, help_text="So that you recognise it in the list.")
    scope = forms.ChoiceField(
        label="What it may do",
        choices=[
            ("append", "Append: record events, and read what its own sources sent"),
            ("read", "Read: entries, proofs, exports; or what its service account allows"),
        ],
        widget=forms.RadioSelect,
        initial="append",
    )
    service = forms.ChoiceField(
        label="Service account",
        required=False,
        help_text="Without one, a read key may read the ledger and its payloads.",
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, services: Iterable[ServiceAccount]) -> None:
        super().__init__(data)
        field = cast("forms.ChoiceField", self.fields["service"])
        field.choices = [("", "None"), *((row.id, row.name) for row in services)]


class ServiceForm(forms.Form):
    """A new service account."""

    use_required_attribute = False

    name = forms.CharField(label="Name", max_length=64, help_text="Of the program that its keys are for.")
    roles = forms.MultipleChoiceField(
        label="Roles",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="What its read keys may do. You can give only what you may do yourself.",
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, roles: Iterable[Role]) -> None:
        super().__init__(data)
        cast("forms.MultipleChoiceField", self.fields["roles"]).choices = [(row.id, row.name) for row in roles]
