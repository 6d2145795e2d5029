"""What the operations of alerts take and answer."""

from __future__ import annotations

from typing import Annotated, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

from muniment.server.anomalies.workflow import MAX_COMMENT

AlertState = Literal["open", "acknowledged", "all"]
DetectorName = Literal["approval-spike", "mass-delete", "off-hours", "login-surge", "self-dealing"]
SensitivityName = Literal["off", "low", "normal", "high"]


class AlertEntry(Schema):
    """An entry that an alert rests on: its place, and its reference `<source>/<event id>`."""

    entry: int
    reference: str


class AlertAcknowledged(Schema):
    """Who looked at an alert, and what they said it was."""

    by: str
    verdict: Literal["expected", "handled"]
    comment: str
    at: str
    entry: int


class AlertOut(Schema):
    """An alert. `learned` is false where a fixed bound was used, because too little was known."""

    id: str
    detector: DetectorName
    pattern: str
    about: list[str]
    since: str
    until: str
    raised_at: str
    sentence: str
    numbers: dict[str, int | float | str]
    entries: list[AlertEntry]
    learned: bool
    sensitivity: SensitivityName
    zone: str
    entry: int
    acknowledged: AlertAcknowledged | None


class AlertList(Schema):
    """A page of alerts, newest first; `next` is the cursor of the page after it."""

    alerts: list[AlertOut]
    open: int
    next: str | None


class NewAcknowledgement(Schema):
    """What an alert was. What was expected is learned from."""

    model_config = ConfigDict(extra="forbid", strict=True)

    verdict: Literal["expected", "handled"]
    comment: Annotated[str, Field(min_length=1, max_length=MAX_COMMENT)]


class AlertReadTo(Schema):
    """The next entry that will be read, and when the one before it was recorded."""

    entry: int
    at: str | None


class AlertSettings(Schema):
    """What is watched, and how far the log was read; `read_to` is null before the first round."""

    zone: str
    sensitivity: dict[DetectorName, SensitivityName]
    read_to: AlertReadTo | None


class NewAlertSettings(Schema):
    """What is to be watched; a detector that is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", strict=True)

    zone: Annotated[str, Field(min_length=1, max_length=64, description="such as Europe/Warsaw")]
    sensitivity: dict[DetectorName, SensitivityName] = Field(default_factory=dict)
