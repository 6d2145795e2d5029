"""Forms about assets. What they hold is judged by `workflow` and the services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from muniment.core.errors import MunimentError
from muniment.server.assets.workflow import CRITICALITIES, KINDS, Definition
from muniment.server.registers.codes import MAX_CODE
from muniment.server.registers.texts import MAX_LINE, MAX_TEXT


class AssetForm(forms.Form):
    """What a version of an asset says. `code` is asked for where one is listed, `reason` where one is changed."""

    use_required_attribute = False

    code = forms.CharField(
        label="Code",
        max_length=MAX_CODE,
        required=False,
        help_text="Such as CRM-PROD; left empty, the next free AST-…. Never changed.",
    )
    name = forms.CharField(label="Name", max_length=MAX_LINE)
    owner = forms.ChoiceField(label="Owner", required=False)
    criticality = forms.ChoiceField(label="Criticality", choices=list(CRITICALITIES.items()), initial="medium")
    kind = forms.ChoiceField(label="Kind", choices=list(KINDS.items()), initial="application")
    description = forms.CharField(
        label="Description",
        required=False,
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Recorded for good with its entry. Name no persons.",
    )
    reason = forms.CharField(label="Reason for the change", required=False, max_length=MAX_TEXT)
    number = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, data: Any = None, *, owners: Mapping[str, str], before: Definition | None = None, number: int = 0
    ) -> None:
        initial: dict[str, Any] = {}
        if before is not None:
            named = ("name", "owner", "criticality", "kind", "description")
            initial = {name: getattr(before, name) for name in named} | {"number": number}
        super().__init__(data, initial=initial)
        gone = {before.owner: f"{before.owner}, no member any more"} if before and before.owner else {}
        self.fields["owner"].choices = [("", "Nobody yet"), *{**gone, **owners}.items()]  # type: ignore[attr-defined]
        for name in ("reason", "number") if before is None else ("code",):
            del self.fields[name]

    @property
    def given(self) -> dict[str, Any]:
        """What was filled in, by the names of `Definition`."""
        return {name: value for name, value in self.cleaned_data.items() if name not in ("code", "number")}

    def accuse(self, error: MunimentError) -> None:
        """Say at its field what was wrong."""
        self.add_error(error.where if error.where in self.fields else None, error.reason)
