"""Use cases of membership, the only writers of its tables; each runs in an open `tenant_scope` unless it says so."""

from muniment.server.members.keyuse import last_used, note_key_use
from muniment.server.members.services.groups import (
    change_group,
    create_group,
    delete_group,
    group_row,
    put_in_group,
    take_from_group,
)
from muniment.server.members.services.invitations import (
    Offer,
    accept,
    find_invitation,
    invite,
    mail_is_configured,
    open_invitations,
    withdraw,
)
from muniment.server.members.services.machines import (
    change_service,
    close_service,
    create_key,
    create_service,
    revoke_key,
    service_row,
)
from muniment.server.members.services.memberships import (
    Belonging,
    admit,
    change_member,
    member_row,
    memberships_of,
    remove_member,
    tenants_of,
)
from muniment.server.members.services.roles import change_role, create_role, delete_role, role_row

__all__ = [
    "Belonging",
    "Offer",
    "accept",
    "admit",
    "change_group",
    "change_member",
    "change_role",
    "change_service",
    "close_service",
    "create_group",
    "create_key",
    "create_role",
    "create_service",
    "delete_group",
    "delete_role",
    "find_invitation",
    "group_row",
    "invite",
    "last_used",
    "mail_is_configured",
    "member_row",
    "memberships_of",
    "note_key_use",
    "open_invitations",
    "put_in_group",
    "remove_member",
    "revoke_key",
    "role_row",
    "service_row",
    "take_from_group",
    "tenants_of",
    "withdraw",
]
