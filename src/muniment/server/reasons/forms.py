"""Forms about reasons. What they hold is judged by `workflow` and `services`."""

from __future__ import annotations

from typing import Any

from django import forms

from muniment.catalogs.actions import registry
from muniment.core.errors import Malformed
from muniment.server.reasons.workflow import STATES, own_changes, source_changes


class RequiredForm(forms.Form):
    """Which actions need a reason."""

    use_required_attribute = False

    sources = forms.MultipleChoiceField(
        label="Changes that sources record", required=False, widget=forms.CheckboxSelectMultiple
    )
    own = forms.MultipleChoiceField(
        label="Changes that people make in Muniment", required=False, widget=forms.CheckboxSelectMultiple
    )
    more = forms.CharField(
        label="Actions of your own",
        required=False,
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One a line: x.deploy, x.deploy.* for all under it, or x.* for every action of your own.",
    )

    def __init__(self, data: Any = None, *, registered: tuple[str, ...] = ()) -> None:
        known = {*source_changes(), *own_changes()}
        super().__init__(
            data,
            initial={
                "sources": [one for one in registered if one in source_changes()],
                "own": [one for one in registered if one in own_changes()],
                "more": "\n".join(one for one in registered if one not in known),
            },
        )
        meanings = {code: action.meaning for code, action in registry().items()}
        for name, codes in (("sources", source_changes()), ("own", own_changes())):
            field = self.fields[name]
            assert isinstance(field, forms.MultipleChoiceField)
            field.choices = [(code, f"{code}: {meanings[code]}") for code in codes]

    def actions(self) -> list[str]:
        """What was asked for."""
        data = self.cleaned_data
        return [*data["sources"], *data["own"], *data["more"].split()]

    def accuse(self, error: Malformed) -> None:
        """Say at its field what was wrong."""
        self.add_error("more", error.reason)


class SearchForm(forms.Form):
    """Which changes to show."""

    use_required_attribute = False

    action = forms.CharField(
        label="Action", required=False, max_length=64, help_text="All that are registered, if empty."
    )
    state = forms.ChoiceField(label="Reason", required=False, choices=[("", "Any"), *STATES.items()])
    text = forms.CharField(label="Reason contains", required=False, max_length=200)

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        for name, label in (("from", "From"), ("to", "Until before")):
            self.fields[name] = forms.CharField(
                label=label, required=False, max_length=40, widget=forms.TextInput(attrs={"placeholder": "2026-01-01"})
            )
