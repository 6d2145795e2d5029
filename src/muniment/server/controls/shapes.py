"""What the operations of controls take and answer."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field, model_validator

from muniment.server.controls.tables import MAX_BYTES
from muniment.server.controls.workflow import MAX_CRITERIA, MAX_TEXT

FrequencyCode = Literal["continuous", "daily", "weekly", "monthly", "quarterly", "annually", "per-event"]
Status = Literal["draft", "in-force", "retired"]
Text = Annotated[str, Field(max_length=MAX_TEXT)]
Criteria = Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=MAX_CRITERIA)]
Owner = Annotated[str, Field(max_length=254, description="usr_…, user:usr_… or the address of a member; empty: none")]
Number = Annotated[int | None, Field(ge=1, le=2**31 - 1, description="of the version seen; left out: any")]


class NewControl(Schema):
    """A control to be defined."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: Annotated[str, Field(max_length=64, description="AI-7 or own:AI-7; frozen")]
    statement: Text
    owner: Owner = ""
    frequency: FrequencyCode = "per-event"
    procedure: Text = ""
    criteria: Criteria = Field(default_factory=list)
    status: Literal["draft", "in-force"] = "draft"
    reason: Text = ""


class ChangedControl(Schema):
    """What is to be changed of a control; what is left out or null stays."""

    model_config = ConfigDict(extra="forbid", strict=True)

    statement: Text | None = None
    owner: Owner | None = None
    frequency: FrequencyCode | None = None
    procedure: Text | None = None
    criteria: Criteria | None = None
    status: Literal["draft", "in-force"] | None = None
    reason: Text = ""
    number: Number = None

    @property
    def given(self) -> dict[str, Any]:
        """The new values by the names of `Definition`."""
        found = self.model_dump(exclude={"number"}, exclude_none=True)
        if "criteria" in found:
            found["criteria"] = tuple(sorted(set(found["criteria"])))
        return found


class Retirement(Schema):
    """Why and from when a control is retired."""

    model_config = ConfigDict(extra="forbid")

    reason: Text
    on: Annotated[date | None, Field(description="a day of UTC up to today, which is the default")] = None
    number: Number = None


class NewTable(Schema):
    """Controls to be imported: a table, or a framework's criteria."""

    model_config = ConfigDict(extra="forbid", strict=True)

    csv: Annotated[str | None, Field(max_length=MAX_BYTES, description="a table, as docs/controls.md says")] = None
    starter: Annotated[str | None, Field(max_length=64, description="a catalog: one draft for each criterion")] = None
    owner: Owner = ""
    dry_run: bool = False

    @model_validator(mode="after")
    def _either(self) -> NewTable:
        if (self.csv is None) == (self.starter is None):
            raise ValueError("give either csv or starter")
        return self


class ControlOut(Schema):
    """A version of a control; `entry` is the place of its record."""

    id: str
    number: int
    statement: str
    owner: str | None
    frequency: FrequencyCode
    procedure: str
    criteria: list[str]
    status: Status
    retired_on: date | None
    reason: str
    created_by: str
    created_at: str
    entry: int


class ControlList(Schema):
    """The tenant's controls as they stand, by id."""

    controls: list[ControlOut]


class VersionList(Schema):
    """Every version of a control, oldest first."""

    versions: list[ControlOut]


class FaultOut(Schema):
    """What is wrong with a row of a table."""

    line: int
    field: str
    reason: str


class ImportOut(Schema):
    """What an import brought; `kept` is false if nothing was."""

    kept: bool
    defined: list[str]
    changed: list[str]
    unchanged: int
    faults: list[FaultOut]
