"""Forms about tasks, findings and incidents. What they hold is judged by `workflow`, `contents` and the services."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from re import split
from typing import Any, Final

from django import forms

from muniment.core.errors import Malformed, MunimentError
from muniment.server.registers.texts import MAX_LINE, MAX_TEXT
from muniment.server.remediation.contents import SEVERITIES, SOURCES, FindingContent, IncidentContent, TaskContent
from muniment.server.remediation.recurrence import RECURRENCES

_KEPT: Final = "Recorded for good with its entry. Name no persons."
_LISTED: Final = 5_000
_DAY: Final = {
    "input_formats": ["%Y-%m-%d"],
    "widget": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
}


class _ItemForm(forms.Form):
    use_required_attribute = False

    title = forms.CharField(label="Title", max_length=MAX_LINE)
    text = forms.CharField(
        label="More of it",
        required=False,
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_KEPT,
    )
    owner = forms.ChoiceField(label="Owner", required=False)
    comment = forms.CharField(label="Reason for the change", required=False, max_length=MAX_TEXT)
    number = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        data: Any = None,
        *,
        owners: Mapping[str, str],
        before: TaskContent | FindingContent | IncidentContent | None = None,
        number: int = 0,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        shown: dict[str, Any] = dict(initial or {})
        if before is not None:
            shown = {name: _shown(getattr(before, name)) for name in before.__dataclass_fields__} | {"number": number}
        super().__init__(data, initial=shown)
        kept = before.owner if before is not None else ""
        gone = {kept: f"{kept}, no member any more"} if kept else {}
        self.fields["owner"].choices = [("", "Nobody yet"), *{**gone, **owners}.items()]  # type: ignore[attr-defined]
        if before is None:
            del self.fields["comment"], self.fields["number"]

    @property
    def given(self) -> dict[str, Any]:
        """What was filled in, by the names of the content."""
        said = {name: value for name, value in self.cleaned_data.items() if name not in ("comment", "number")}
        if "controls" in said:
            said["controls"] = tuple(sorted({one for one in split(r"[\s,;]+", said["controls"]) if one}))
        return said

    def accuse(self, error: MunimentError) -> None:
        """Say at its field what was wrong."""
        where = (error.where or "").partition("[")[0]
        self.add_error(where if where in self.fields else None, error.reason)


class _ControlsForm(_ItemForm):
    controls = forms.CharField(
        label="Controls",
        required=False,
        max_length=_LISTED,
        help_text="Ids parted by spaces, such as own:AI-7 soc2:CC6.1",
    )


class TaskForm(_ControlsForm):
    """What a task says."""

    field_order = ("title", "text", "owner", "due_on", "recurrence", "controls", "comment", "number")
    due_on = forms.DateField(label="Due", help_text="A day of UTC.", **_DAY)  # type: ignore[arg-type]
    recurrence = forms.ChoiceField(
        label="Comes again",
        choices=list(RECURRENCES.items()),
        help_text="When it is done or skipped, the next turn is set by itself.",
    )

    def __init__(self, data: Any = None, **more: Any) -> None:
        super().__init__(data, **more)
        self.fields["owner"].required = True


class FindingForm(_ControlsForm):
    """What a finding says. Its source is asked for where one is opened."""

    field_order = (
        "title", "text", "severity", "source", "reference", "owner", "due_on", "controls", "asset", "comment", "number",
    )  # fmt: skip
    severity = forms.ChoiceField(label="Severity", choices=list(SEVERITIES.items()), initial="medium")
    source = forms.ChoiceField(label="Source", choices=list(SOURCES.items()), initial="manual")
    reference = forms.CharField(
        label="Reference", required=False, max_length=MAX_LINE, help_text="Of the source: a sample, an alert, a page."
    )
    due_on = forms.DateField(label="Due", required=False, help_text="A day of UTC.", **_DAY)  # type: ignore[arg-type]
    asset = forms.CharField(label="Asset", required=False, max_length=64, help_text="Its code or id.")

    def __init__(self, data: Any = None, **more: Any) -> None:
        super().__init__(data, **more)
        if more.get("before") is not None:
            del self.fields["source"]


class IncidentForm(_ItemForm):
    """What an incident says. Lessons are asked for where it is changed."""

    field_order = (
        "title", "text", "severity", "owner", "started_at", "detected_at", "lessons", "comment", "number",
    )  # fmt: skip
    severity = forms.ChoiceField(label="Severity", choices=list(SEVERITIES.items()), initial="medium")
    started_at = forms.CharField(label="Started", max_length=40, help_text="UTC, such as 2026-03-01 14:23")
    detected_at = forms.CharField(label="Detected", required=False, max_length=40, help_text="UTC, when it was noticed")
    lessons = forms.CharField(
        label="Lessons", required=False, max_length=MAX_TEXT, widget=forms.Textarea(attrs={"rows": 4})
    )

    def __init__(self, data: Any = None, **more: Any) -> None:
        super().__init__(data, **more)
        if more.get("before") is None:
            del self.fields["lessons"]

    def clean_started_at(self) -> datetime | None:
        """When it began."""
        return _moment(self.cleaned_data["started_at"])

    def clean_detected_at(self) -> datetime | None:
        """When it was noticed."""
        return _moment(self.cleaned_data["detected_at"])


class StepForm(forms.Form):
    """What is given for a step; which of it a step asks for is the table's to say."""

    use_required_attribute = False

    step = forms.CharField(max_length=12, widget=forms.HiddenInput)
    comment = forms.CharField(
        label="Comment",
        required=False,
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_KEPT,
    )
    evidence = forms.CharField(
        label="Attachments", required=False, max_length=_LISTED, help_text="Ids att_… parted by spaces."
    )
    exception = forms.CharField(label="Exception", required=False, max_length=64, help_text="Its id exc_….")
    entries = forms.CharField(
        label="Entries", required=False, max_length=_LISTED, help_text="Their numbers parted by spaces, such as 17 23"
    )
    at = forms.CharField(label="Over since", required=False, max_length=40, help_text="UTC; left empty, now.")
    lessons = forms.CharField(
        label="Lessons", required=False, max_length=MAX_TEXT, widget=forms.Textarea(attrs={"rows": 4})
    )
    number = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def clean_at(self) -> datetime | None:
        """Since when it is over."""
        return _moment(self.cleaned_data["at"])

    def clean_entries(self) -> tuple[int, ...]:
        """Places of entries."""
        words = [one for one in split(r"[\s,;]+", self.cleaned_data["entries"]) if one]
        if any(not (one.isascii() and one.isdigit() and len(one) < 16) for one in words):
            raise forms.ValidationError("holds numbers of entries, such as 17 23")
        return tuple(int(one) for one in words)

    @property
    def attachments(self) -> tuple[str, ...]:
        """Ids of attachments."""
        return tuple(one for one in split(r"[\s,;]+", self.cleaned_data["evidence"]) if one)

    def accuse(self, error: MunimentError) -> None:
        """Say at its field what was wrong."""
        where = {"resolved_at": "at"}.get(error.where or "", error.where)
        self.add_error(where if where in self.fields and where != "step" else None, error.reason)


def _moment(text: str) -> datetime | None:
    if not text.strip():
        return None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise forms.ValidationError("looks like 2026-03-01 14:23 (UTC)") from None
    if not 1970 <= found.year <= 2199:
        raise forms.ValidationError(Malformed("lies between 1970 and now").reason)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _shown(value: Any) -> Any:
    if isinstance(value, tuple):
        return " ".join(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return value
