"""Forms about attachments. What they hold is judged by `workflow`."""

from __future__ import annotations

from typing import Any

from django import forms

from muniment.server.attachments.workflow import ENDINGS, KINDS, MAX_BYTES, MAX_NOTE, NewAttachment, sorted_controls


class AttachForm(forms.Form):
    """A file and what it evidences."""

    use_required_attribute = False

    file = forms.FileField(label="File", help_text=f"One of {', '.join(ENDINGS)}.")
    kind = forms.ChoiceField(label="Kind", choices=[("", "Choose one"), *KINDS.items()])
    controls = forms.CharField(
        label="Controls",
        required=False,
        max_length=6_000,
        help_text="Ids with blanks between them, such as soc2:CC6.1 own:AC-3.",
    )
    period_from = forms.DateField(
        label="Covers from", required=False, widget=forms.DateInput(attrs={"type": "date"}), help_text="First day."
    )
    period_to = forms.DateField(
        label="Covers to", required=False, widget=forms.DateInput(attrs={"type": "date"}), help_text="Last day."
    )
    note = forms.CharField(
        label="Note",
        required=False,
        max_length=MAX_NOTE,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept for good. Name no persons.",
    )

    def attachment(self, replaces: str) -> NewAttachment:
        """What was asked for; to be called once the form is valid.

        Raises:
            Malformed: naming the field.
        """
        data = self.cleaned_data
        return NewAttachment(
            data["file"].name or "",
            data["kind"],
            sorted_controls(data["controls"].split()),
            data["period_from"],
            data["period_to"],
            data["note"],
            replaces,
        )

    def accuse(self, error: Any) -> None:
        """Say at its field what was wrong."""
        field = {"name": "file", "from": "period_from", "to": "period_to"}.get(error.where, error.where)
        self.add_error(field if field in self.fields else None, error.reason)


class LimitForm(forms.Form):
    """How large an attachment may be."""

    use_required_attribute = False

    mebibytes = forms.IntegerField(label="Largest attachment, in MiB", min_value=1, max_value=MAX_BYTES >> 20)


class WithdrawForm(forms.Form):
    """Why an attachment is not relied upon any more."""

    use_required_attribute = False

    reason = forms.CharField(label="Reason", max_length=MAX_NOTE, widget=forms.Textarea(attrs={"rows": 2}))
