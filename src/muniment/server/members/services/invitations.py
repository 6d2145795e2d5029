"""Invitations: offered, delivered, withdrawn, accepted."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from muniment.core.errors import Refused
from muniment.server.access.standing import Standing
from muniment.server.accounts.models import User
from muniment.server.capabilities import Capability
from muniment.server.members.directory import Power
from muniment.server.members.models import Invitation, Membership, ServiceKey
from muniment.server.members.services.change import Changing, changing
from muniment.server.members.services.memberships import place, record_joined
from muniment.server.members.workflow import INVITATION_LASTS, NoSuch, may_still_give
from muniment.server.recording import SERVER, record
from muniment.server.tenants.resolving import RequestTenant
from muniment.server.tenants.scope import ledger_connection, lookup_scope, tenant_scope

MOST_OPEN: Final = 500
_LOG: Final = logging.getLogger("muniment.members")


@dataclass(frozen=True, slots=True)
class Offer:
    """An invitation that was just made.

    Attributes:
        invitation: its row.
        link: for whoever is invited, to be shown once; None where it goes by mail.
    """

    invitation: Invitation
    link: str | None


def token_hash(token: str) -> str:
    """What is stored of a token: the hex SHA-256 of its text. It has 256 random bits, so no slow hash is needed."""
    return hashlib.sha256(token.encode("utf-8")).hexdigest()


def mail_is_configured() -> bool:
    """Whether messages leave this machine."""
    return str(settings.EMAIL_BACKEND) == "django.core.mail.backends.smtp.EmailBackend"


@transaction.atomic
def invite(
    standing: Standing,
    tenant: RequestTenant,
    *,
    email: str,
    roles: Collection[str],
    groups: Collection[str] = (),
    until: datetime | None = None,
    link_of: Callable[[str], str],
) -> Offer:
    """Offer a membership. The message goes out when the transaction has committed.

    Args:
        standing: whose; needs `member.manage` and everything that the roles and groups give.
        tenant: the tenant.
        email: of the person.
        roles: ids; at least one role or group.
        groups: ids.
        until: when the membership shall end by itself.
        link_of: makes the address of the page that accepts, from the token.

    Raises:
        NoSuch: if the tenant has no such role or group.
        Refused: if the address is no address, invited or a member already, or a rule of `workflow` is broken.
    """
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise Refused("this is not an e-mail address", "email") from None
    if len(email) > 254:
        raise Refused("this is not an e-mail address", "email")
    if not roles and not groups:
        raise Refused("choose at least one role or group", "roles")
    token = secrets.token_urlsafe(32)
    with changing(standing, needs=Capability.MEMBER_MANAGE) as change:
        known = User.objects.filter(email__iexact=email).values_list("id", flat=True).first()
        if known is not None:
            holder = change.before.member_of(f"user:{known}")
            if holder is not None and (holder.until is None or holder.until > change.now):
                raise Refused("the person is a member already", "email")
        waiting = open_invitations(change.now)
        if waiting.filter(email=email).exists():
            raise Refused("the person has an open invitation: withdraw it first", "email")
        if waiting.count() >= MOST_OPEN:
            raise Refused(f"at most {MOST_OPEN} invitations are open at once", "email")
        mailed = mail_is_configured()
        invitation = Invitation.objects.create(
            tenant_id=standing.tenant_id,
            slug=tenant.slug,
            email=email,
            token_hash=token_hash(token),
            roles=sorted(set(roles)),
            groups=sorted(set(groups)),
            member_until=until,
            invited_by=standing.subject.partition(":")[2],
            expires_at=change.now + INVITATION_LASTS,
            delivery="" if mailed else "shown",
        )
    link = link_of(token)
    _record(standing.subject, invitation, "invite")
    if mailed:
        transaction.on_commit(lambda: _send(invitation, tenant.name, link))
    return Offer(invitation, None if mailed else link)


@transaction.atomic
def withdraw(standing: Standing, invitation_id: str) -> None:
    """Take an open invitation back: its link leads nowhere from now on.

    Raises:
        NoSuch: if the tenant has no such open invitation.
        Refused: if a rule of `workflow` is broken.
    """
    with changing(standing, needs=Capability.MEMBER_MANAGE) as change:
        invitation = open_invitations(change.now).filter(id=invitation_id).first()
        if invitation is None:
            raise NoSuch("there is no such open invitation", "invitation")
        invitation.withdrawn_at = change.now
        invitation.save()
    _record(standing.subject, invitation, "withdraw")


def find_invitation(token: str) -> Invitation | None:
    """The open invitation of a token, whichever tenant made it; None for every other text."""
    if not 20 <= len(token) <= 100:
        return None
    hashed = token_hash(token)
    with lookup_scope("muniment.lookup", hashed):
        return open_invitations(timezone.now()).filter(token_hash=hashed).first()


def accept(invitation: Invitation, user: User) -> Membership:
    """Make the person who was invited a member. Call it outside of any tenant's scope.

    Args:
        invitation: found by its token.
        user: whose address is the invited one; that it is theirs was proven by whoever calls.

    Raises:
        NoSuch: if the invitation was withdrawn, accepted or has expired meanwhile.
        Refused: if the address is another one, or whoever invited may not give this any more.
    """
    with tenant_scope(invitation.tenant_id), transaction.atomic():
        with changing(user.subject) as change:
            row = open_invitations(change.now).select_for_update().filter(id=invitation.id).first()
            if row is None:
                raise NoSuch("this invitation is not open any more", "invitation")
            if user.email.lower() != row.email:
                raise Refused("this invitation is for another address", "email")
            if row.invited_by.startswith(("usr_", "ak_")):
                power = _power_of(change, row.invited_by)
                if not may_still_give(power, change.before.power(change.before.holders[row.id])):
                    raise Refused("whoever invited you may not do that any more: ask for another invitation", "email")
            row.accepted_at = change.now
            row.save()
            member = place(row.tenant_id, row.slug, user.id, row.roles, row.groups, row.member_until, change.now)
        record_joined(user.subject, member, invitation=invitation.id)
    return member


def open_invitations(now: datetime) -> QuerySet[Invitation]:
    """The invitations of the open tenant that can still be accepted."""
    return Invitation.objects.filter(accepted_at=None, withdrawn_at=None, expires_at__gt=now)


def _power_of(change: Changing, inviter: str) -> Power | None:
    """What a person, or the service account of an open key, holds now; None for who is gone."""
    if inviter.startswith("usr_"):
        holder = change.before.member_of(f"user:{inviter}")
    else:
        with ledger_connection() as raw:
            known = raw.execute("SELECT revoked_at FROM ledger.api_keys WHERE key_id = %s", [inviter]).fetchone()
        service = ServiceKey.objects.filter(key_id=inviter).values_list("service_id", flat=True).first()
        holder = change.before.holders.get(service or "") if known is not None and known[0] is None else None
    if holder is None or not holder.active or _is_over(holder.until, change.now):
        return None
    return change.before.power(holder)


def _is_over(until: datetime | None, now: datetime) -> bool:
    return until is not None and until <= now


def _record(by: str, invitation: Invitation, what: str) -> None:
    record(
        "member.invite",
        by=by,
        resource=("invitation", invitation.id),
        labels={"what": what, "until": invitation.member_until and invitation.member_until.isoformat()},
        body={"roles": list(invitation.roles), "groups": list(invitation.groups)},
    )


def _send(invitation: Invitation, tenant: str, link: str) -> None:
    message = EmailMessage(
        subject=f"Invitation to {' '.join(tenant.split())}",
        body=(
            f"You are invited to {tenant} on Muniment.\n\nTo accept, open this address within 7 days:\n\n{link}\n\n"
            "Whoever has this address can accept the invitation: do not pass it on.\n"
            "If you did not expect it, do nothing.\n"
        ),
        to=[invitation.email],
    )
    try:
        message.send()
        delivery = "sent"
    except OSError as error:
        # smtplib's errors are OSErrors. The inviter sees the state beside the invitation and can try again.
        _LOG.warning("an invitation could not be sent: %s", type(error).__name__)
        delivery = "failed"
    with tenant_scope(invitation.tenant_id):
        Invitation.objects.filter(id=invitation.id).update(delivery=delivery)
        record(
            "mail.send",
            by=SERVER,
            outcome="success" if delivery == "sent" else "failure",
            resource=("invitation", invitation.id),
            labels={"kind": "invitation"},
        )
