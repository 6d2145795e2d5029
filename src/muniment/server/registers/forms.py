"""Forms that registers share."""

from __future__ import annotations

from django import forms

from muniment.core.errors import MunimentError
from muniment.server.registers.texts import MAX_TEXT


class ReasonForm(forms.Form):
    """Why something ends."""

    use_required_attribute = False

    reason = forms.CharField(label="Reason", max_length=MAX_TEXT, widget=forms.Textarea(attrs={"rows": 2}))
    number = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def accuse(self, error: MunimentError) -> None:
        """Say at its field what was wrong."""
        self.add_error(error.where if error.where in self.fields else None, error.reason)
