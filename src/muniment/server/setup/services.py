"""The first administrator: an account, and membership in the installation's tenant, the first one and the sample."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import connection, transaction

from muniment.core.errors import Refused
from muniment.ledger.tenants import tenant_by_slug
from muniment.server.accounts.models import User
from muniment.server.members.models import Membership, Role
from muniment.server.members.provisioning import ADMINISTRATOR
from muniment.server.recording import record
from muniment.server.sample.visiting import admit_to_sample
from muniment.server.setup import tokens
from muniment.server.tenants.identifiers import INSTALLATION_SLUG
from muniment.server.tenants.scope import ledger_connection, tenant_scope

FIRST_SLUG: Final = "default"
# "setup" as a number: of two who use the link at once, one is refused.
_ADVISORY_LOCK: Final = 0x7365747570


def link_is_good(token: str) -> bool:
    """Whether a setup link works: its token is the one in the home, and nobody has used it."""
    if not tokens.token_matches(settings.PLACES, token):
        return False
    with ledger_connection() as raw:
        return not tokens.is_set_up(raw)


def make_administrator(user: User, password: str, token: str) -> None:
    """Make the first account, all or nothing, and put the link out of use.

    Args:
        user: not saved yet, with address and name.
        password: judged already.
        token: of the link.

    Raises:
        Refused: if the link was used meanwhile, or somebody has the address.
    """
    user.email = user.email.strip().lower()
    # The sign-in that follows is the second: from the first page on, nothing opens without a second factor.
    user.sign_ins = 1
    user.set_password(password)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ADVISORY_LOCK])
        if not link_is_good(token):
            raise Refused("the link was used already: sign in", "token")
        if User.objects.filter(email=user.email).exists():
            raise Refused("somebody has this address already", "email")
        user.save(force_insert=True)
        # Who opened the link read it off this machine: that person's word for the address is taken.
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        for slug in (INSTALLATION_SLUG, FIRST_SLUG):
            _join(user, slug)
    tokens.forget_token(settings.PLACES)
    admit_to_sample(user)


def has_first_tenant() -> bool:
    """Whether the tenant `default` is there to go to."""
    return _tenant(FIRST_SLUG) is not None


def _join(user: User, slug: str) -> None:
    tenant_id = _tenant(slug)
    if tenant_id is None:
        return
    with tenant_scope(tenant_id):
        role = Role.objects.get(tenant_id=tenant_id, code=ADMINISTRATOR)
        member = Membership.objects.create(tenant_id=tenant_id, slug=slug, user_id=user.pk, roles=[role.id], groups=[])
        if slug == INSTALLATION_SLUG:
            record("user.create", by=user.subject, resource=("user", user.pk), labels={"how": "setup"})
        record(
            "member.join",
            by=user.subject,
            resource=("member", member.id),
            labels={"user": user.pk, "how": "setup"},
            body={"roles": [ADMINISTRATOR]},
        )
    with connection.cursor() as cursor:
        # Both tenants in one transaction, one after the other: that is this use case's alone.
        cursor.execute("SELECT set_config('muniment.tenant', '', true)")


def _tenant(slug: str) -> UUID | None:
    with ledger_connection() as raw:
        row = tenant_by_slug(raw, slug)
    return None if row is None else row.tenant_id
