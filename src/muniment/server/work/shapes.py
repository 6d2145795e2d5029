"""What the operations of work give and take."""

from __future__ import annotations

from typing import Literal

from ninja import Field, Schema


class WaitingOut(Schema):
    """An exception that waits for the asker's decision: which approval it would be, of how many, for whom they act."""

    id: str
    title: str
    risk_level: str
    requested_by: str
    submitted_at: str
    level: int
    levels: int
    on_behalf_of: str


class WaitingList(Schema):
    """Those that wait longest first; `next` is the `after` of the page behind it, or null."""

    waiting: list[WaitingOut]
    next: str | None


class EndingOut(Schema):
    """Something that ends or is due on a day."""

    day: str
    kind: str
    id: str
    title: str
    state: str


class MonthOut(Schema):
    """A month of the calendar; `cut` if more ends in it than is given."""

    month: str
    endings: list[EndingOut]
    cut: bool


class HitOut(Schema):
    """Something that was found."""

    kind: str
    id: str
    title: str
    state: str


class SearchOut(Schema):
    """What holds every word, the best first; `more` if there is more."""

    hits: list[HitOut]
    more: bool


class BulkItem(Schema):
    """What is acted on, as the caller was shown it: of an exception the basis of a decision and the number of steps.

    Of a task, a finding or a risk `steps` is its version.
    """

    id: str = Field(max_length=64)
    basis: str = Field("", max_length=64)
    steps: int | None = Field(None, ge=0, le=2**31 - 1)


class BulkOrder(Schema):
    """One step with 1 to 100 things of a register; the comment is recorded with each."""

    of: Literal["exceptions", "tasks", "findings", "risks"] = "exceptions"
    do: Literal[
        "approve", "return", "reject", "submit", "withdraw", "finish", "drop", "start", "resolve", "verify", "close"
    ]
    items: list[BulkItem] = Field(min_length=1, max_length=100)
    comment: str = Field("", max_length=4_000)


class BulkRefused(Schema):
    """Something with which the step was not taken, and why."""

    id: str
    field: str
    reason: str


class BulkOut(Schema):
    """What came of it. Those that are done stand, whatever was refused of the others."""

    done: list[str]
    refused: list[BulkRefused]
