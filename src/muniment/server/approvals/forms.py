"""Forms of approvals. What they hold is judged by `document` and `workflow`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from muniment.server.approvals.periods import MAX_COMMENT as MAX_AWAY
from muniment.server.approvals.services.rules import MAX_COMMENT
from muniment.server.approvals.workflow import (
    CRITICALITIES,
    ESCALATE_DAYS,
    EXCEPTION_DAYS,
    REATTEST_DAYS,
    RISK_LEVELS,
    Clause,
    Level,
    Rules,
)

Choices = Sequence[tuple[str, str]]
_APART = re.compile(r"[\s,;]+")
_RISKS: Choices = [(one, one.capitalize()) for one in RISK_LEVELS]
_CRITICAL: Choices = [(one, one.capitalize()) for one in CRITICALITIES]
_BOXES = forms.CheckboxSelectMultiple


class Accused(forms.Form):
    """A form whose fields can be told what was wrong with them elsewhere."""

    use_required_attribute = False

    def accuse(self, error: Any) -> None:
        """Say at its field what was wrong; above the form where it is none of its fields."""
        field = str(error.where or "").rpartition(".")[2]
        here = self.fields.get(field)
        self.add_error(field if here is not None else None, error.reason if here else f"{error.where}: {error.reason}")


class LevelsForm(Accused):
    """Who decides: at one level or two."""

    first_roles = forms.MultipleChoiceField(label="Roles", required=False, widget=_BOXES)
    first_groups = forms.MultipleChoiceField(label="Groups", required=False, widget=_BOXES)
    first_people = forms.CharField(
        label="People", required=False, max_length=4_000, help_text="Addresses or ids with blanks between them."
    )
    two = forms.BooleanField(label="Then a second person decides", required=False)
    second_roles = forms.MultipleChoiceField(label="Roles of the second", required=False, widget=_BOXES)
    second_groups = forms.MultipleChoiceField(label="Groups of the second", required=False, widget=_BOXES)
    second_people = forms.CharField(label="People for the second", required=False, max_length=4_000)

    def __init__(self, data: Any = None, *, roles: Choices, groups: Choices, **more: Any) -> None:
        super().__init__(data, **more)
        for level in ("first", "second"):
            for name, offered in ((f"{level}_roles", roles), (f"{level}_groups", groups)):
                field = self.fields[name]
                if not offered:
                    del self.fields[name]
                elif isinstance(field, forms.MultipleChoiceField):
                    field.choices = list(offered)

    def levels(self) -> list[dict[str, list[str]]]:
        """As a document has them; to be called once the form is valid."""
        data = self.cleaned_data
        found = []
        for level in ("first", "second")[: 2 if data["two"] else 1]:
            named = {
                "roles": data.get(f"{level}_roles", []),
                "groups": data.get(f"{level}_groups", []),
                "people": _words(data[f"{level}_people"]),
            }
            found.append({field: names for field, names in named.items() if names})
        return found


class ClauseForm(LevelsForm):
    """A row of the rules: for which cases, and who decides on them."""

    risk_levels = forms.MultipleChoiceField(label="Risk", required=False, choices=_RISKS, widget=_BOXES)
    criticalities = forms.MultipleChoiceField(
        label="Criticality of an asset", required=False, choices=_CRITICAL, widget=_BOXES
    )
    frameworks = forms.CharField(
        label="Frameworks of a control",
        required=False,
        max_length=1_200,
        help_text="Ids of catalogs such as soc2, or own for your own controls.",
    )
    assets = forms.CharField(
        label="Assets", required=False, max_length=2_000, help_text="Codes with blanks between them."
    )

    @property
    def conditions(self) -> list[forms.BoundField]:
        """For which cases."""
        return [self[name] for name in ("risk_levels", "criticalities", "frameworks", "assets")]

    def clause(self) -> dict[str, Any]:
        """As a document has it; to be called once the form is valid."""
        data = self.cleaned_data
        said = {
            "risk_levels": data["risk_levels"],
            "criticalities": data["criticalities"],
            "frameworks": _words(data["frameworks"]),
            "assets": _words(data["assets"]),
        }
        return {**{field: given for field, given in said.items() if given}, "levels": self.levels()}


class DaysForm(Accused):
    """How long exceptions last, and when people are told."""

    max_days = forms.IntegerField(
        label="An exception lasts at most, in days", min_value=EXCEPTION_DAYS[0], max_value=EXCEPTION_DAYS[1]
    )
    reminder_days = forms.CharField(
        label="Reminders, in days before its end",
        max_length=200,
        help_text="90, 60 and 30 are always among them; add others.",
    )
    reattest_days = forms.IntegerField(
        label="Its owner says again that it holds every so many days",
        min_value=REATTEST_DAYS[0],
        max_value=REATTEST_DAYS[1],
    )
    escalate_days = forms.IntegerField(
        label="An approval is escalated after so many days",
        min_value=ESCALATE_DAYS[0],
        max_value=ESCALATE_DAYS[1],
    )

    def clean_reminder_days(self) -> list[int]:
        """Whole numbers."""
        words = _words(self.cleaned_data["reminder_days"])
        if not all(re.fullmatch(r"[0-9]{1,4}", one, re.ASCII) for one in words):
            raise forms.ValidationError("Whole numbers of days with blanks or commas between them, such as 90, 60, 30.")
        return [int(one) for one in words]


class CaseForm(Accused):
    """A made-up case."""

    risk_level = forms.ChoiceField(label="Risk of a made-up case", choices=_RISKS)
    frameworks = forms.CharField(label="Frameworks of its controls", required=False, max_length=1_200)
    assets = forms.CharField(label="Its assets", required=False, max_length=2_000, help_text="Codes.")
    requester = forms.CharField(
        label="Who asks", required=False, max_length=254, help_text="Address or id; never decides on it."
    )

    def said(self) -> dict[str, Any]:
        """As `Case` takes it, and the requester."""
        data = self.cleaned_data
        return {**data, "frameworks": _words(data["frameworks"]), "assets": _words(data["assets"])}


class SaveForm(Accused):
    """Putting checked rules in force."""

    document = forms.CharField(widget=forms.HiddenInput, max_length=200_000)
    number = forms.IntegerField(widget=forms.HiddenInput, min_value=0, max_value=2**31 - 1)
    comment = forms.CharField(
        label="Why",
        max_length=MAX_COMMENT,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Recorded with the version. Name no persons.",
    )


class AwayForm(Accused):
    """Somebody is away."""

    first_day = forms.DateField(label="First day", widget=forms.DateInput(attrs={"type": "date"}))
    last_day = forms.DateField(label="Last day", widget=forms.DateInput(attrs={"type": "date"}))
    zone = forms.CharField(
        label="Time zone", max_length=64, help_text="In which these days are counted: Europe/Warsaw."
    )
    to = forms.ChoiceField(label="Who decides meanwhile", required=False)
    comment = forms.CharField(
        label="Comment", required=False, max_length=MAX_AWAY, help_text="Name no reasons of health."
    )

    def __init__(
        self, data: Any = None, *, people: Choices, others: Choices = (), initial: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(data, initial=dict(initial or {}))
        to = self.fields["to"]
        if isinstance(to, forms.ChoiceField):
            to.choices = [("", "Nobody"), *people]
        if others:
            self.fields["person"] = forms.ChoiceField(label="Who is away", choices=list(others), required=False)
            self.order_fields(["person"])


def days_of(rules: Rules) -> dict[str, Any]:
    """What `DaysForm` begins with."""
    return {
        "max_days": rules.max_days,
        "reminder_days": ", ".join(map(str, rules.reminder_days)),
        "reattest_days": rules.reattest_days,
        "escalate_days": rules.escalate_days,
    }


def levels_initial(levels: Sequence[Level], names: Mapping[str, str]) -> dict[str, Any]:
    """What `LevelsForm` begins with.

    Args:
        levels: of a clause.
        names: what people are called in the form, by id: their addresses.
    """
    found: dict[str, Any] = {"two": len(levels) > 1}
    for word, level in zip(("first", "second"), levels, strict=False):
        found[f"{word}_roles"] = list(level.roles)
        found[f"{word}_groups"] = list(level.groups)
        found[f"{word}_people"] = " ".join(names.get(one, one) for one in level.people)
    return found


def clause_initial(clause: Clause, names: Mapping[str, str]) -> dict[str, Any]:
    """What `ClauseForm` begins with; `names` as above, and the codes of assets."""
    return {
        "risk_levels": list(clause.risk_levels),
        "criticalities": list(clause.criticalities),
        "frameworks": " ".join(clause.frameworks),
        "assets": " ".join(names.get(one, one) for one in clause.assets),
        **levels_initial(clause.levels, names),
    }


def _words(text: str) -> list[str]:
    return [one for one in _APART.split(text) if one]
