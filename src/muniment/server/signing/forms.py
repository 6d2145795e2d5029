"""Forms about signatures. What they hold is judged by `workflow` and `services`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from muniment.server.signing.workflow import MAX_COMMENT


class SignForm(forms.Form):
    """A signature to be."""

    use_required_attribute = False

    meaning = forms.ChoiceField(label="What your signature means", widget=forms.RadioSelect)
    comment = forms.CharField(
        label="Comment",
        required=False,
        max_length=MAX_COMMENT,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Kept for good.",
    )
    password = forms.CharField(
        label="Your password",
        required=False,
        strip=False,
        max_length=1024,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text="Each signature asks for it, unless you used a passkey since your last one.",
    )
    hash = forms.CharField(widget=forms.HiddenInput, max_length=64)

    def __init__(self, data: Any = None, *, meanings: Mapping[str, str], hash_: str, needs_password: bool) -> None:
        super().__init__(data, initial={"hash": hash_})
        self.fields["password"].required = needs_password
        field = self.fields["meaning"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(code, f"{code.capitalize()}: {words}") for code, words in meanings.items()]

    def accuse(self, where: str | None, reason: str) -> None:
        """Say at its field what was wrong."""
        self.add_error(where if where in ("meaning", "comment", "password") else None, reason)


class MeaningsForm(forms.Form):
    """What signatures can mean beside what they always can."""

    use_required_attribute = False

    meanings = forms.CharField(
        label="Meanings of your own",
        required=False,
        max_length=5_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="One a line: a code, a colon, and what it means. Signatures keep the words they were made with.",
    )
