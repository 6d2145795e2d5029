"""Forms about populations, samples and marks. What they hold is judged by `question` and `workflow`."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from muniment.core.errors import Malformed
from muniment.core.sampling import MOST
from muniment.ledger.population import STRATA
from muniment.server.populations.question import LABELS, OUTCOMES
from muniment.server.populations.services.populations import MAX_NAME
from muniment.server.populations.workflow import MAX_COMMENT, METHODS, RESULTS, TICKS, UNSOUND, VERDICTS, Plan

_WORDS: Final = {
    "control": "such as soc2:CC6.1",
    "from": "UTC, such as 2026-01-01 or 2026-01-01T14:00",
    "to": "UTC; what was recorded before it",
    "action": "tool.call, or tool.* for all under it",
    "actor": "the actor's id",
    "agent": "the id of an actor whose type is agent",
    "workspace": "where it happened",
}


class QuestionForm(forms.Form):
    """What the entries of a population have in common."""

    use_required_attribute = False

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        for name, label in LABELS.items():
            if name == "outcome":
                choices = [("", "Any"), *((one, one) for one in OUTCOMES)]
                self.fields[name] = forms.ChoiceField(label=label, choices=choices, required=False)
            else:
                self.fields[name] = forms.CharField(
                    label=label, required=False, max_length=1024, help_text=_WORDS[name], strip=True
                )

    def accuse(self, error: Malformed) -> None:
        """Say at its field what was wrong."""
        self.add_error(error.where if error.where in self.fields else None, error.reason)


class SaveForm(forms.Form):
    """The name of a population to be saved, and perhaps the seed of its samples."""

    use_required_attribute = False

    name = forms.CharField(label="Name", max_length=MAX_NAME, help_text="Unique here, and never changed.")
    seed = forms.CharField(
        label="Seed",
        required=False,
        max_length=64,
        help_text="64 hex digits, such as dice thrown before witnesses; left empty, the server makes one.",
    )


class DrawForm(forms.Form):
    """How to draw a sample."""

    use_required_attribute = False

    method = forms.ChoiceField(
        label="Method", choices=list(METHODS.items()), widget=forms.RadioSelect, initial="random"
    )
    count = forms.IntegerField(
        label="Entries", required=False, min_value=1, help_text=f"Random, systematic, stratified. At most {MOST:,}."
    )
    stratum = forms.ChoiceField(
        label="Strata by", required=False, choices=[("", "–"), *((one, one) for one in STRATA)], help_text="Stratified."
    )
    outcomes = forms.MultipleChoiceField(
        label="Outcomes that count as failures",
        required=False,
        choices=[(one, one) for one in UNSOUND],
        widget=forms.CheckboxSelectMultiple,
        initial=["failure"],
    )
    confidence = forms.DecimalField(
        label="Confidence in percent", required=False, min_value=50, max_value=99.9, decimal_places=2,
        help_text="Attribute. 95 is usual.",
    )  # fmt: skip
    tolerable = forms.DecimalField(
        label="Tolerable rate in percent", required=False, min_value=0.01, max_value=50, decimal_places=2,
        help_text="Attribute. The share of deviations at which the control would not be relied upon.",
    )  # fmt: skip
    expected = forms.DecimalField(
        label="Expected rate in percent", required=False, min_value=0, max_value=50, decimal_places=2,
        help_text="Attribute. Below the tolerable rate.",
    )  # fmt: skip
    seed = forms.CharField(
        label="Another seed", required=False, max_length=64, help_text="64 hex digits; left empty, the population's."
    )

    def plan(self) -> Plan:
        """What was asked for.

        Raises:
            Malformed: if it is no plan.
        """
        data = self.cleaned_data
        method = data["method"]
        rates = None
        if method == "attribute" and data["confidence"] is not None and data["tolerable"] is not None:
            rates = {name: int((data[name] or 0) * 100) for name in ("confidence", "tolerable", "expected")}
        return Plan(
            method,
            data["count"] if method in ("random", "systematic", "stratified") else None,
            (data["stratum"] or None) if method == "stratified" else None,
            tuple(data["outcomes"]) if method == "failures" else (),
            rates,
        )

    def accuse(self, error: Exception) -> None:
        """Say at its field what was wrong."""
        where, reason = getattr(error, "where", None), getattr(error, "reason", str(error))
        self.add_error(where if where in self.fields else None, reason)


class MarkForm(forms.Form):
    """What a reviewer says of a sampled entry."""

    use_required_attribute = False

    ticks = forms.MultipleChoiceField(
        label="What was done", required=False, choices=list(TICKS.items()), widget=forms.CheckboxSelectMultiple
    )
    conclusion = forms.ChoiceField(
        label="Conclusion", required=False, choices=[("", "None yet"), *VERDICTS.items()], widget=forms.RadioSelect
    )
    exception = forms.BooleanField(label="An exception is noted", required=False)
    comment = forms.CharField(
        label="Comment",
        required=False,
        max_length=MAX_COMMENT,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept for good. Name no persons: it cannot be erased.",
    )

    def accuse(self, error: Exception) -> None:
        """Say at its field what was wrong."""
        where, reason = getattr(error, "where", None), getattr(error, "reason", str(error))
        self.add_error(where if where in self.fields else None, reason)


class ConclusionForm(forms.Form):
    """What a reviewer concludes from a whole sample."""

    use_required_attribute = False

    result = forms.ChoiceField(label="Result", choices=list(RESULTS.items()), widget=forms.RadioSelect)
    comment = forms.CharField(
        label="What it rests on", max_length=MAX_COMMENT, widget=forms.Textarea(attrs={"rows": 3})
    )
