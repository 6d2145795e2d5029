"""What people type about their accounts."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from muniment.server.accounts import passwords
from muniment.server.accounts.models import User

_LONGEST = 4096
_LONGEST_CREDENTIAL = 32768


class SignInForm(forms.Form):
    """An address and a password."""

    use_required_attribute = False

    email = forms.EmailField(
        label="E-mail", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "username webauthn"})
    )
    password = forms.CharField(
        label="Password",
        max_length=_LONGEST,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class CodeForm(forms.Form):
    """A code of the authenticator app, or a recovery code."""

    use_required_attribute = False

    code = forms.CharField(
        label="Code",
        max_length=32,
        help_text="Six digits from your authenticator app, or one of your recovery codes.",
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "class": "input-code", "spellcheck": "false", "autofocus": True}
        ),
    )


class AuthenticatorForm(forms.Form):
    """The first code of a new authenticator app."""

    use_required_attribute = False

    code = forms.CharField(
        label="Code",
        max_length=16,
        help_text="The six digits that the app shows now.",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "class": "input-code", "inputmode": "numeric"}),
    )


class CredentialForm(forms.Form):
    """What a passkey answered; a script fills it in."""

    credential = forms.CharField(max_length=_LONGEST_CREDENTIAL, widget=forms.HiddenInput)

    def clean_credential(self) -> dict[str, Any]:
        """The answer as JSON."""
        try:
            read = json.loads(self.cleaned_data["credential"])
        except (ValueError, RecursionError):
            read = None
        if not isinstance(read, dict):
            raise ValidationError("The passkey's answer cannot be read.")
        return read


class NewPasskeyForm(CredentialForm):
    """A new passkey and its name."""

    use_required_attribute = False

    name = forms.CharField(
        label="Name", max_length=64, required=False, help_text="To tell it from others, such as: work laptop."
    )


class NameForm(forms.Form):
    """A name."""

    use_required_attribute = False

    name = forms.CharField(label="Name", max_length=128, widget=forms.TextInput(attrs={"autocomplete": "name"}))


class ThemeForm(forms.Form):
    """How pages look."""

    theme = forms.ChoiceField(
        label="Colours", choices=[("auto", "As the system says"), ("light", "Light"), ("dark", "Dark")]
    )


class NewPasswordForm(forms.Form):
    """A new password, judged with the person's name and address in mind."""

    use_required_attribute = False

    password = forms.CharField(
        label="New password",
        max_length=_LONGEST,
        strip=False,
        help_text="At least 12 characters that nobody would guess. Several words in a row do well.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.breach_unchecked = False

    def clean_password(self) -> str:
        """The password, if it is good enough."""
        password = str(self.cleaned_data["password"])
        self.breach_unchecked = not passwords.check(password, self.user)
        return password


class ChangePasswordForm(NewPasswordForm):
    """A new password, and the present one."""

    field_order = ("present", "password")
    present = forms.CharField(
        label="Present password",
        max_length=_LONGEST,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class AddressForm(forms.Form):
    """An e-mail address."""

    use_required_attribute = False

    email = forms.EmailField(
        label="E-mail", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )
