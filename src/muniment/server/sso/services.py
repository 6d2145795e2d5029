"""How a tenant's sign-in is set up: the only writer of connections, domains and the policy. Each change is recorded.

Every function runs inside the tenant's scope and is given the standing of who asks. Nobody can hand out through a
provider's groups what they do not hold themselves.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction
from django.utils import timezone

from muniment.core.errors import Malformed, Refused
from muniment.server.access.standing import Standing
from muniment.server.members.models import Membership, Role
from muniment.server.members.rows import lock_tenant, read_directory
from muniment.server.members.standing import capabilities_of, roles_of
from muniment.server.members.workflow import NoSuch
from muniment.server.recording import record
from muniment.server.sso import domains, saml
from muniment.server.sso.breakglass import ways_in
from muniment.server.sso.models import SsoConnection, SsoIdentity, SsoPolicy, VerifiedDomain
from muniment.server.sso.network import check_address
from muniment.server.sso.parties import secret_purpose
from muniment.server.sso.presets import issuer_of, preset_of
from muniment.server.sso.workflow import State, after
from muniment.server.tenants.secrets import seal

MAX_CONNECTIONS = 20
MAX_DOMAINS = 50


@dataclass(frozen=True, slots=True)
class Wanted:
    """A connection as somebody wants it.

    Attributes:
        name: on the button that people press.
        preset: code; decides the protocol.
        value: the issuer, or what the preset asks for. OpenID Connect.
        client_id: at the provider. OpenID Connect.
        client_secret: at the provider; None leaves the one that is there. OpenID Connect.
        idp_entity_id: theirs. SAML.
        idp_sign_in_url: where people are sent. SAML.
        idp_certificates: PEM or bare base64. SAML.
        groups_claim: claim or attribute with groups; "" for none.
        email_claim: claim or attribute with the address.
        group_roles: role id by group.
        joins: people may become members by signing in.
        default_role: role id of who joins without a mapped group; "" for none.
    """

    name: str
    preset: str
    value: str = ""
    client_id: str = ""
    client_secret: str | None = None
    idp_entity_id: str = ""
    idp_sign_in_url: str = ""
    idp_certificates: tuple[str, ...] = ()
    groups_claim: str = "groups"
    email_claim: str = "email"
    group_roles: Mapping[str, str] = field(default_factory=dict)
    joins: bool = False
    default_role: str = ""


def connections(standing: Standing) -> list[SsoConnection]:
    """The tenant's connections, by name."""
    return list(SsoConnection.objects.filter(tenant_id=standing.tenant_id).order_by("name"))


def connection(standing: Standing, connection_id: str) -> SsoConnection:
    """One connection.

    Raises:
        NoSuch: if the tenant has none with this id.
    """
    row = None
    if "\0" not in connection_id:
        row = SsoConnection.objects.filter(tenant_id=standing.tenant_id, id=connection_id).first()
    if row is None:
        raise NoSuch("there is no such connection", "connection")
    return row


def create_connection(standing: Standing, wanted: Wanted) -> SsoConnection:
    """Set up a connection; it lets nobody in until it was tested and switched on.

    Raises:
        Malformed: naming the field that is wrong.
        Refused: if a role would give what `standing` does not hold, or the name is taken.
    """
    if SsoConnection.objects.filter(tenant_id=standing.tenant_id).count() >= MAX_CONNECTIONS:
        raise Refused(f"at most {MAX_CONNECTIONS} connections", "name")
    row = SsoConnection(tenant_id=standing.tenant_id, preset=wanted.preset, kind=preset_of(wanted.preset).kind)
    if row.kind == "oidc" and not wanted.client_secret:
        raise Malformed("the client secret is needed", "client_secret")
    _provider(row, wanted)
    _rest(standing, row, wanted)
    _save(row)
    _changed(standing, row, "created")
    return row


def change_connection(standing: Standing, row: SsoConnection, wanted: Wanted) -> SsoConnection:
    """Change a connection. Whose people come through it is fixed once it was tested: set up another one instead.

    Raises:
        Malformed: naming the field that is wrong.
        Refused: if the provider would become another one, or a role would give what `standing` does not hold.
    """
    if wanted.preset != row.preset:
        raise Refused("the kind of provider cannot be changed", "preset")
    before = (row.issuer, row.client_id, row.pinned, row.idp_entity_id)
    _provider(row, wanted)
    other = before != (row.issuer, row.client_id, row.pinned, row.idp_entity_id)
    if other and row.state in (State.ACTIVE, State.DISABLED):
        raise Refused("people are known by this provider: set up a new connection for another one", "value")
    if other:
        row.state, row.tested_at = after(row.state, "redraft"), None
    _rest(standing, row, wanted)
    _save(row)
    _changed(standing, row, "changed")
    return row


def mark_tested(standing: Standing, row: SsoConnection) -> None:
    """Note that somebody came through the connection for a trial."""
    if row.state in (State.DRAFT, State.TESTED):
        row.state = after(row.state, "test")
    row.tested_at = timezone.now()
    row.save(update_fields=["state", "tested_at"])
    _changed(standing, row, "tested")


def activate(standing: Standing, row: SsoConnection) -> None:
    """Let people in through a connection.

    Raises:
        Refused: if it was not tested.
    """
    row.state = after(row.state, "activate")
    row.save(update_fields=["state"])
    _changed(standing, row, "activated")


def disable(standing: Standing, row: SsoConnection) -> None:
    """Let nobody in through a connection any longer.

    Raises:
        Refused: if single sign-on is demanded and no other connection is there.
    """
    others = SsoConnection.objects.filter(tenant_id=standing.tenant_id, state=State.ACTIVE).exclude(id=row.id)
    if is_enforced(standing) and not others.exists():
        raise Refused("single sign-on is demanded of everybody: lift that first", "state")
    row.state = after(row.state, "disable")
    row.save(update_fields=["state"])
    _changed(standing, row, "disabled")


def delete_connection(standing: Standing, row: SsoConnection) -> None:
    """Remove a connection and the links of people with it.

    Raises:
        Refused: while it lets people in.
    """
    if row.state == State.ACTIVE:
        raise Refused("switch the connection off first", "state")
    links, _ = SsoIdentity.objects.filter(tenant_id=standing.tenant_id, connection_id=row.id).delete()
    SsoConnection.objects.filter(tenant_id=standing.tenant_id, id=row.id).delete()
    record(
        "sso.change",
        by=standing.subject,
        resource=("connection", row.id),
        labels={"change": "deleted", "links": links},
    )


def is_enforced(standing: Standing) -> bool:
    """Whether members must come through single sign-on."""
    return SsoPolicy.objects.filter(tenant_id=standing.tenant_id, enforced=True).exists()


def enforce(standing: Standing, *, enforced: bool) -> None:
    """Demand single sign-on of every member but those with break-glass access, or no longer.

    Raises:
        Refused: if no connection is in use, or nobody could come in when the provider fails.
    """
    if enforced:
        if not SsoConnection.objects.filter(tenant_id=standing.tenant_id, state=State.ACTIVE).exists():
            raise Refused("switch a connection on first", "enforced")
        lock_tenant()
        if not ways_in(read_directory(timezone.now())):
            raise Refused("mark an administrator for break-glass access first", "enforced")
    SsoPolicy.objects.update_or_create(tenant_id=standing.tenant_id, defaults={"enforced": enforced})
    record(
        "sso.change",
        by=standing.subject,
        resource=("tenant", str(standing.tenant_id)),
        labels={"change": "enforced" if enforced else "not-enforced"},
    )


def set_break_glass(standing: Standing, membership_id: str, *, allowed: bool) -> None:
    """Let a member in with a password although single sign-on is demanded, or no longer.

    Raises:
        NoSuch: if there is no such member.
        Refused: if it is the last one.
    """
    lock_tenant()
    member = None
    if "\0" not in membership_id:
        member = Membership.objects.filter(tenant_id=standing.tenant_id, id=membership_id).first()
    if member is None:
        raise NoSuch("there is no such member", "member")
    was = ways_in(read_directory(timezone.now()))
    member.break_glass = allowed
    member.save(update_fields=["break_glass"])
    if was and is_enforced(standing) and not ways_in(read_directory(timezone.now())):
        raise Refused("this is the last administrator with break-glass access", "member")
    record(
        "sso.change",
        by=standing.subject,
        resource=("member", member.id),
        labels={"change": "break-glass-given" if allowed else "break-glass-taken"},
    )


def verified_domains(standing: Standing) -> list[VerifiedDomain]:
    """The tenant's domains, verified or not."""
    return list(VerifiedDomain.objects.filter(tenant_id=standing.tenant_id).order_by("domain"))


def add_domain(standing: Standing, text: str) -> VerifiedDomain:
    """Note a domain that is to be verified.

    Raises:
        Malformed: if it is no domain, or open to everybody.
        Refused: if it is there already.
    """
    domain = domains.check_domain(text)
    if VerifiedDomain.objects.filter(tenant_id=standing.tenant_id).count() >= MAX_DOMAINS:
        raise Refused(f"at most {MAX_DOMAINS} domains", "domain")
    if VerifiedDomain.objects.filter(tenant_id=standing.tenant_id, domain=domain).exists():
        raise Refused("this domain is in the list already", "domain")
    row = VerifiedDomain.objects.create(
        tenant_id=standing.tenant_id, domain=domain, token=f"muniment-{secrets.token_hex(24)}"
    )
    record("sso.change", by=standing.subject, resource=("domain", row.id), labels={"change": "domain-added"})
    return row


def domain(standing: Standing, domain_id: str) -> VerifiedDomain:
    """One domain.

    Raises:
        NoSuch: if the tenant has none with this id.
    """
    row = None
    if "\0" not in domain_id:
        row = VerifiedDomain.objects.filter(tenant_id=standing.tenant_id, id=domain_id).first()
    if row is None:
        raise NoSuch("there is no such domain", "domain")
    return row


def verify_domain(standing: Standing, row: VerifiedDomain) -> None:
    """Look for the token on the domain's web server.

    Raises:
        Refused: if it is not there.
    """
    domains.check_challenge(row.domain, row.token)
    row.verified_at, row.method = timezone.now(), "well-known"
    row.save(update_fields=["verified_at", "method"])
    record("sso.change", by=standing.subject, resource=("domain", row.id), labels={"change": "domain-verified"})


def remove_domain(standing: Standing, row: VerifiedDomain) -> None:
    """Forget a domain."""
    VerifiedDomain.objects.filter(tenant_id=standing.tenant_id, id=row.id).delete()
    record("sso.change", by=standing.subject, resource=("domain", row.id), labels={"change": "domain-removed"})


def _provider(row: SsoConnection, wanted: Wanted) -> None:
    if row.kind == "saml":
        row.idp_entity_id = saml.check_entity(wanted.idp_entity_id.strip())
        row.idp_sign_in_url = saml.check_sign_in_url(wanted.idp_sign_in_url.strip())
        row.idp_certificates = list(saml.check_certificates(list(wanted.idp_certificates)))
        return
    preset = preset_of(row.preset)
    row.issuer, row.pinned = issuer_of(preset, wanted.value)
    check_address(row.issuer, "value")
    row.client_id = wanted.client_id.strip()
    for name, value, longest in (("value", row.issuer, 255), ("client_id", row.client_id, 255)):
        if not 0 < len(value) <= longest or not value.isprintable():
            raise Malformed(f"1 to {longest} printable characters", name)
    if wanted.client_secret:
        if len(wanted.client_secret) > 1024:
            raise Malformed("at most 1024 characters", "client_secret")
        row.secret = seal(row.tenant_id, secret_purpose(row.id), wanted.client_secret.encode())


def _rest(standing: Standing, row: SsoConnection, wanted: Wanted) -> None:
    row.name = wanted.name.strip()
    if not 0 < len(row.name) <= 64 or not row.name.isprintable():
        raise Malformed("1 to 64 printable characters", "name")
    if len(wanted.groups_claim) > 255 or not 0 < len(wanted.email_claim) <= 255:
        raise Malformed("at most 255 characters", "groups_claim")
    if len(wanted.group_roles) > 200 or not all(0 < len(group) <= 255 for group in wanted.group_roles):
        raise Malformed("at most 200 groups of at most 255 characters", "group_roles")
    _check_roles(standing, set(wanted.group_roles.values()), "group_roles")
    _check_roles(standing, {wanted.default_role} - {""}, "default_role")
    given = (dict(wanted.group_roles), wanted.joins, wanted.default_role)
    if given != (dict(row.group_roles), row.joins, row.default_role):
        _check_limits(standing, {*wanted.group_roles.values(), wanted.default_role} - {""})
    row.groups_claim, row.email_claim = wanted.groups_claim.strip(), wanted.email_claim.strip()
    row.group_roles, row.joins, row.default_role = dict(wanted.group_roles), wanted.joins, wanted.default_role


def _check_roles(standing: Standing, ids: set[str], where: str) -> None:
    roles: list[Role] = roles_of(ids)
    if {role.id for role in roles} != ids:
        raise Malformed("there is no such role", where)
    for role in roles:
        if role.time_boxed:
            raise Refused(f"the role {role.code} needs an end, which a provider's group cannot give", where)
        if not capabilities_of([role]) <= standing.capabilities:
            raise Refused(f"the role {role.code} allows more than you may do yourself", where)


def _check_limits(standing: Standing, ids: set[str]) -> None:
    """Refuse what would last longer, or be less watched, than the standing of who lets a provider give it."""
    if ids and standing.until is not None:
        raise Refused("your own membership ends, and what a provider's groups give does not", "group_roles")
    if standing.recorded_reads and not all(role.recorded_reads for role in roles_of(ids)):
        raise Refused("what you read is recorded, so you cannot give a role whose reading is not", "group_roles")


def _save(row: SsoConnection) -> None:
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise Refused("another connection has this name", "name") from error


def _changed(standing: Standing, row: SsoConnection, change: str) -> None:
    record(
        "sso.change",
        by=standing.subject,
        resource=("connection", row.id),
        labels={"change": change, "kind": row.kind, "preset": row.preset, "state": row.state},
        body={
            "issuer": row.issuer,
            "client_id": row.client_id,
            "pinned": row.pinned,
            "idp_entity_id": row.idp_entity_id,
            "idp_sign_in_url": row.idp_sign_in_url,
            "idp_certificates": list(row.idp_certificates),
            "groups_claim": row.groups_claim,
            "group_roles": dict(row.group_roles),
            "joins": row.joins,
            "default_role": row.default_role,
        },
    )
