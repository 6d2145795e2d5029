"""Forms of the packet desk. What they hold is judged by `scope` and `workflow`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from muniment.server.packets.scope import MAX_NAME, SLOTS, Scope, scope_of
from muniment.server.packets.services import Party
from muniment.server.packets.workflow import DUE_HOURS, LINK_HOURS, MAX_PURPOSE, MAX_TEXT, Rules

Choices = Sequence[tuple[str, str]]


class Accused(forms.Form):
    """A form whose fields can be told what was wrong with them elsewhere."""

    use_required_attribute = False

    def accuse(self, error: Any) -> None:
        """Say at its field what was wrong."""
        where = str(error.where or "").removeprefix("recipient.")
        field = {"from": "since", "to": "until"}.get(where, where.replace("slots.", "slot_"))
        self.add_error(field if field in self.fields else None, f"{error.where}: {error.reason}")


class ScopeForm(Accused):
    """What a packet shall hold."""

    name = forms.CharField(label="Name", max_length=MAX_NAME, help_text="Such as SOC 2, first quarter.")
    controls = forms.CharField(
        label="Controls",
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Ids with blanks between them, such as soc2:CC6.1 own:AC-3.",
    )
    frameworks = forms.MultipleChoiceField(label="Whole frameworks", required=False)
    since = forms.DateField(label="From", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="To", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    workspace = forms.ChoiceField(label="Workspace", required=False)
    populations = forms.MultipleChoiceField(
        label="Populations", required=False, widget=forms.CheckboxSelectMultiple, help_text="Saved ones."
    )
    samples = forms.MultipleChoiceField(label="Samples", required=False, widget=forms.CheckboxSelectMultiple)
    statements = forms.CharField(
        label="Statements", required=False, max_length=4_000, help_text="Ids with blanks between them."
    )
    reports = forms.CharField(
        label="Reports", required=False, max_length=4_000, help_text="Ids with blanks between them."
    )

    def __init__(
        self,
        data: Any = None,
        *,
        choices: Mapping[str, Choices],
        files: Mapping[str, Choices],
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=dict(initial or {}))
        for name, offered in choices.items():
            field = self.fields[name]
            if isinstance(field, forms.ChoiceField):
                field.choices = list(offered)
        for slot, label in SLOTS.items():
            self.fields[f"slot_{slot}"] = forms.MultipleChoiceField(
                label=label,
                required=False,
                choices=list(files.get(slot, ())),
                widget=forms.CheckboxSelectMultiple,
                help_text="" if files.get(slot) else "No attachment of this kind. The packet says: not supplied.",
            )

    def scope(self) -> Scope:
        """What was asked for; to be called once the form is valid.

        Raises:
            Malformed: naming the field.
        """
        data = self.cleaned_data
        return scope_of(
            name=data["name"],
            controls=data["controls"].split(),
            frameworks=data["frameworks"],
            since=data["since"],
            until=data["until"],
            workspace=data["workspace"],
            populations=data["populations"],
            samples=data["samples"],
            slots={slot: data[f"slot_{slot}"] for slot in SLOTS},
            statements=data["statements"].split(),
            reports=data["reports"].split(),
        )


class AskForm(Accused):
    """A request for a packet."""

    purpose = forms.CharField(
        label="Purpose",
        max_length=MAX_PURPOSE,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Recorded for good. Name no persons.",
    )
    name = forms.CharField(
        label="Name of somebody outside",
        required=False,
        max_length=120,
        help_text="Left empty, the packet is for you. The ledger holds a random id instead.",
    )
    company = forms.CharField(label="Company", required=False, max_length=120)
    email = forms.CharField(label="E-mail address", required=False, max_length=254)

    def party(self) -> Party | None:
        """Who shall have it, if somebody outside.

        Raises:
            Malformed: naming the field.
        """
        data = {field: self.cleaned_data[field].strip() for field in ("name", "company", "email")}
        return Party(data["name"], data["company"], data["email"]) if any(data.values()) else None


class ReasonForm(Accused):
    """Why."""

    reason = forms.CharField(
        label="Reason",
        required=False,
        max_length=MAX_PURPOSE,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Recorded for good. Name no persons.",
    )


class SignForm(Accused):
    """Accepting a text."""

    name = forms.CharField(label="Your name", max_length=120, help_text="As you would sign. Kept encrypted.")
    sha256 = forms.CharField(widget=forms.HiddenInput, max_length=64)


class RulesForm(Accused):
    """What the tenant asks of its desk."""

    due_hours = forms.IntegerField(
        label="Due after, in hours",
        min_value=DUE_HOURS[0],
        max_value=DUE_HOURS[1],
        help_text="From the request to the first handing over.",
    )
    working_days = forms.BooleanField(label="Only Mondays to Fridays count", required=False)
    zone = forms.CharField(label="Time zone", max_length=64, help_text="Such as Europe/Warsaw: where days begin.")
    nda_required = forms.BooleanField(label="Whoever takes a packet signs the text first", required=False)
    link_hours = forms.IntegerField(
        label="A link opens for, in hours", min_value=LINK_HOURS[0], max_value=LINK_HOURS[1]
    )

    def rules(self) -> Rules:
        """What was asked for.

        Raises:
            Malformed: naming the field.
        """
        return Rules(**self.cleaned_data)


class TextForm(Accused):
    """A text to be signed."""

    text = forms.CharField(
        label="Text",
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 12}),
        help_text="For requests from now on. Its SHA-256 is recorded.",
    )
