"""What the operations of sources and keys answer."""

from __future__ import annotations

from typing import Literal

from ninja import Schema


class SourceOut(Schema):
    """A source. Pauses are in seconds and null while they are not known."""

    id: str
    key_id: str | None
    own: bool
    bound_at: str | None
    last_at: str | None
    last_seq: int | None
    actor: str | None
    numbered: bool
    last_hour: int
    usual_pause_seconds: float | None
    silent_after_seconds: float | None
    silent: bool


class SourceList(Schema):
    """Sources, heard last first."""

    sources: list[SourceOut]


class GapOut(Schema):
    """Numbers that are missing before the entry `before`; `named`: refused, and told so."""

    epoch: str
    first: int
    last: int
    before: int
    named: bool


class NumberingOut(Schema):
    """The numbers of the `read` newest entries, from the entry `since` on."""

    read: int
    numbered: int
    since: int | None
    gaps: list[GapOut]


class OneSource(SourceOut):
    """A source with its numbers."""

    numbering: NumberingOut


class KeyOut(Schema):
    """An API key without its secret."""

    key_id: str
    label: str
    scope: Literal["append", "read"]
    service: str | None
    capabilities: list[str]
    created_at: str
    revoked_at: str | None
    open: bool
    used_at: str | None
    sources: int


class KeyList(Schema):
    """API keys, open ones first."""

    keys: list[KeyOut]


class KeyMade(Schema):
    """A new key; `token` is given this once. `seq`: the entry that tells of it."""

    key_id: str
    token: str
    scope: Literal["append", "read"]
    seq: int


class ServiceMade(Schema):
    """A new service account."""

    id: str
    name: str
    roles: list[str]
    created_at: str


class ServiceOut(ServiceMade):
    """A service account."""

    role_names: list[str]
    open_keys: int


class ServiceList(Schema):
    """Service accounts, by name."""

    service_accounts: list[ServiceOut]
