"""What the operations of exceptions take and answer."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

from muniment.server.exceptions.content import MAX_TEXT, MAX_TITLE, MOST, Content
from muniment.server.exceptions.workflow import MAX_COMMENT

State = Literal[
    "draft", "under_review", "returned", "approved", "active", "expired", "rejected", "withdrawn", "revoked"
]
Asked = State | Literal["expiring_soon"]
RiskLevel = Literal["low", "medium", "high", "critical"]
Title = Annotated[str, Field(min_length=1, max_length=MAX_TITLE)]
Text = Annotated[str, Field(max_length=MAX_TEXT)]
Ids = Annotated[list[Annotated[str, Field(max_length=96)]], Field(max_length=MOST)]
Policy = Annotated[str, Field(max_length=64, description="id or code of the policy that is not complied with")]
Owner = Annotated[str, Field(max_length=254, description="who answers for it: address or id of a member; empty: you")]
Zone = Annotated[str, Field(max_length=64, description="IANA name of the time zone of both days")]
First = Annotated[date | None, Field(description="first day on which it holds; left out: the day of the approval")]
Last = Annotated[date, Field(description="last day on which it holds")]
Comment = Annotated[str, Field(max_length=MAX_COMMENT)]
_LISTS = ("controls", "compensating_controls", "assets", "evidence")


class NewException(Schema):
    """An exception to be drafted."""

    model_config = ConfigDict(extra="forbid")

    title: Title
    policy: Policy
    scope: Annotated[Text, Field(description="what it covers")]
    reason: Annotated[Text, Field(description="why the policy is not complied with")]
    risk_level: RiskLevel
    residual_risk: Annotated[Text, Field(description="what can happen all the same")]
    expires_on: Last
    compensating: Annotated[Text, Field(description="what is done instead")] = ""
    controls: Annotated[Ids, Field(description="control ids that are not complied with")] = Field(default_factory=list)
    compensating_controls: Ids = Field(default_factory=list)
    assets: Annotated[Ids, Field(description="ids or codes")] = Field(default_factory=list)
    evidence: Annotated[Ids, Field(description="ids of attachments")] = Field(default_factory=list)
    starts_on: First = None
    zone: Zone = "UTC"
    owner: Owner = ""

    @property
    def content(self) -> Content:
        """It as a value."""
        return Content(**_given(self))


class ChangedException(Schema):
    """What is to be other than it is; what is left out or null stays."""

    model_config = ConfigDict(extra="forbid")

    title: Title | None = None
    policy: Policy | None = None
    scope: Text | None = None
    reason: Text | None = None
    risk_level: RiskLevel | None = None
    residual_risk: Text | None = None
    expires_on: date | None = None
    compensating: Text | None = None
    controls: Ids | None = None
    compensating_controls: Ids | None = None
    assets: Ids | None = None
    evidence: Ids | None = None
    starts_on: date | None = None
    zone: Zone | None = None
    owner: Owner | None = None

    @property
    def given(self) -> dict[str, Any]:
        """The new values by the names of `Content`."""
        return {name: value for name, value in _given(self).items() if value is not None}


class NewDecision(Schema):
    """What an approver says."""

    model_config = ConfigDict(extra="forbid", strict=True)

    outcome: Annotated[
        Literal["approve", "return", "reject"], Field(description="return: to be changed and submitted again")
    ]
    comment: Comment
    basis: Annotated[
        str, Field(max_length=64, description="`basis` of what you were shown; refused if it is another by now")
    ] = ""
    steps: Annotated[int | None, Field(ge=0, le=2**31 - 1, description="`steps` of what you were shown")] = None


class StepComment(Schema):
    """What is said to a step."""

    model_config = ConfigDict(extra="forbid", strict=True)

    comment: Comment


class ExceptionOut(Schema):
    """An exception; `entry` is the place of the record of its draft."""

    id: str
    title: str
    policy: str
    scope: str
    reason: str
    risk_level: RiskLevel
    residual_risk: str
    compensating: str
    controls: list[str]
    compensating_controls: list[str]
    assets: list[str]
    evidence: list[str]
    starts_on: date | None
    expires_on: date
    zone: str
    starts_at: str | None
    soon_at: str | None
    ends_at: str | None
    requested_by: str
    owner: str
    state: State
    expiring_soon: bool
    days_left: int | None
    stale_since: str | None
    attested_at: str | None
    steps: int
    level: int
    levels: int
    rules: str | None
    renews: str | None
    renewed_by: str | None
    chain: str
    created_at: str
    submitted_at: str | None
    approved_at: str | None
    closed_at: str | None
    entry: int


class ExceptionList(Schema):
    """Exceptions, newest first."""

    exceptions: list[ExceptionOut]


class StepOut(Schema):
    """A step that an exception took; `entry` is the place of its record."""

    id: str
    exception: str
    number: int
    kind: str
    source: str
    target: str
    level: int
    by: str
    on_behalf_of: str | None
    comment: str
    at: str
    entry: int
    event: str


class StepList(Schema):
    """Every step, oldest first."""

    steps: list[StepOut]


class DecisionOut(Schema):
    """A decision: `content` is the canonical JSON over which `digest` is taken."""

    id: str
    exception: str
    step: str
    kind: str
    basis: str
    digest: str
    content: str
    at: str
    entry: int


class DecisionList(Schema):
    """Every decision, oldest first."""

    decisions: list[DecisionOut]


class BasisOut(Schema):
    """What a decision would apply to now."""

    basis: str
    applies_to: dict[str, Any]


class ChainLinkOut(Schema):
    """One exception of a chain, with all its steps and decisions."""

    exception: ExceptionOut
    steps: list[StepOut]
    decisions: list[DecisionOut]


class ChainOut(Schema):
    """A chain of renewals, oldest first."""

    chain: str
    links: list[ChainLinkOut]


def _given(shape: Schema) -> dict[str, Any]:
    found = shape.model_dump()
    return {name: tuple(value) if name in _LISTS and value is not None else value for name, value in found.items()}
