"""What the operations of policies take and answer."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

from muniment.server.policies.workflow import MAX_POLICY
from muniment.server.registers.codes import MAX_CODE
from muniment.server.registers.texts import MAX_LINE, MAX_LINK, MAX_TEXT

PolicyStatus = Literal["in-force", "retired"]
_Title = Annotated[str, Field(max_length=MAX_LINE)]
_Text = Annotated[str, Field(max_length=MAX_POLICY)]
_Link = Annotated[str, Field(max_length=MAX_LINK, description="an https address, instead of the text or beside it")]
_Owner = Annotated[str, Field(max_length=254, description="usr_…, user:usr_… or the address of a member")]
_Reason = Annotated[str, Field(max_length=MAX_TEXT)]
_Number = Annotated[int | None, Field(ge=1, le=2**31 - 1, description="of the version seen; left out: any")]


class NewPolicy(Schema):
    """A policy to be brought in."""

    model_config = ConfigDict(extra="forbid")

    code: Annotated[str, Field(max_length=MAX_CODE, description="frozen; left out: the next free POL-…")] = ""
    title: _Title
    text: _Text = ""
    link: _Link = ""
    owner: _Owner
    effective_on: date


class ChangedPolicy(Schema):
    """What is to be changed of a policy; what is left out or null stays."""

    model_config = ConfigDict(extra="forbid")

    title: _Title | None = None
    text: _Text | None = None
    link: _Link | None = None
    owner: _Owner | None = None
    effective_on: date | None = None
    reason: _Reason = ""
    number: _Number = None

    @property
    def given(self) -> dict[str, Any]:
        """The new values by the names of `Definition`."""
        return self.model_dump(exclude={"number"}, exclude_none=True)


class PolicyRetirement(Schema):
    """Why a policy is retired."""

    model_config = ConfigDict(extra="forbid")

    reason: _Reason
    number: _Number = None


class PolicyRow(Schema):
    """A version of a policy without its text; `entry` is the place of its record, `digest` that of what it says."""

    id: str
    code: str
    number: int
    title: str
    link: str
    owner: str
    effective_on: date
    status: PolicyStatus
    reason: str
    digest: str
    created_by: str
    created_at: str
    entry: int


class PolicyVersionOut(PolicyRow):
    """A version of a policy."""

    text: str


class PolicyList(Schema):
    """Policies as they stand, by code; `next` is what the next page begins after."""

    policies: list[PolicyRow]
    next: str | None


class PolicyVersionList(Schema):
    """Every version of a policy, oldest first."""

    versions: list[PolicyRow]
