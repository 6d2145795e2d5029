"""The form of a new report. What it holds is judged by `scope`."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from muniment.core.errors import Malformed
from muniment.server.reports.scope import (
    MAX_TITLE,
    Scope,
    board_scope,
    control_scope,
    custom_scope,
    executive_scope,
    integrity_scope,
)

KINDS: Final = (
    ("control", "Control evidence: each control with its entries, its sample and its gaps"),
    ("integrity", "Integrity: chain, walks, anchors, and what was not checked"),
    ("board", "Board: frameworks with their gaps, exceptions, risks, overdue work, incidents"),
    ("executive", "Executive: one page of how things stand, and what changed since the last one"),
    ("custom", "Custom: a saved population, laid out as you choose"),
)
EXAMPLE: Final = """{
  "format": "muniment-layout/1",
  "title": "Tool calls of the quarter",
  "sections": [
    {"kind": "statement"},
    {"kind": "chart", "by": "day"},
    {"kind": "strata", "by": "outcome"},
    {"kind": "heading", "text": "Entries", "level": 1},
    {"kind": "table", "columns": ["place", "recorded", "action", "actor", "outcome"], "limit": 50},
    {"kind": "samples"}
  ]
}"""


class ReportForm(forms.Form):
    """What to report."""

    use_required_attribute = False

    kind = forms.ChoiceField(label="Kind", choices=KINDS, widget=forms.RadioSelect, initial="control")
    title = forms.CharField(
        label="Title", required=False, max_length=MAX_TITLE, help_text="Left empty, it follows from the rest."
    )
    framework = forms.ChoiceField(label="Framework", required=False, help_text="Control evidence.")
    controls = forms.CharField(
        label="Or these controls",
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Control evidence, instead of a framework: ids with spaces between, such as soc2:CC6.1 own:AI-7.",
    )
    since = forms.CharField(label="From", required=False, max_length=64, help_text="UTC, such as 2026-01-01.")
    until = forms.CharField(
        label="Until",
        required=False,
        max_length=64,
        help_text="UTC; what was recorded before it.",
    )
    population = forms.ChoiceField(label="Population", required=False, help_text="Custom.")
    layout = forms.CharField(
        label="Layout",
        required=False,
        max_length=65_535,
        widget=forms.Textarea(attrs={"rows": 14, "class": "mono", "spellcheck": "false"}),
        help_text="Custom. Which sections stand in the report, as JSON.",
    )

    def __init__(self, frameworks: Any, populations: Any, data: Any = None, initial: Any = None) -> None:
        super().__init__(data, initial=initial)
        self.fields["framework"].choices = [("", "None"), ("own", "Your own controls"), *frameworks]  # type: ignore[attr-defined]
        self.fields["population"].choices = [("", "None"), *populations]  # type: ignore[attr-defined]

    def scope(self) -> Scope:
        """What was asked for.

        Raises:
            Malformed: naming the field.
        """
        data = self.cleaned_data
        if data["kind"] == "integrity":
            return integrity_scope(title=data["title"])
        if data["kind"] == "custom":
            return custom_scope(population=data["population"], layout=data["layout"].encode())
        if data["kind"] == "executive":
            return executive_scope(title=data["title"])
        if data["kind"] == "board":
            return board_scope(since=data["since"], until=data["until"], title=data["title"])
        return control_scope(
            framework=data["framework"],
            controls=tuple(data["controls"].split()),
            since=data["since"],
            until=data["until"],
            title=data["title"],
        )

    def accuse(self, error: Exception) -> None:
        """Say at its field what was wrong; of a layout also the place in it."""
        where, reason = getattr(error, "where", None) or "", getattr(error, "reason", str(error))
        names = {"from": "since", "to": "until"}
        field = names.get(where, where)
        if field not in self.fields and field.split(".")[0].split("[")[0] in self.fields:
            reason, field = f"{where}: {reason}", field.split(".")[0].split("[")[0]
        if not isinstance(error, Malformed) and field not in self.fields:
            reason = str(error)
        self.add_error(field if field in self.fields else None, reason)
