"""Forms of notifications. What they hold is judged by `routing`."""

from __future__ import annotations

from datetime import time
from typing import Any

from django import forms

from muniment.server.notifications.events import EVENTS, WAYS
from muniment.server.notifications.routing import WEEKDAYS, Choice, Hours, Routing


class ReadForm(forms.Form):
    """What was read: up to which one of the list."""

    up_to = forms.RegexField(regex=r"\A(ntf_[0-9A-Z]{26})?\Z", required=False)


class RoutingForm(forms.Form):
    """By event, whether it is shown and how e-mail goes out; and when."""

    use_required_attribute = False

    zone = forms.CharField(label="Time zone", max_length=64, help_text="Such as Europe/Warsaw.")
    digest_hour = forms.TypedChoiceField(
        label="Digests go out at", coerce=int, choices=[(hour, f"{hour:02}:00") for hour in range(24)]
    )
    digest_day = forms.TypedChoiceField(label="The weekly one on", coerce=int, choices=list(enumerate(WEEKDAYS)))
    quiet_from = forms.TimeField(
        label="Quiet from",
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text="E-mail waits until quiet hours are over. Both empty: there are none.",
    )
    quiet_to = forms.TimeField(
        label="Quiet until", required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )

    def __init__(self, data: Any = None, *, routing: Routing) -> None:
        hours = routing.hours
        initial: dict[str, Any] = {
            "zone": hours.zone,
            "digest_hour": hours.digest_hour,
            "digest_day": hours.digest_day,
            "quiet_from": _time(hours.quiet_from),
            "quiet_to": _time(hours.quiet_to),
        }
        for code, choice in routing.choices.items():
            initial |= {f"{code}.in_app": choice.in_app, f"{code}.mail": choice.mail}
        super().__init__(data, initial=initial)
        for code, event in EVENTS.items():
            self.fields[f"{code}.in_app"] = forms.BooleanField(
                label=f"{event.title}: shown here",
                required=False,
                disabled=event.always_shown,
                widget=forms.CheckboxInput(attrs={"aria-label": f"{event.title}: shown in the application"}),
            )
            self.fields[f"{code}.mail"] = forms.ChoiceField(
                label=f"{event.title}: e-mail",
                choices=list(WAYS.items()),
                widget=forms.Select(attrs={"aria-label": f"{event.title}: e-mail"}),
            )

    @property
    def events(self) -> list[Any]:
        """Each event with its two fields."""
        return [(event, self[f"{code}.in_app"], self[f"{code}.mail"]) for code, event in EVENTS.items()]

    @property
    def hours(self) -> list[Any]:
        """The fields of when."""
        return [self[name] for name in ("zone", "digest_hour", "digest_day", "quiet_from", "quiet_to")]

    def routing(self) -> Routing:
        """What was asked for; to be called once the form is valid.

        Raises:
            Malformed: naming the field.
            Refused: likewise.
        """
        data = self.cleaned_data
        hours = Hours(
            data["zone"].strip(),
            data["digest_hour"],
            data["digest_day"],
            _minute(data["quiet_from"]),
            _minute(data["quiet_to"]),
        )
        return Routing(hours, {code: Choice(data[f"{code}.in_app"], data[f"{code}.mail"]) for code in EVENTS})

    def accuse(self, error: Any) -> None:
        """Say at its field what was wrong."""
        self.add_error(error.where if error.where in self.fields else None, error.reason)


def _time(minute: int | None) -> time | None:
    return None if minute is None else time(minute // 60, minute % 60)


def _minute(at: time | None) -> int | None:
    return None if at is None else at.hour * 60 + at.minute
