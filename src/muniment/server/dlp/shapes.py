"""What the operations of data protection take and answer."""

from __future__ import annotations

from typing import Annotated, Any

from ninja import Schema
from pydantic import ConfigDict, Field

from muniment.dlp.judging import MAX_REASON
from muniment.dlp.patterns import MAX_EXPRESSION, MAX_PATTERNS
from muniment.server.dlp.services.verdicts import MOST_REASON


class DlpRule(Schema):
    """What is done where something is found."""

    model_config = ConfigDict(extra="forbid", strict=True)

    action: Annotated[str, Field(max_length=16, description="allow, quarantine or block")]
    reason: Annotated[str, Field(max_length=MAX_REASON, description="why it is allowed")] = ""


class DlpPattern(Schema):
    """What a tenant looks for, in RE2's syntax."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(max_length=32)]
    expression: Annotated[str, Field(max_length=MAX_EXPRESSION)]


class NewDlpPolicy(Schema):
    """The whole policy that is to be in force."""

    model_config = ConfigDict(extra="forbid", strict=True)

    number: Annotated[int, Field(ge=0, description="of the version that was seen; 0 for the usual rules")]
    rules: Annotated[
        dict[Annotated[str, Field(max_length=48)], DlpRule],
        Field(max_length=64, description="by detector (pan, pesel, iban, passport, pattern:…) and condition"),
    ]
    patterns: Annotated[list[DlpPattern], Field(max_length=MAX_PATTERNS)] = Field(default_factory=list)


class DlpPolicyOut(Schema):
    """A policy."""

    number: int
    rules: dict[str, dict[str, str]]
    patterns: list[dict[str, str]]


class DlpPolicyVersionOut(DlpPolicyOut):
    """A version of the policy."""

    id: str
    created_by: str
    created_at: str
    entry: int


class DlpPolicyVersions(Schema):
    """Versions of the policy, newest first."""

    versions: list[DlpPolicyVersionOut]


class DlpVerdictOut(Schema):
    """What was found in a file, and what was done. Kinds and counts, never values."""

    id: str
    kind: str
    subject: str
    sha256: str
    size: int
    action: str
    reasons: list[str]
    coverage: str
    reason: str
    counts: dict[str, int]
    places: list[dict[str, Any]]
    pictures: int
    antivirus: str
    policy: int
    attached_by: str
    created_by: str
    created_at: str
    entry: int
    release: dict[str, Any] | None


class DlpVerdictList(Schema):
    """Verdicts, newest first."""

    verdicts: list[DlpVerdictOut]


class NewDlpRelease(Schema):
    """Why a file is taken out of quarantine."""

    model_config = ConfigDict(extra="forbid", strict=True)

    verdict: Annotated[str, Field(max_length=30, description="that was seen")]
    reason: Annotated[str, Field(max_length=MOST_REASON)] = ""
