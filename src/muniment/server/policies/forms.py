"""Forms about policies. What they hold is judged by `workflow` and the services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django import forms

from muniment.core.errors import MunimentError
from muniment.server.policies.workflow import MAX_POLICY, Definition
from muniment.server.registers.codes import MAX_CODE
from muniment.server.registers.texts import MAX_LINE, MAX_LINK, MAX_TEXT

_KEPT: Final = "Recorded for good with its entry. Name no persons."


class PolicyForm(forms.Form):
    """What a version of a policy says. `code` is asked for where one is made, `reason` where one is changed."""

    use_required_attribute = False

    code = forms.CharField(
        label="Code",
        max_length=MAX_CODE,
        required=False,
        help_text="Such as ACC-1; left empty, the next free POL-…. Never changed.",
    )
    title = forms.CharField(label="Title", max_length=MAX_LINE)
    text = forms.CharField(
        label="Text",
        required=False,
        max_length=MAX_POLICY,
        widget=forms.Textarea(attrs={"rows": 12}),
        help_text=_KEPT,
    )
    link = forms.CharField(
        label="Link",
        required=False,
        max_length=MAX_LINK,
        help_text="An https address, instead of the text or beside it. What stands behind it is not recorded.",
    )
    owner = forms.ChoiceField(label="Owner")
    effective_on = forms.DateField(
        label="In force from",
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )
    reason = forms.CharField(label="Reason for the change", required=False, max_length=MAX_TEXT)
    number = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, data: Any = None, *, owners: Mapping[str, str], before: Definition | None = None, number: int = 0
    ) -> None:
        initial: dict[str, Any] = {}
        if before is not None:
            named = ("title", "text", "link", "owner", "effective_on")
            initial = {name: getattr(before, name) for name in named} | {"number": number}
        super().__init__(data, initial=initial)
        gone = {before.owner: f"{before.owner}, no member any more"} if before else {}
        self.fields["owner"].choices = [("", "Choose"), *{**gone, **owners}.items()]  # type: ignore[attr-defined]
        for name in ("reason", "number") if before is None else ("code",):
            del self.fields[name]

    @property
    def given(self) -> dict[str, Any]:
        """What was filled in, by the names of `Definition`."""
        return {name: value for name, value in self.cleaned_data.items() if name not in ("code", "number")}

    def accuse(self, error: MunimentError) -> None:
        """Say at its field what was wrong."""
        self.add_error(error.where if error.where in self.fields else None, error.reason)
