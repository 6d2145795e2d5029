"""Forms about exceptions. What they hold is judged by `content`, `workflow` and the services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from re import split
from typing import Any, Final

from django import forms

from muniment.core.errors import MunimentError
from muniment.server.exceptions.content import MAX_TEXT, MAX_TITLE, Content
from muniment.server.exceptions.workflow import MAX_COMMENT, RISK_LEVELS

_LISTS: Final = ("controls", "compensating_controls", "assets", "evidence")
Choices = Sequence[tuple[str, str]]


class Accused(forms.Form):
    """A form whose fields can be told what was wrong with them elsewhere."""

    use_required_attribute = False

    def accuse(self, error: MunimentError) -> None:
        """Say at its field what was wrong."""
        where = (error.where or "").partition("[")[0]
        known = where in self.fields and not self.fields[where].widget.is_hidden
        self.add_error(where if known else None, error.reason if known else f"{where}: {error.reason}")


class ContentForm(Accused):
    """What an exception says."""

    title = forms.CharField(label="Title", max_length=MAX_TITLE, help_text="Such as: no second factor on the old VPN.")
    policy = forms.ChoiceField(label="Policy that is not complied with")
    scope = forms.CharField(
        label="Scope", max_length=MAX_TEXT, widget=forms.Textarea(attrs={"rows": 2}), help_text="What it covers."
    )
    reason = forms.CharField(
        label="Why", max_length=MAX_TEXT, widget=forms.Textarea(attrs={"rows": 3}), help_text="Name no persons."
    )
    assets = forms.MultipleChoiceField(label="Assets", required=False, widget=forms.CheckboxSelectMultiple)
    controls = forms.CharField(
        label="Controls that are not complied with",
        required=False,
        max_length=6_400,
        help_text="Ids with blanks between them, such as soc2:CC6.1 own:AI-7.",
    )
    risk_level = forms.ChoiceField(label="Risk level", choices=list(RISK_LEVELS.items()), initial="medium")
    residual_risk = forms.CharField(
        label="Residual risk",
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What can happen all the same.",
    )
    compensating = forms.CharField(
        label="What is done instead", required=False, max_length=MAX_TEXT, widget=forms.Textarea(attrs={"rows": 2})
    )
    compensating_controls = forms.CharField(
        label="Compensating controls",
        required=False,
        max_length=6_400,
        help_text="Ids of controls that stand in, with blanks between them.",
    )
    evidence = forms.MultipleChoiceField(
        label="Evidence",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Attachments, one version each.",
    )
    starts_on = forms.DateField(
        label="First day",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Left empty, it holds from its approval on.",
    )
    expires_on = forms.DateField(
        label="Last day",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="It holds to the end of this day. Once it is submitted, this is never changed: it is renewed.",
    )
    zone = forms.CharField(
        label="Time zone", max_length=64, initial="UTC", help_text="Where these days begin, such as Europe/Warsaw."
    )
    owner = forms.ChoiceField(
        label="Owner", required=False, help_text="Who answers for it. The owner never decides on it."
    )

    def __init__(
        self,
        data: Any = None,
        *,
        before: Content | None = None,
        policies: Choices,
        assets: Choices,
        evidence: Choices,
        owners: Mapping[str, str],
        zone: str = "UTC",
    ) -> None:
        initial: dict[str, Any] = {"zone": zone}
        if before is not None:
            initial = {name: getattr(before, name) for name in self.base_fields}
            initial |= {name: " ".join(initial[name]) for name in ("controls", "compensating_controls")}
            initial |= {name: list(initial[name]) for name in ("assets", "evidence")}
        super().__init__(data, initial=initial)
        chosen = {} if before is None else {"assets": before.assets, "evidence": before.evidence}
        offered = {"assets": assets, "evidence": evidence}
        for name, choices in offered.items():
            gone = [(one, one) for one in chosen.get(name, ()) if one not in dict(choices)]
            self._offer(name, [*choices, *gone])
            if not choices and not gone:
                del self.fields[name]
        old = [(before.policy, before.policy)] if before and before.policy not in dict(policies) else []
        self._offer("policy", [("", "Choose one"), *policies, *old])
        left = [(before.owner, before.owner)] if before and before.owner and before.owner not in owners else []
        self._offer("owner", [("", "You"), *owners.items(), *left])

    @property
    def given(self) -> dict[str, Any]:
        """What was filled in, by the names of `Content`."""
        data = dict(self.cleaned_data)
        for name in _LISTS:
            value = data.get(name) or ()
            data[name] = (
                tuple(one for one in split(r"[\s,;]+", value) if one) if isinstance(value, str) else tuple(value)
            )
        return data

    def _offer(self, name: str, choices: Choices) -> None:
        field = self.fields[name]
        if isinstance(field, forms.ChoiceField):
            field.choices = list(choices)


class CommentForm(Accused):
    """What is said to a step."""

    comment = forms.CharField(
        label="Comment", max_length=MAX_COMMENT, widget=forms.Textarea(attrs={"rows": 3}), help_text="Recorded with it."
    )


class DecisionForm(CommentForm):
    """What an approver says to what they were shown."""

    basis = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    steps = forms.IntegerField(required=False, widget=forms.HiddenInput)
