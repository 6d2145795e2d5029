"""What the operations of anchors take and answer."""

from __future__ import annotations

from typing import Annotated, Literal

from ninja import Schema
from pydantic import ConfigDict, Field


class Cadence(Schema):
    """How often a log is anchored."""

    model_config = ConfigDict(extra="forbid", strict=True)

    every: Annotated[str, Field(max_length=16, description="a number and s, m, h or d, from 1m to 365d")]


class CadenceSet(Schema):
    """What stands now, and the place of the entry that tells so; null if it was so before."""

    every: str
    every_seconds: int
    entry: int | None


class PinnedOut(Schema):
    """A certificate that is trusted: its name, SHA-256 of its DER, and when it ends."""

    subject: str
    sha256: str
    until: str


class TokenOut(Schema):
    """A stored token: the authority's time, the entries under the checkpoint that it stamps, the place of its entry."""

    at: str
    size: int
    authority: str
    until: str
    entry: int
    sha256: str


class FailingOut(Schema):
    """Failures in a row: the word of the last one and what it means, without the authority's own words."""

    word: str
    meaning: str
    since: str | None
    failures: int
    retry_at: str | None


class AuthorityOut(Schema):
    """One authority; `address` is null for one that is not asked any more."""

    name: str
    state: Literal["works", "due", "overdue", "failing", "waiting", "not-asked"]
    address: str | None
    pinned: list[PinnedOut]
    newest: TokenOut | None
    failing: FailingOut | None
    next_at: str | None


class AnchoringOut(Schema):
    """How the log is anchored; `last_anchor_at` is the newest token's time, as its authority says."""

    log: str
    every: str
    every_seconds: int
    chosen: Annotated[bool, Field(description="by the tenant; otherwise the installation's")]
    usable: Annotated[bool, Field(description="false while the installation's list of authorities cannot be read")]
    last_anchor_at: str | None
    authorities: list[AuthorityOut]


class TokenList(Schema):
    """Tokens, that of the largest checkpoint first; `cursor` asks for the next page."""

    tokens: list[TokenOut]
    cursor: str | None
