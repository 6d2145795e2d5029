"""Forms of members, roles and groups. Their choices are the open tenant's rows, so no other tenant's id is one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from typing import Any

from django import forms
from django.utils.html import format_html

from muniment.server.accounts.forms import NewPasswordForm
from muniment.server.capabilities import MEANINGS, Capability
from muniment.server.members.directory import Directory

END_HELP = (
    "The membership ends when this day begins (UTC). Roles with a time limit need an end at most 90 days from now."
)


class PlainForm(forms.Form):
    """A form whose errors are ours and not the browser's."""

    use_required_attribute = False


class HolderForm(PlainForm):
    """Roles, groups and end."""

    roles = forms.MultipleChoiceField(label="Roles", required=False, widget=forms.CheckboxSelectMultiple)
    groups = forms.MultipleChoiceField(label="Groups", required=False, widget=forms.CheckboxSelectMultiple)
    until = forms.DateField(
        label="Ends on", required=False, help_text=END_HELP, widget=forms.DateInput(attrs={"type": "date"})
    )

    def __init__(self, *args: Any, directory: Directory, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choices(self, "roles", [(role, _told(name, directory, role)) for role, name in role_choices(directory)])
        _choices(self, "groups", group_choices(directory))
        if not directory.groups:
            del self.fields["groups"]

    def end(self, kept: datetime | None = None) -> datetime | None:
        """When the membership shall end; `kept`, to the microsecond, if its day was left as it is."""
        day: date | None = self.cleaned_data["until"]
        if day is None:
            return None
        if kept is not None and kept.astimezone(UTC).date() == day:
            return kept
        return datetime.combine(day, time(), UTC)


class InviteForm(HolderForm):
    """An invitation."""

    email = forms.EmailField(label="E-mail", max_length=254, help_text="The invitation is for this address alone.")
    field_order = ("email", "roles", "groups", "until")


class RoleForm(PlainForm):
    """What a role is."""

    code = forms.CharField(
        label="Code", max_length=32, help_text="How the ledger names it: lower-case letters, digits, hyphens. Fixed."
    )
    name = forms.CharField(label="Name", max_length=64)
    description = forms.CharField(label="Description", max_length=255, required=False)
    capabilities = forms.MultipleChoiceField(
        label="What it allows",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=[
            (str(capability), f"{meaning} ({capability})")
            for capability, meaning in MEANINGS.items()
            if capability is not Capability.LEDGER_APPEND
        ],
    )
    recorded_reads = forms.BooleanField(
        label="Record everything that its holders read",
        required=False,
        help_text="For auditors: each page and each answer of the API becomes an entry.",
    )
    time_boxed = forms.BooleanField(
        label="Only for a limited time", required=False, help_text="Its holders need an end at most 90 days from now."
    )

    def __init__(self, *args: Any, existing: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if existing:
            del self.fields["code"]


class DeleteRoleForm(PlainForm):
    """What takes a deleted role's place."""

    replacement = forms.ChoiceField(label="Replace it by", required=False)

    def __init__(self, *args: Any, directory: Directory, role_id: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = [choice for choice in role_choices(directory) if choice[0] != role_id]
        _choices(self, "replacement", [("", "Nothing: nobody has it"), *others])


class GroupForm(PlainForm):
    """What a group is."""

    name = forms.CharField(label="Name", max_length=64)
    parent = forms.ChoiceField(
        label="Part of", required=False, help_text="It gets the roles of the group that it is part of."
    )
    roles = forms.MultipleChoiceField(label="Roles", required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, directory: Directory, group_id: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choices(self, "roles", role_choices(directory))
        others = [choice for choice in group_choices(directory) if choice[0] != group_id]
        _choices(self, "parent", [("", "No group"), *others])


class GroupMemberForm(PlainForm):
    """Whom to put into a group, by address: a list of everybody would be long."""

    email = forms.EmailField(label="E-mail of a member", max_length=254)


class JoinForm(NewPasswordForm):
    """A new account for somebody who was invited."""

    field_order = ("name", "password")
    name = forms.CharField(label="Your name", max_length=128, widget=forms.TextInput(attrs={"autocomplete": "name"}))


def role_choices(directory: Directory) -> list[tuple[str, str]]:
    """(id, name) of the tenant's roles, the built-in ones first."""
    roles = sorted(directory.roles.values(), key=lambda role: (not role.builtin, role.name.lower()))
    return [(role.id, role.name) for role in roles]


def group_choices(directory: Directory) -> list[tuple[str, str]]:
    """(id, name) of the tenant's groups."""
    return [(group.id, group.name) for group in sorted(directory.groups.values(), key=lambda group: group.name.lower())]


def _told(name: str, directory: Directory, role_id: str) -> str:
    """A role's name with what it is for."""
    description = directory.roles[role_id].description
    return format_html('{} <span class="small muted">{}</span>', name, description) if description else name


def _choices(form: forms.Form, name: str, choices: Iterable[tuple[str, str]]) -> None:
    field = form.fields[name]
    if isinstance(field, forms.ChoiceField):
        field.choices = list(choices)
