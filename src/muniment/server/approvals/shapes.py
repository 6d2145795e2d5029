"""What the operations of approvals take and answer."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

from muniment.server.approvals.document import rules_from
from muniment.server.approvals.periods import MAX_COMMENT as MAX_AWAY
from muniment.server.approvals.services.rules import MAX_COMMENT
from muniment.server.approvals.workflow import (
    ESCALATE_DAYS,
    EXCEPTION_DAYS,
    MAX_ASSETS,
    MAX_CLAUSES,
    MAX_FRAMEWORKS,
    MAX_NAMED,
    MAX_REMINDERS,
    REATTEST_DAYS,
    REMINDER_DAYS,
    Case,
    Rules,
)

RiskLevel = Literal["low", "medium", "high", "critical"]
_Id = Annotated[str, Field(max_length=254)]
_Named = Annotated[list[_Id], Field(max_length=MAX_NAMED)]


def _between(bounds: tuple[int, int], description: str) -> Any:
    return Field(ge=bounds[0], le=bounds[1], description=description)


class LevelShape(Schema):
    """One approval that is needed. With nothing in it, anybody who may approve exceptions decides."""

    model_config = ConfigDict(extra="forbid", strict=True)

    roles: Annotated[_Named | None, Field(description="codes, such as approver")] = None
    people: Annotated[_Named | None, Field(description="user:usr_…, usr_… or the address of a member")] = None
    groups: Annotated[_Named | None, Field(description="grp_… or names")] = None


_Levels = Annotated[list[LevelShape], Field(min_length=1, max_length=2)]


class ClauseShape(Schema):
    """A row of the rules; the first one that holds for a case gives its levels. What is left out holds for all."""

    model_config = ConfigDict(extra="forbid", strict=True)

    risk_levels: Annotated[list[RiskLevel] | None, Field(max_length=4)] = None
    frameworks: Annotated[list[_Id] | None, Field(max_length=MAX_FRAMEWORKS, description="catalogs, or own")] = None
    assets: Annotated[list[_Id] | None, Field(max_length=MAX_ASSETS, description="ast_… or codes")] = None
    criticalities: Annotated[list[RiskLevel] | None, Field(max_length=4)] = None
    levels: _Levels


class OtherwiseShape(Schema):
    """What every other case needs."""

    model_config = ConfigDict(extra="forbid", strict=True)

    levels: _Levels


class ApprovalRules(Schema):
    """How exceptions are approved."""

    model_config = ConfigDict(extra="forbid", strict=True)

    clauses: Annotated[list[ClauseShape], Field(max_length=MAX_CLAUSES)] = Field(default_factory=list)
    otherwise: OtherwiseShape
    max_days: Annotated[int, _between(EXCEPTION_DAYS, "for which an exception may last at most")] = 365
    reminder_days: Annotated[
        list[Annotated[int, _between(REMINDER_DAYS, "")]],
        Field(max_length=MAX_REMINDERS, description="before its end; 90, 60 and 30 are always among them"),
    ] = Field(default_factory=lambda: [90, 60, 30])
    reattest_days: Annotated[int, _between(REATTEST_DAYS, "after which its owner says again that it holds")] = 180
    escalate_days: Annotated[int, _between(ESCALATE_DAYS, "after which a waiting approval is escalated")] = 7

    def rules(self) -> Rules:
        """It as a value.

        Raises:
            Malformed: naming the field.
        """
        return rules_from(self.model_dump(exclude_none=True))


class NewApprovalRules(Schema):
    """Rules that shall be in force."""

    model_config = ConfigDict(extra="forbid", strict=True)

    rules: ApprovalRules
    comment: Annotated[str, Field(max_length=MAX_COMMENT, description="why; needed")]
    number: Annotated[
        int | None,
        Field(ge=0, le=2**31 - 1, description="of the version seen, 0 where there was none; left out: any"),
    ] = None


class ApprovalCase(Schema):
    """A case, made up."""

    model_config = ConfigDict(extra="forbid", strict=True)

    risk_level: RiskLevel
    frameworks: Annotated[list[_Id], Field(max_length=MAX_FRAMEWORKS)] = Field(default_factory=list)
    assets: Annotated[list[_Id], Field(max_length=MAX_ASSETS, description="ast_… or codes")] = Field(
        default_factory=list
    )
    criticalities: Annotated[
        list[RiskLevel], Field(max_length=4, description="beside those that the named assets have")
    ] = Field(default_factory=list)
    requester: Annotated[str, Field(max_length=254, description="who asks, and so never decides")] = ""

    def case(self) -> Case:
        """It as a value; its assets are looked up elsewhere."""
        return Case(self.risk_level, frozenset(self.frameworks), frozenset(self.assets), frozenset(self.criticalities))


class ApprovalQuestion(Schema):
    """What rules would do; those in force where none are given."""

    model_config = ConfigDict(extra="forbid", strict=True)

    rules: ApprovalRules | None = None
    case: ApprovalCase | None = None


class NewDelegation(Schema):
    """Somebody is away."""

    model_config = ConfigDict(extra="forbid")

    first_day: Annotated[date, Field(alias="from", description="first whole day, today or later")]
    last_day: Annotated[date, Field(alias="until", description="last whole day")]
    zone: Annotated[str, Field(max_length=64, description="in which these days are counted: Europe/Warsaw")] = "UTC"
    to: Annotated[str, Field(max_length=254, description="who decides meanwhile; empty: nobody")] = ""
    person: Annotated[str, Field(max_length=254, description="who is away; empty: who asks")] = ""
    comment: Annotated[str, Field(max_length=MAX_AWAY)] = ""


class DelegationEnd(Schema):
    """Why a delegation ends before its last day."""

    model_config = ConfigDict(extra="forbid", strict=True)

    comment: Annotated[str, Field(max_length=MAX_AWAY)] = ""


class ApprovalFault(Schema):
    """What is wrong with rules."""

    kind: Literal["unreachable", "nobody", "self-approving", "one-person", "stuck"]
    where: str
    reason: str
    blocks: Annotated[bool, Field(description="rules with it are not saved")]


class ApprovalVersion(Schema):
    """A version of the rules. `version` is 0 and `entry` null of the default, which nobody wrote."""

    id: str
    version: int
    in_force: bool
    rules: ApprovalRules
    text: Annotated[list[str], Field(description="the rules in words")]
    digest: Annotated[str, Field(description="SHA-256 of the canonical JSON of rules")]
    comment: str
    created_by: str | None
    created_at: str | None
    entry: int | None


class ApprovalInForce(ApprovalVersion):
    """The rules in force, and what is wrong with them now."""

    faults: list[ApprovalFault]


class ApprovalVersions(Schema):
    """Every version, newest first; without the default."""

    versions: list[ApprovalVersion]


class DeciderOut(Schema):
    """Somebody who could decide."""

    subject: str
    on_behalf_of: Annotated[str | None, Field(description="whom they stand in for")]
    delegation: str | None
    away: bool


class LevelOut(Schema):
    """One level of a case."""

    number: int
    deciders: list[DeciderOut]


class PreviewOut(Schema):
    """What rules do with a case."""

    clause: Annotated[int | None, Field(description="place of the row, from 0; null: no row, so every other case")]
    levels: list[LevelOut]


class DifferenceLine(Schema):
    """A line of the comparison with the rules in force."""

    sign: Literal["same", "added", "removed"]
    text: str


class ApprovalAnswer(Schema):
    """What is to be said of rules, and of a case under them."""

    faults: list[ApprovalFault]
    difference: list[DifferenceLine]
    preview: PreviewOut | None


class DelegationOut(Schema):
    """A delegation."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    person: str
    to: str | None
    first_day: Annotated[str, Field(alias="from")]
    last_day: Annotated[str, Field(alias="until")]
    zone: str
    begins_at: str
    ends_at: str
    state: Literal["ahead", "running", "over", "revoked"]
    comment: str
    created_by: str
    created_at: str
    entry: int
    revoked_by: str | None
    revoked_at: str | None
    revoked_entry: int | None


class DelegationList(Schema):
    """Delegations, the latest days first."""

    delegations: list[DelegationOut]
