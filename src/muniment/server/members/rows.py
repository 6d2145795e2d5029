"""The rows of the open tenant as a `Directory`, and the lock under which they are changed."""

from __future__ import annotations

from datetime import datetime

from muniment.core.errors import Refused
from muniment.server.accounts.models import User
from muniment.server.members.directory import Directory, GroupState, Holder, RoleState
from muniment.server.members.models import Group, Invitation, Membership, Role, ServiceAccount
from muniment.server.tenants.models import TenantProfile


def lock_tenant() -> None:
    """Wait until nobody else changes who may do what in this tenant; held until the transaction ends.

    Raises:
        Refused: outside a tenant's scope.
    """
    # One row for each tenant, so that no two changes can each leave the other's precondition behind.
    if TenantProfile.objects.select_for_update().values_list("tenant_id").first() is None:
        raise Refused("no tenant is set in this transaction", "tenant")


def role_state(row: Role) -> RoleState:
    """A role's row as a value."""
    return RoleState(
        id=row.id,
        code=row.code,
        name=row.name,
        stored=frozenset(row.capabilities),
        builtin=row.builtin,
        recorded_reads=row.recorded_reads,
        time_boxed=row.time_boxed,
        description=row.description,
    )


def group_state(row: Group) -> GroupState:
    """A group's row as a value."""
    return GroupState(row.id, row.name, row.parent_id, frozenset(row.roles))


def read_directory(now: datetime) -> Directory:
    """Everything that decides who may do what in the open tenant.

    Args:
        now: invitations that are over by then are left out.
    """
    members = list(Membership.objects.values_list("id", "user_id", "roles", "groups", "until", "break_glass"))
    off = set(
        User.objects.filter(is_active=False, id__in=[row[1] for row in members]).values_list("id", flat=True)
        if members
        else ()
    )
    holders = [
        Holder(row, "member", f"user:{user}", frozenset(roles), frozenset(groups), until, user not in off, glass)
        for row, user, roles, groups, until, glass in members
    ]
    invitations = Invitation.objects.filter(accepted_at=None, withdrawn_at=None, expires_at__gt=now)
    holders += [
        Holder(row, "invitation", "", frozenset(roles), frozenset(groups), until)
        for row, roles, groups, until in invitations.values_list("id", "roles", "groups", "member_until")
    ]
    services = ServiceAccount.objects.filter(closed_at=None).values_list("id", "roles")
    holders += [Holder(row, "service", "", frozenset(roles)) for row, roles in services]
    return Directory.of(map(role_state, Role.objects.all()), map(group_state, Group.objects.all()), holders)
