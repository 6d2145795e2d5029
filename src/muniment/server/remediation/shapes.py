"""What the operations of tasks, findings and incidents take and answer."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import AwareDatetime, ConfigDict, Field

from muniment.server.registers.texts import MAX_LINE, MAX_TEXT
from muniment.server.remediation.contents import MAX_CONTROLS, MAX_ENTRIES, MAX_EVIDENCE

Recurrence = Literal["none", "monthly", "quarterly", "yearly"]
Severity = Literal["low", "medium", "high", "critical"]
FindingSource = Literal["manual", "sample", "audit", "alert", "incident"]
TaskState = Literal["open", "done", "skipped", "dropped"]
FindingState = Literal["open", "remediating", "resolved", "verified", "accepted"]
IncidentState = Literal["open", "contained", "resolved", "closed"]
_Line = Annotated[str, Field(max_length=MAX_LINE)]
_Text = Annotated[str, Field(max_length=MAX_TEXT)]
_Id = Annotated[str, Field(max_length=64)]
_Owner = Annotated[str, Field(max_length=254, description="usr_…, user:usr_… or the address of a member")]
_Controls = Annotated[list[Annotated[str, Field(max_length=96)]], Field(max_length=MAX_CONTROLS)]
_Evidence = Annotated[list[_Id], Field(max_length=MAX_EVIDENCE, description="ids of attachments, att_…")]
_Entries = Annotated[
    list[Annotated[int, Field(ge=0, le=2**53 - 1)]], Field(max_length=MAX_ENTRIES, description="places of entries")
]
_Number = Annotated[int | None, Field(ge=1, le=2**31 - 1, description="of the step seen last; left out: any")]


class _Given(Schema):
    model_config = ConfigDict(extra="forbid")


class _Changes(_Given):
    comment: _Text = ""
    number: _Number = None

    @property
    def given(self) -> dict[str, Any]:
        """The new values by their names."""
        found = self.model_dump(exclude={"comment", "number"}, exclude_unset=True)
        if "controls" in found:
            found["controls"] = tuple(found["controls"] or ())
        return {name: value for name, value in found.items() if value is not None or name in self.clearable}

    @property
    def clearable(self) -> frozenset[str]:
        """What null takes away; of the rest it means that it stays."""
        return frozenset()


class NewTask(_Given):
    """A task to be set."""

    title: _Line
    owner: _Owner
    due_on: Annotated[date, Field(description="a day of UTC")]
    text: _Text = ""
    controls: _Controls = Field(default_factory=list)
    recurrence: Recurrence = "none"
    finding: Annotated[str, Field(max_length=64, description="fnd_… that it remediates")] = ""


class ChangedTask(_Changes):
    """What is to be changed of a task; what is left out or null stays."""

    title: _Line | None = None
    owner: _Owner | None = None
    due_on: date | None = None
    text: _Text | None = None
    controls: _Controls | None = None
    recurrence: Recurrence | None = None


class TaskStep(_Given):
    """A step of a task."""

    step: Literal["finish", "skip", "drop"]
    comment: _Text
    evidence: _Evidence = Field(default_factory=list)
    number: _Number = None


class NewFinding(_Given):
    """A finding to be opened."""

    title: _Line
    text: _Text = ""
    severity: Severity = "medium"
    source: FindingSource = "manual"
    reference: Annotated[str, Field(max_length=MAX_LINE, description="of the source: a sample, an alert, a page")] = ""
    controls: _Controls = Field(default_factory=list)
    asset: Annotated[str, Field(max_length=64, description="its code or id")] = ""
    incident: _Id = ""
    owner: _Owner = ""
    due_on: Annotated[date | None, Field(description="a day of UTC")] = None


class ChangedFinding(_Changes):
    """What is to be changed of a finding; what is left out stays. Null takes the due day away."""

    title: _Line | None = None
    text: _Text | None = None
    severity: Severity | None = None
    reference: _Line | None = None
    controls: _Controls | None = None
    asset: _Id | None = None
    owner: _Owner | None = None
    due_on: date | None = None

    @property
    def clearable(self) -> frozenset[str]:
        """See `_Changes`."""
        return frozenset({"due_on"})


class FindingStep(_Given):
    """A step of a finding."""

    step: Literal["start", "resolve", "verify", "accept", "reopen"]
    comment: _Text = ""
    evidence: _Evidence = Field(default_factory=list)
    exception: Annotated[str, Field(max_length=64, description="exc_…, for accept")] = ""
    number: _Number = None


class NewIncident(_Given):
    """An incident to be opened."""

    title: _Line
    started_at: AwareDatetime
    detected_at: AwareDatetime | None = None
    text: _Text = ""
    severity: Severity = "medium"
    owner: _Owner = ""


class ChangedIncident(_Changes):
    """What is to be changed of an incident; what is left out stays. Null takes the time of detection away."""

    title: _Line | None = None
    started_at: AwareDatetime | None = None
    detected_at: AwareDatetime | None = None
    text: _Text | None = None
    severity: Severity | None = None
    owner: _Owner | None = None
    lessons: _Text | None = None

    @property
    def clearable(self) -> frozenset[str]:
        """See `_Changes`."""
        return frozenset({"detected_at"})


class IncidentStep(_Given):
    """A step of an incident."""

    step: Literal["contain", "resolve", "close", "reopen", "evidence"]
    comment: _Text = ""
    entries: _Entries = Field(default_factory=list)
    at: Annotated[AwareDatetime | None, Field(description="since when it is over, for resolve; left out: now")] = None
    lessons: Annotated[str | None, Field(max_length=MAX_TEXT, description="for close; left out: as they stand")] = None
    number: _Number = None


class RemediationStep(Schema):
    """A step that was taken; `entry` is the place of its record."""

    number: int
    step: str
    before: str | None
    after: str
    comment: str
    evidence: list[str]
    exception: str | None
    by: str
    at: str
    entry: int


class RemediationSteps(Schema):
    """Every step, oldest first."""

    steps: list[RemediationStep]


class TaskOut(Schema):
    """A control task; `number` counts its steps, `entry` is the place of the newest one's record."""

    id: str
    state: TaskState
    number: int
    title: str
    text: str
    controls: list[str]
    owner: str
    due_on: date
    overdue: bool
    recurrence: Recurrence
    finding: str | None
    series: str
    turn: int
    created_by: str
    created_at: str
    changed_at: str
    entry: int


class TaskDone(TaskOut):
    """A task after a step, and the id of its next turn if one follows."""

    following: str | None


class TaskList(Schema):
    """Tasks, the earliest due first; `next` is what the next page begins after."""

    tasks: list[TaskOut]
    next: str | None


class FindingOut(Schema):
    """A finding; `number` counts its steps, `entry` is the place of the newest one's record."""

    id: str
    state: FindingState
    number: int
    title: str
    text: str
    severity: Severity
    source: FindingSource
    reference: str
    controls: list[str]
    asset: str | None
    incident: str | None
    owner: str | None
    due_on: date | None
    overdue: bool
    resolved_by: str | None
    verified_by: str | None
    exception: str | None
    created_by: str
    created_at: str
    changed_at: str
    entry: int


class FindingList(Schema):
    """Findings, newest first; `next` is what the next page begins after."""

    findings: list[FindingOut]
    next: str | None


class IncidentOut(Schema):
    """An incident; `entries` are places of the ledger that tell of it."""

    id: str
    state: IncidentState
    number: int
    title: str
    text: str
    severity: Severity
    owner: str | None
    started_at: datetime
    detected_at: datetime | None
    resolved_at: datetime | None
    lessons: str
    entries: list[int]
    created_by: str
    created_at: str
    changed_at: str
    entry: int


class IncidentList(Schema):
    """Incidents, newest first; `next` is what the next page begins after."""

    incidents: list[IncidentOut]
    next: str | None
