"""What the operations of sign-in answer."""

from __future__ import annotations

from ninja import Schema


class ConnectionOut(Schema):
    """A connection, without its secret."""

    id: str
    name: str
    kind: str
    preset: str
    state: str
    issuer: str
    client_id: str
    pinned: str
    idp_entity_id: str
    idp_sign_in_url: str
    idp_certificates: list[str]
    groups_claim: str
    email_claim: str
    group_roles: dict[str, str]
    joins: bool
    default_role: str
    created_at: str
    tested_at: str | None


class DomainOut(Schema):
    """A domain: `token` is to stand at `address`."""

    id: str
    domain: str
    token: str
    address: str
    verified_at: str | None


class PolicyOut(Schema):
    """Whether single sign-on is demanded."""

    enforced: bool


class SignInOut(PolicyOut):
    """How people sign in."""

    connections: list[ConnectionOut]
    domains: list[DomainOut]


class BreakGlassOut(Schema):
    """Whether a member may sign in with a password although single sign-on is demanded."""

    member: str
    allowed: bool
