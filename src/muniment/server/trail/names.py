"""Names of what the trail speaks of, looked up in the open tenant: the ledger itself holds ids alone."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from muniment.ledger.registry import api_keys
from muniment.server.access.standing import Standing
from muniment.server.accounts.models import User
from muniment.server.members.models import Group, Membership, Role, ServiceAccount

if TYPE_CHECKING:
    from psycopg import Connection


def names_for(connection: Connection[Any], standing: Standing, ids: Collection[str]) -> dict[str, str]:
    """Names by id: members, roles, groups, service accounts and keys of the tenant; what is gone has none.

    Args:
        connection: in a transaction of the tenant, whose `tenant_scope` is open.
        standing: whose tenant.
        ids: as the ledger has them; people as `user:usr_…`.
    """
    found: dict[str, str] = {}
    people = {one.removeprefix("user:") for one in ids if one.startswith("user:usr_")}
    if people:
        members = Membership.objects.filter(user_id__in=people).values_list("user_id", flat=True)
        rows = User.objects.filter(id__in=list(members)).values_list("id", "name", "email")
        found |= {f"user:{user}": name or email for user, name, email in rows}
    for model in (Role, Group, ServiceAccount):
        found |= dict(model.objects.filter(id__in=list(ids)).values_list("id", "name"))
    wanted = {one for one in ids if one.removeprefix("key:").startswith("ak_")}
    if wanted:
        for key in api_keys(connection, standing.tenant_id, standing.log_id):
            if {key.key_id, f"key:{key.key_id}"} & wanted:
                found |= {key.key_id: key.label, f"key:{key.key_id}": key.label}
    members_by_row = {one for one in ids if one.startswith("mem_")}
    if members_by_row:
        of_row = dict(Membership.objects.filter(id__in=members_by_row).values_list("id", "user_id"))
        named = {
            user: name or email
            for user, name, email in User.objects.filter(id__in=set(of_row.values())).values_list("id", "name", "email")
        }
        found |= {row: named[user] for row, user in of_row.items() if user in named}
    return found
