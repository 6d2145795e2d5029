"""Forms of a tenant's settings."""

from __future__ import annotations

from typing import Any

from django import forms

from muniment.server.tenancy.workflow import SESSION_HOURS, STEP_UP


class SettingsForm(forms.Form):
    """Bounds and contacts."""

    use_required_attribute = False

    security_contact = forms.CharField(
        label="Security contact",
        required=False,
        max_length=255,
        help_text="Where to report vulnerabilities: an e-mail address, an https address or a telephone number. "
        "Anyone can read it in security.txt.",
    )
    security_policy_url = forms.CharField(
        label="Security policy", required=False, max_length=255, help_text="An https address; in security.txt too."
    )
    step_up_seconds = forms.IntegerField(
        label="Age of a fresh second factor, in seconds",
        min_value=STEP_UP[0],
        max_value=STEP_UP[1],
        help_text="What changes rights or lets data out asks again when the last proof is older than this.",
    )
    session_hours = forms.IntegerField(
        label="Longest session, in hours", min_value=SESSION_HOURS[0], max_value=SESSION_HOURS[1]
    )
    mfa_from_first_login = forms.BooleanField(
        label="Ask for the second factor at the first sign-in already",
        required=False,
        help_text="Without this it is asked for from the second sign-in on. It cannot be switched off.",
    )


class WorkspaceForm(forms.Form):
    """A new workspace."""

    use_required_attribute = False

    name = forms.CharField(label="Name", max_length=64, help_text="As events carry it. It cannot be changed later.")
    region = forms.ChoiceField(label="Region", help_text="It cannot be changed later.")

    def __init__(self, *args: Any, regions: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["region"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [(region, region) for region in regions]


class HostForm(forms.Form):
    """A host name of the tenant's own."""

    use_required_attribute = False

    host = forms.CharField(
        label="Host name",
        max_length=253,
        help_text="The operator must let the server answer to it (in MUNIMENT_HOSTS, with a dot in front), and its "
        "DNS must lead here.",
    )


class PublicForm(forms.Form):
    """Whether verification is public."""

    public = forms.BooleanField(required=False)
