"""A tenant's sign-in, for programs: connections, domains, the policy. A client secret goes in and never comes out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import ConfigDict, Field

from muniment.server.access.operations import Needs, standing_in
from muniment.server.capabilities import Capability
from muniment.server.members.workflow import NoSuch
from muniment.server.moments import moment
from muniment.server.problems import refuse
from muniment.server.sso import domains, services
from muniment.server.sso.models import SsoConnection, VerifiedDomain
from muniment.server.sso.shapes import BreakGlassOut, ConnectionOut, DomainOut, PolicyOut, SignInOut
from muniment.server.tenants.scope import tenant_scope

router = Router(tags=["sign-in"])
MANAGE = Needs(Capability.SSO_MANAGE)
# PostgreSQL's text holds no NUL.
Text = Annotated[str, Field(max_length=512, pattern=r"^[^\x00]*$")]


class ConnectionIn(Schema):
    """A connection as it shall be."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
    preset: Literal["generic", "entra", "google", "okta", "auth0", "saml"]
    value: Annotated[Text, Field(description="the issuer, or what the preset asks for")] = ""
    client_id: Text = ""
    client_secret: Annotated[str | None, Field(max_length=1024, description="null keeps the one that is there")] = None
    idp_entity_id: Text = ""
    idp_sign_in_url: Text = ""
    idp_certificates: Annotated[list[str], Field(max_length=4, default_factory=list, description="PEM")]
    groups_claim: Annotated[str, Field(max_length=255, pattern=r"^[^\x00]*$")] = "groups"
    email_claim: Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00]*$")] = "email"
    group_roles: Annotated[
        dict[Text, Text], Field(max_length=200, default_factory=dict, description="role id by group")
    ]
    joins: bool = False
    default_role: Text = ""

    def wanted(self) -> services.Wanted:
        """As the services take it."""
        given = self.model_dump()
        return services.Wanted(**{**given, "idp_certificates": tuple(given["idp_certificates"])})


class PolicyIn(Schema):
    """Whether single sign-on is demanded."""

    model_config = ConfigDict(extra="forbid", strict=True)

    enforced: bool


class AllowedIn(Schema):
    """Whether something is allowed."""

    model_config = ConfigDict(extra="forbid", strict=True)

    allowed: bool


class DomainIn(Schema):
    """A domain to verify."""

    model_config = ConfigDict(extra="forbid", strict=True)

    domain: Annotated[str, Field(min_length=1, max_length=255)]


@router.get(
    "/api/sign-in", auth=MANAGE, summary="How people sign in", operation_id="sign_in_settings", response=SignInOut
)
def settings(request: HttpRequest) -> dict[str, object]:
    """Connections, domains and whether single sign-on is demanded."""
    standing = standing_in(request)
    with tenant_scope(standing.tenant_id):
        return {
            "connections": [_connection(row) for row in services.connections(standing)],
            "domains": [_domain(row) for row in services.verified_domains(standing)],
            "enforced": services.is_enforced(standing),
        }


@router.post(
    "/api/sign-in/connections",
    auth=MANAGE,
    summary="Set up a connection",
    operation_id="create_connection",
    response={201: ConnectionOut},
)
def create_connection(request: HttpRequest, connection: ConnectionIn) -> Status[dict[str, object]]:
    """It lets nobody in until somebody tried it out on its page and it was switched on."""
    standing = standing_in(request)
    with _problems(), tenant_scope(standing.tenant_id):
        row = services.create_connection(standing, connection.wanted())
    return Status(201, _connection(row))


@router.get(
    "/api/sign-in/connections/{connection_id}",
    auth=MANAGE,
    summary="One connection",
    operation_id="connection",
    response=ConnectionOut,
)
def connection(request: HttpRequest, connection_id: str) -> dict[str, object]:
    """A connection, without its secret."""
    standing = standing_in(request)
    with _problems(), tenant_scope(standing.tenant_id):
        return _connection(services.connection(standing, connection_id))


@router.put(
    "/api/sign-in/connections/{connection_id}",
    auth=MANAGE,
    summary="Change a connection",
    operation_id="change_connection",
    response=ConnectionOut,
)
def change_connection(request: HttpRequest, connection_id: str, connection: ConnectionIn) -> dict[str, object]:
    """Which provider it is cannot change while people come in through it."""
    standing = standing_in(request)
    with _problems(), tenant_scope(standing.tenant_id):
        row = services.connection(standing, connection_id)
        return _connection(services.change_connection(standing, row, connection.wanted()))


@router.delete(
    "/api/sign-in/connections/{connection_id}",
    auth=MANAGE,
    summary="Delete a connection",
    operation_id="delete_connection",
    response={204: None},
)
def delete_connection(request: HttpRequest, connection_id: str) -> Status[None]:
    """Together with the links of people's accounts; refused while it is switched on."""
    standing = standing_in(request)
    with _problems(), tenant_scope(standing.tenant_id):
        services.delete_connection(standing, services.connection(standing, connection_id))
    return Status(204, None)


@router.post(
    "/api/sign-in/connections/{connection_id}/activate",
    auth=MANAGE,
    summary="Switch a connection on",
    operation_id="activate_connection",
    response=ConnectionOut,
)
def activate(request: HttpRequest, connection_id: str) -> dict[str, object]:
    """Refused before somebody tried it out."""
    standing = standing_in(request)
    with _problems(), tenant_scope(standing.tenant_id):
        row = services.connection(standing, connection_id)
        services.activate(standing, row)
        return _connection(row)


@router.post(
    "/api/sign-in/connections/{connection_id}/disable",
    auth=MANAGE,
    summary="Switch a connection off",
    operation_id="disable_connection",
    response=ConnectionOut,
)
def disable(request: HttpRequest, connection_id: str) -> dict[str, object]:
    """Refused for the last one while single sign-on is demanded."""
    standing = standing_in(request)
    with _problems(), tenant_scope(standing.tenant_id):
        row = services.connection(standing, connection_id)
        services.disable(standing, row)
        return _connection(row)


@router.put(
    "/api/sign-in/policy",
    auth=MANAGE,
    summary="Demand single sign-on",
    operation_id="sign_in_policy",
    response=PolicyOut,
)
def policy(request: HttpRequest, policy: PolicyIn) -> dict[str, object]:
    """Of every member but those with break-glass access."""
    standing = standing_in(request)
    with _problems(), tenant_scope(standing.tenant_id):
        services.enforce(standing, enforced=policy.enforced)
    return {"enforced": policy.enforced}


@router.put(
    "/api/sign-in/break-glass/{member_id}",
    auth=MANAGE,
    summary="Break-glass access",
    operation_id="break_glass",
    response=BreakGlassOut,
)
def break_glass(request: HttpRequest, member_id: str, access: AllowedIn) -> dict[str, object]:
    """Lets a member in with a password although single sign-on is demanded; each use is recorded."""
    standing = standing_in(request)
    with _problems(), tenant_scope(standing.tenant_id):
        services.set_break_glass(standing, member_id, allowed=access.allowed)
    return {"member": member_id, "allowed": access.allowed}


@router.post(
    "/api/sign-in/domains",
    auth=MANAGE,
    summary="Add a domain",
    operation_id="add_domain",
    response={201: DomainOut},
)
def add_domain(request: HttpRequest, domain: DomainIn) -> Status[dict[str, object]]:
    """Put `token` where `address` says, then verify it."""
    standing = standing_in(request)
    with _problems(), tenant_scope(standing.tenant_id):
        row = services.add_domain(standing, domain.domain)
    return Status(201, _domain(row))


@router.post(
    "/api/sign-in/domains/{domain_id}/verify",
    auth=MANAGE,
    summary="Verify a domain",
    operation_id="verify_domain",
    response=DomainOut,
)
def verify_domain(request: HttpRequest, domain_id: str) -> dict[str, object]:
    """Asks the domain's web server for the token, now."""
    standing = standing_in(request)
    with _problems(), tenant_scope(standing.tenant_id):
        row = services.domain(standing, domain_id)
        services.verify_domain(standing, row)
        return _domain(row)


@router.delete(
    "/api/sign-in/domains/{domain_id}",
    auth=MANAGE,
    summary="Remove a domain",
    operation_id="remove_domain",
    response={204: None},
)
def remove_domain(request: HttpRequest, domain_id: str) -> Status[None]:
    """Who joined through it stays a member."""
    standing = standing_in(request)
    with _problems(), tenant_scope(standing.tenant_id):
        services.remove_domain(standing, services.domain(standing, domain_id))
    return Status(204, None)


@contextmanager
def _problems() -> Iterator[None]:
    try:
        yield
    except NoSuch as error:
        raise refuse("not-found", "there is nothing here that this request may see") from error


def _connection(row: SsoConnection) -> dict[str, object]:
    return {
        "id": row.id,
        "name": row.name,
        "kind": row.kind,
        "preset": row.preset,
        "state": row.state,
        "issuer": row.issuer,
        "client_id": row.client_id,
        "pinned": row.pinned,
        "idp_entity_id": row.idp_entity_id,
        "idp_sign_in_url": row.idp_sign_in_url,
        "idp_certificates": list(row.idp_certificates),
        "groups_claim": row.groups_claim,
        "email_claim": row.email_claim,
        "group_roles": dict(row.group_roles),
        "joins": row.joins,
        "default_role": row.default_role,
        "created_at": moment(row.created_at),
        "tested_at": None if row.tested_at is None else moment(row.tested_at),
    }


def _domain(row: VerifiedDomain) -> dict[str, object]:
    return {
        "id": row.id,
        "domain": row.domain,
        "token": row.token,
        "address": domains.challenge_address(row.domain),
        "verified_at": None if row.verified_at is None else moment(row.verified_at),
    }
