"""Forms about controls. What they hold is judged by `workflow` and the services."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from re import split
from typing import Any, Final

from django import forms

from muniment.catalogs.framework import Catalog
from muniment.core.errors import MunimentError
from muniment.server.controls.tables import MAX_BYTES
from muniment.server.controls.workflow import FREQUENCIES, MAX_TEXT, STATUSES, Definition

_KEPT: Final = "Recorded for good. Name no persons: it cannot be erased."


class DefinitionForm(forms.Form):
    """What a version of a control says. `id` is asked for where one is defined, `reason` where one is changed."""

    use_required_attribute = False

    id = forms.CharField(label="Id", max_length=64, help_text="Such as AI-7. Never changed: entries name it.")
    statement = forms.CharField(
        label="Statement", max_length=MAX_TEXT, widget=forms.Textarea(attrs={"rows": 3}), help_text=_KEPT
    )
    owner = forms.ChoiceField(label="Owner", required=False)
    frequency = forms.ChoiceField(
        label="Frequency", choices=[(code, one.title) for code, one in FREQUENCIES.items()], initial="per-event"
    )
    procedure = forms.CharField(
        label="Test procedure",
        required=False,
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="How somebody finds out whether it works.",
    )
    criteria = forms.CharField(
        label="Linked criteria",
        required=False,
        max_length=5_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Control ids of any framework, separated by spaces: soc2:CC6.1 hipaa:164.312(b)",
    )
    status = forms.ChoiceField(
        label="Status", choices=[(code, STATUSES[code]) for code in ("draft", "in-force")], initial="draft"
    )
    reason = forms.CharField(label="Reason for the change", required=False, max_length=MAX_TEXT)
    number = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, data: Any = None, *, owners: Mapping[str, str], before: Definition | None = None, number: int = 0
    ) -> None:
        initial: dict[str, Any] = {}
        if before is not None:
            initial = {
                name: getattr(before, name) for name in ("statement", "owner", "frequency", "procedure", "status")
            }
            initial |= {"criteria": " ".join(before.criteria), "number": number}
        super().__init__(data, initial=initial)
        known = {**({before.owner: f"{before.owner}, no member any more"} if before and before.owner else {}), **owners}
        self.fields["owner"].choices = [("", "Nobody yet"), *known.items()]  # type: ignore[attr-defined]
        if before is None:
            del self.fields["reason"], self.fields["number"]
        else:
            del self.fields["id"]
            if before.status == "in-force":
                self.fields["status"].choices = [("in-force", STATUSES["in-force"])]  # type: ignore[attr-defined]

    @property
    def given(self) -> dict[str, Any]:
        """What was filled in, by the names of `Definition`."""
        data = {name: value for name, value in self.cleaned_data.items() if name not in ("id", "number")}
        return data | {"criteria": tuple(sorted({one for one in split(r"[\s,;]+", data["criteria"]) if one}))}

    def accuse(self, error: MunimentError) -> None:
        """Say at its field what was wrong."""
        where = (error.where or "").partition("[")[0]
        self.add_error(where if where in self.fields else None, error.reason)


class RetireForm(forms.Form):
    """Why and from when a control is retired."""

    use_required_attribute = False

    reason = forms.CharField(
        label="Reason", max_length=MAX_TEXT, widget=forms.Textarea(attrs={"rows": 2}), help_text=_KEPT
    )
    on = forms.DateField(
        label="Retired from", required=False, help_text="A day of UTC up to today; left empty, today.",
        input_formats=["%Y-%m-%d"], widget=forms.DateInput(attrs={"placeholder": "2026-03-01"}),
    )  # fmt: skip
    number = forms.IntegerField(required=False, widget=forms.HiddenInput)


class TableForm(forms.Form):
    """A table of controls, as a file or as text."""

    use_required_attribute = False

    file = forms.FileField(label="CSV file", required=False)
    csv = forms.CharField(
        label="Or its text",
        required=False,
        max_length=MAX_BYTES,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "class": "mono"}),
    )

    def clean(self) -> dict[str, Any]:
        """The table's text under `csv`."""
        data = super().clean() or {}
        if (file := data.get("file")) is not None:
            if file.size > MAX_BYTES:
                raise forms.ValidationError({"file": "is larger than 1 MiB"})
            try:
                data["csv"] = file.read().decode("utf-8-sig")
            except UnicodeDecodeError as error:
                raise forms.ValidationError({"file": f"is not UTF-8 at byte {error.start}"}) from None
        if not data.get("csv", "").strip():
            raise forms.ValidationError({"csv": "give a file or its text"})
        return data


class StarterForm(forms.Form):
    """The framework whose criteria become drafts."""

    use_required_attribute = False

    framework = forms.ChoiceField(label="Framework")

    def __init__(self, data: Any = None, *, catalogs: Collection[Catalog]) -> None:
        super().__init__(data, initial={"framework": "soc2"})
        self.fields["framework"].choices = [  # type: ignore[attr-defined]
            (one.id, f"{one.title}, {one.version} ({len(one.counted)})") for one in catalogs
        ]
