"""What the operation of the matrix takes and answers."""

from __future__ import annotations

from typing import Annotated, Literal

from ninja import Schema
from pydantic import Field

from muniment.server.controls.shapes import FrequencyCode
from muniment.server.controls.shapes import Status as ControlStatus

Day = Annotated[str | None, Field(max_length=10, description="a day of UTC such as 2026-03-01")]
Name = Annotated[str | None, Field(max_length=64)]


class MatrixQuery(Schema):
    """Which controls, in which period."""

    since: Annotated[Day, Field(alias="from", description="the first day; a year before `to` by default")] = None
    until: Annotated[Day, Field(alias="to", description="the day after the last one; tomorrow by default")] = None
    status: Literal["draft", "in-force", "retired", "all"] | None = None
    framework: Name = None
    owner: Annotated[Name, Field(description="user:usr_…, or none")] = None
    state: Annotated[Name, Field(description="such as evidenced, overdue, exceptions, not-examined")] = None
    sort: Annotated[Name, Field(description="such as control, count, -last")] = None
    size: Annotated[int | None, Field(ge=1, le=2**53 - 1, description="of a checkpoint; all is then counted anew")] = (
        None
    )


class PeriodOut(Schema):
    """Days of UTC; `to` is the day after the last one."""

    since: str = Field(alias="from")
    until: str = Field(alias="to")


class GroundOut(Schema):
    """What was counted: places 0 to `counted` - 1 of `log`, all under the checkpoint of `size`."""

    log: str
    size: int
    root: str
    sealed_at: str
    recorded: int
    left_out: int
    counted: int


class MatrixMappingOut(Schema):
    """The mapping in force."""

    version: str
    digest: str


class CountersOut(Schema):
    """Counted of `rows` and nothing else; `exceptions` is null if none of them was examined in twelve months."""

    rows: int
    evidenced: int
    overdue: int
    examined: int
    excepted: int
    exceptions: int | None
    statement: str


class LastOut(Schema):
    """The newest entry that evidences a control."""

    entry: int
    recorded_at: str


class SampleStateOut(Schema):
    """The newest sample of a control."""

    id: str
    population: str
    drawn_at: str
    items: int
    marked: int
    exceptions: int
    conclusion: str | None


class ExaminationOut(Schema):
    """What reviewers said; `exceptions` is null where nobody examined it in twelve months."""

    state: Literal["never", "not-recently", "exceptions", "clean"]
    samples: int
    last_at: str | None
    exceptions: int | None


class RowOut(Schema):
    """One control."""

    control: str
    version: int
    statement: str
    owner: str | None
    frequency: FrequencyCode
    procedure: str
    status: ControlStatus
    criteria: list[str]
    count: int
    annotated: int
    last: LastOut | None
    overdue: bool
    sample: SampleStateOut | None
    examination: ExaminationOut


class MatrixOut(Schema):
    """The controls matrix."""

    period: PeriodOut
    at: str
    status: Literal["draft", "in-force", "retired", "all"]
    searched: GroundOut
    mapping: MatrixMappingOut
    counters: CountersOut
    others: dict[str, int]
    rows: list[RowOut]
