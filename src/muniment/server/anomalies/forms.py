"""Forms of alerts. What they hold is judged by `workflow` and `anomalies.watched`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django import forms

from muniment.anomalies.watched import DETECTORS, MEANINGS, SENSITIVITIES, Detector, Sensitivity, Watched
from muniment.server.anomalies.workflow import MAX_COMMENT, VERDICTS

SENSITIVITY_TITLES: Final[Mapping[Sensitivity, str]] = {"off": "Off", "low": "Low", "normal": "Normal", "high": "High"}


class Accused(forms.Form):
    """A form whose fields can be told what was wrong with them elsewhere."""

    use_required_attribute = False

    def accuse(self, error: Any) -> None:
        """Say at its field what was wrong."""
        where = str(error.where or "")
        self.add_error(where if where in self.fields else None, error.reason)


class AcknowledgeForm(Accused):
    """What an alert was."""

    verdict = forms.ChoiceField(label="What was it?", choices=[*VERDICTS.items()], widget=forms.RadioSelect)
    comment = forms.CharField(
        label="What did you find?",
        max_length=MAX_COMMENT,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept for good as the body of an entry.",
    )


class SettingsForm(Accused):
    """What is watched, and how keenly."""

    zone = forms.CharField(
        label="Time zone",
        max_length=64,
        help_text="Such as Europe/Warsaw: hours and days are counted in it. Another one has everything learned again.",
    )

    def __init__(self, data: Any = None, *, watched: Watched) -> None:
        super().__init__(data, initial={"zone": watched.zone, **{name: watched.of(name) for name in DETECTORS}})
        for name, title in DETECTORS.items():
            self.fields[name] = forms.ChoiceField(
                label=title, choices=[*SENSITIVITY_TITLES.items()], help_text=f"{MEANINGS[name]}."
            )

    def watched(self) -> Watched:
        """The settings of a valid form.

        Raises:
            Malformed: naming the field.
        """
        said = self.cleaned_data
        keen: dict[Detector, Sensitivity] = {
            name: one for name in DETECTORS for one in SENSITIVITIES if said[name] == one
        }
        return Watched(said["zone"].strip(), keen)
