"""What the operations of reports take and answer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

from muniment.server.reports.scope import MAX_CONTROLS, MAX_TITLE
from muniment.server.reports.services import MOST_ASKED

MAX_SIZE = 2**53 - 1


class NewReport(Schema):
    """A report to be made. A layout is a `muniment-layout/1` as a JSON object."""

    model_config = ConfigDict(extra="forbid", strict=True)

    kind: Literal["control", "integrity", "custom", "board", "executive"]
    title: Annotated[str, Field(max_length=MAX_TITLE)] = ""
    framework: Annotated[str, Field(max_length=64, description="a catalog's id, or own for your own controls")] = ""
    controls: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=256)]],
        Field(max_length=MAX_CONTROLS, default_factory=list, description="instead of a framework"),
    ]
    since: Annotated[str, Field(alias="from", max_length=64, description="recorded at or after, RFC 3339")] = ""
    until: Annotated[str, Field(alias="to", max_length=64, description="recorded before, RFC 3339")] = ""
    population: Annotated[str, Field(max_length=64, description="of a custom report")] = ""
    layout: Annotated[dict[str, Any] | None, Field(description="of a custom report")] = None
    size: Annotated[int | None, Field(ge=1, le=MAX_SIZE, description="of a checkpoint; the newest by default")] = None


class Questions(Schema):
    """Questions of a report, to be asked again."""

    model_config = ConfigDict(extra="forbid", strict=True)

    size: Annotated[int, Field(ge=1, le=MAX_SIZE)]
    root: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    asks: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MOST_ASKED)]


class NumberOut(Schema):
    """A number of a report."""

    number: int
    what: str
    ask: dict[str, Any]
    value: int | str


class ReportOut(Schema):
    """A report; its numbers where one report was asked for."""

    id: str
    kind: str
    title: str
    scope: dict[str, Any]
    log: str
    size: int
    root: str
    sha256: str
    length: int
    questions: str
    created_by: str
    created_at: str
    entry: int
    numbers: list[NumberOut] | None = None


class ReportList(Schema):
    """Reports, newest first."""

    reports: list[ReportOut]


class AnswerOut(Schema):
    """An answer, or why there is none."""

    value: int | str | None = None
    refused: str | None = None


class AnswerList(Schema):
    """Answers in the order of the questions."""

    answers: list[AnswerOut]
