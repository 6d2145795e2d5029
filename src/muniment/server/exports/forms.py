"""The form of a new export. What it holds is judged by `question` and `services`."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from muniment.core.errors import MunimentError
from muniment.formats.formats import MEANINGS
from muniment.server.exports.question import LABELS, OWN
from muniment.server.frameworks.services import catalogs
from muniment.server.populations.question import OUTCOMES

_WORDS: Final = {
    "from": "UTC, such as 2026-01-01 or 2026-01-01T14:00",
    "to": "UTC; what was recorded before it",
    "action": "tool.call, or tool.* for all under it",
    "actor": "the actor's id",
    "agent": "the id of an actor whose type is agent",
    "workspace": "where it happened",
    "control": "such as soc2:CC6.1; annotated entries too",
    "framework": "any of its controls; annotated entries too",
}


class ExportForm(forms.Form):
    """What to export, and in which format."""

    use_required_attribute = False

    format = forms.ChoiceField(label="Format", choices=list(MEANINGS.items()), widget=forms.RadioSelect, initial="json")

    def __init__(self, data: Any = None, *, initial: Any = None, may_name: bool = False) -> None:
        super().__init__(data, initial=initial)
        for name, label in LABELS.items():
            if name == "outcome":
                choices = [("", "Any"), *((one, one) for one in OUTCOMES)]
            elif name == "framework":
                shown = [(one.id, f"{one.title} ({one.id})") for one in catalogs()]
                choices = [("", "Any"), (OWN, "Own controls (own)"), *shown]
            else:
                self.fields[name] = forms.CharField(
                    label=label, required=False, max_length=1024, help_text=_WORDS[name], strip=True
                )
                continue
            self.fields[name] = forms.ChoiceField(
                label=label, choices=choices, required=False, help_text=_WORDS.get(name, "")
            )
        if may_name:
            self.fields["names"] = forms.BooleanField(
                label="Write persons' names beside their ids",
                required=False,
                help_text="Names change and are erased: the bytes may then differ from one download to the next.",
            )

    def accuse(self, error: MunimentError) -> None:
        """Say at its field what was wrong."""
        self.add_error(error.where if error.where in self.fields else None, error.reason)
