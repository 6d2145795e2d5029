"""What the tenants of a person ask of everybody: how long a session may last, and when the second factor is due."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import connection

from muniment.server.accounts.models import User
from muniment.server.tenants.models import TenantProfile
from muniment.server.tenants.scope import lookup_scope, tenant_scope

_DEFAULT_HOURS: Final = 12


@dataclass(frozen=True, slots=True)
class Policy:
    """The strictest of what a person's tenants ask for.

    Attributes:
        session_hours: from signing in to the end of the session.
        mfa_from_first_login: whether the second factor is due at once.
    """

    session_hours: int
    mfa_from_first_login: bool


def policy_of(user: User) -> Policy:
    """The policy that a person is under; outside every tenant's scope."""
    with lookup_scope("muniment.user", user.pk), connection.cursor() as cursor:
        cursor.execute("SELECT tenant_id FROM members_membership WHERE user_id = %s", [user.pk])
        tenants = [row[0] for row in cursor.fetchall()]
    hours, at_once = _DEFAULT_HOURS, False
    for tenant_id in tenants:
        with tenant_scope(tenant_id):
            profile = TenantProfile.objects.filter(tenant_id=tenant_id).first()
        if profile is not None:
            hours = min(hours, profile.session_hours)
            at_once = at_once or profile.mfa_from_first_login
    return Policy(hours, at_once)


def second_factor_is_due(user: User) -> bool:
    """Whether somebody without a second factor has to add one before anything else."""
    return user.sign_ins >= 2 or policy_of(user).mfa_from_first_login
