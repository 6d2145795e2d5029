"""What people type about their accounts."""

from __future__ import annotations

from django import forms

_LONGEST = 4096


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
