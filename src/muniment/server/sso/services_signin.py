"""Letting people in by what their provider said: the only writer of identities and arrivals."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.utils import timezone

from muniment.server.accounts.models import User
from muniment.server.members.models import Membership
from muniment.server.members.rows import lock_tenant, read_directory
from muniment.server.members.standing import roles_of
from muniment.server.members.workflow import lasting_administrators
from muniment.server.recording import record
from muniment.server.sso.breakglass import ways_in
from muniment.server.sso.models import SamlArrival, SsoConnection, SsoIdentity, SsoPolicy, VerifiedDomain
from muniment.server.sso.presets import preset_of
from muniment.server.sso.refusal import SignInRefused
from muniment.server.sso.saml import Assertion
from muniment.server.sso.workflow import Claims, Known, decide, roles_from_groups, synchronised
from muniment.server.tenants.resolving import RequestTenant
from muniment.server.tenants.scope import tenant_scope

ADMINISTRATOR: Final = "administrator"


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who is let in, and whether their account was made just now."""

    user: User
    new: bool


def active_connection(tenant_id: UUID, connection_id: str, *, testing: bool = False) -> SsoConnection:
    """A connection of the tenant that may be used.

    Args:
        tenant_id: of the tenant.
        connection_id: as the address names it.
        testing: one that lets nobody in yet may be tried out.

    Raises:
        SignInRefused: `no-connection` if there is none, or it may not be used.
    """
    with tenant_scope(tenant_id):
        row = SsoConnection.objects.filter(tenant_id=tenant_id, id=connection_id).first()
    if row is None or not (row.state == "active" or (testing and row.state != "disabled")):
        raise SignInRefused("no-connection", "this connection is not in use")
    return row


def admit(tenant: RequestTenant, row: SsoConnection, claims: Claims) -> Admitted:
    """The account of whoever the provider signed in: linked before, or made now where the tenant allows it.

    Roles under the provider's control follow the groups. Everything is recorded in the same transaction.

    Raises:
        SignInRefused: with the reason, if nobody is let in; nothing is changed then.
    """
    with tenant_scope(tenant.tenant_id):
        identity = SsoIdentity.objects.filter(
            tenant_id=tenant.tenant_id, connection_id=row.id, subject=claims.subject
        ).first()
        member = None if identity is None else _membership(tenant, identity.user_id)
        group_roles = _mappable(row)
        roles = roles_from_groups(claims.groups, group_roles) or ({row.default_role} if row.default_role else set())
        refusal = decide(
            claims,
            Known(
                identity.user_id if identity else None,
                member is not None,
                bool(claims.email) and User.objects.filter(email=claims.email).exists(),
                VerifiedDomain.objects.filter(
                    tenant_id=tenant.tenant_id, domain=claims.domain, verified_at__isnull=False
                ).exists(),
                row.joins,
                row.kind == "saml" or preset_of(row.preset).speaks_for_email,
                bool(_givable(roles)),
            ),
        )
        if refusal is not None:
            raise SignInRefused(refusal.value)
        if identity is None or member is None:
            return Admitted(_join(tenant, row, claims, sorted(_givable(roles))), new=True)
        user = User.objects.filter(pk=identity.user_id, is_active=True).first()
        if user is None:
            raise SignInRefused("account-closed")
        SsoIdentity.objects.filter(tenant_id=tenant.tenant_id, id=identity.id).update(used_at=timezone.now())
        _follow(tenant, row, claims, member, group_roles, user)
        record("idp.claim", by=user.subject, resource=("connection", row.id), labels={"kind": row.kind})
        return Admitted(user, new=False)


def link(tenant: RequestTenant, row: SsoConnection, claims: Claims, user: User) -> None:
    """Link a subject with the account that is signed in here and gave a fresh second factor.

    Raises:
        SignInRefused: if either is linked with another already.
    """
    with tenant_scope(tenant.tenant_id):
        if _membership(tenant, user.pk) is None:
            raise SignInRefused("not-a-member")
        try:
            with transaction.atomic():
                SsoIdentity.objects.create(
                    tenant_id=tenant.tenant_id, connection_id=row.id, subject=claims.subject, user_id=user.pk
                )
        except IntegrityError as error:
            raise SignInRefused("linked-already", "this identity or account is linked with another one") from error
        record("user.change", by=user.subject, resource=("connection", row.id), labels={"change": "identity-linked"})


def unlink(tenant_id: UUID, connection_id: str, user_id: str, *, by: str) -> bool:
    """Remove a person's link with a connection; False if there was none."""
    with tenant_scope(tenant_id):
        gone, _ = SsoIdentity.objects.filter(tenant_id=tenant_id, connection_id=connection_id, user_id=user_id).delete()
        if gone:
            record("user.change", by=by, resource=("user", user_id), labels={"change": "identity-unlinked"})
        return bool(gone)


def receive(tenant_id: UUID, row: SsoConnection, assertion: Assertion) -> str:
    """Keep an assertion for the session that asked for it, and never take it again.

    Returns:
        A ticket under which `collect` finds it once.

    Raises:
        SignInRefused: `replayed`, if it was here before.
    """
    ticket = secrets.token_urlsafe(32)
    with tenant_scope(tenant_id):
        SamlArrival.objects.filter(
            tenant_id=tenant_id, connection_id=row.id, expires_at__lt=timezone.now() - timedelta(hours=1)
        ).delete()
        try:
            with transaction.atomic():
                SamlArrival.objects.create(
                    tenant_id=tenant_id,
                    connection_id=row.id,
                    assertion_hash=assertion.fingerprint,
                    ticket_hash=_hash(ticket),
                    in_response_to=assertion.in_response_to,
                    claims=asdict(assertion.claims),
                    expires_at=assertion.expires_at,
                )
        except IntegrityError as error:
            raise SignInRefused("replayed", "this assertion was used before") from error
    return ticket


def collect(tenant_id: UUID, row: SsoConnection, ticket: str) -> tuple[str, Claims]:
    """(request that was answered, claims) of an arrival; it is emptied.

    Raises:
        SignInRefused: `no-arrival`, if there is none under this ticket or it was taken.
    """
    with tenant_scope(tenant_id):
        arrival = (
            SamlArrival.objects.select_for_update()
            .filter(
                tenant_id=tenant_id,
                connection_id=row.id,
                ticket_hash=_hash(ticket),
                taken_at__isnull=True,
                expires_at__gt=timezone.now(),
            )
            .first()
        )
        if arrival is None:
            raise SignInRefused("no-arrival", "the ticket is unknown, used or too old")
        held = dict(arrival.claims)
        arrival.claims, arrival.taken_at = {}, timezone.now()
        arrival.save(update_fields=["claims", "taken_at"])
    return arrival.in_response_to, Claims(**{**held, "groups": tuple(held["groups"])})


def _join(tenant: RequestTenant, row: SsoConnection, claims: Claims, roles: list[str]) -> User:
    try:
        with transaction.atomic():
            user = User.objects.create_user(claims.email, None, name=claims.name)
            EmailAddress.objects.create(user=user, email=claims.email, verified=True, primary=True)
    except IntegrityError as error:
        raise SignInRefused("not-linked", "an account with this address was made meanwhile") from error
    member = Membership.objects.create(
        tenant_id=tenant.tenant_id, slug=tenant.slug, user_id=user.pk, roles=roles, groups=[]
    )
    SsoIdentity.objects.create(
        tenant_id=tenant.tenant_id,
        connection_id=row.id,
        subject=claims.subject,
        user_id=user.pk,
        used_at=timezone.now(),
    )
    record("user.create", by=user.subject, resource=("user", user.pk), labels={"through": row.id})
    record(
        "member.join",
        by=user.subject,
        resource=("member", member.id),
        labels={"through": row.id},
        body={"roles": roles},
    )
    record("idp.claim", by=user.subject, resource=("connection", row.id), labels={"kind": row.kind, "joined": "yes"})
    return user


def _follow(
    tenant: RequestTenant,
    row: SsoConnection,
    claims: Claims,
    member: Membership,
    group_roles: dict[str, str],
    user: User,
) -> None:
    roles = synchronised(member.roles, claims.groups, group_roles)
    if roles == sorted(member.roles) or not group_roles:
        return
    lost = {role.code for role in roles_of(set(member.roles) - set(roles))}
    last = _last_of_its_kind(tenant, member) if ADMINISTRATOR in lost else ""
    if last:
        record(
            "member.change",
            by=user.subject,
            outcome="denied",
            resource=("member", member.id),
            labels={"reason": last, "through": row.id},
        )
        return
    before = sorted(member.roles)
    Membership.objects.filter(tenant_id=tenant.tenant_id, id=member.id).update(roles=roles)
    record(
        "member.change",
        by=user.subject,
        resource=("member", member.id),
        labels={"through": row.id},
        body={"before": before, "after": roles},
    )


def _mappable(row: SsoConnection) -> dict[str, str]:
    """The mapping, without roles that are gone or that need an end which a sign-in cannot give."""
    held = {str(group): str(role) for group, role in row.group_roles.items()}
    givable = _givable(set(held.values()))
    return {group: role for group, role in held.items() if role in givable}


def _givable(ids: set[str]) -> set[str]:
    return {role.id for role in roles_of(ids) if not role.time_boxed}


def _last_of_its_kind(tenant: RequestTenant, member: Membership) -> str:
    """Why a member must stay administrator, or ""; two who lose the role at once wait for each other."""
    lock_tenant()
    state = read_directory(timezone.now())
    if not {holder.id for holder in lasting_administrators(state)} - {member.id}:
        return "last-administrator"
    enforced = SsoPolicy.objects.filter(tenant_id=tenant.tenant_id, enforced=True).exists()
    return "last-break-glass" if enforced and ways_in(state) == {member.id} else ""


def _membership(tenant: RequestTenant, user_id: str) -> Membership | None:
    row = Membership.objects.filter(tenant_id=tenant.tenant_id, user_id=user_id).first()
    return None if row is None or (row.until is not None and row.until <= timezone.now()) else row


def _hash(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()
