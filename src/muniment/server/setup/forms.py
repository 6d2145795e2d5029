"""What the first administrator types."""

from __future__ import annotations

from typing import Any

from django import forms

from muniment.server.accounts.forms import NewPasswordForm


class AdministratorForm(NewPasswordForm):
    """Address, name and password of the first administrator."""

    field_order = ("email", "name", "password")

    email = forms.EmailField(
        label="E-mail",
        max_length=254,
        help_text="You sign in with it. The ledger names you by a random id instead.",
        widget=forms.EmailInput(attrs={"autocomplete": "username"}),
    )
    name = forms.CharField(
        label="Name",
        max_length=128,
        help_text="As others here will see it.",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )

    def clean(self) -> dict[str, Any]:
        """Everything that was typed."""
        return super().clean() or self.cleaned_data

    def clean_email(self) -> str:
        """In lower case; the password is judged with it in mind."""
        self.user.email = str(self.cleaned_data["email"]).strip().lower()
        return self.user.email

    def clean_name(self) -> str:
        """The password is judged with it in mind."""
        self.user.name = str(self.cleaned_data["name"]).strip()
        return self.user.name
