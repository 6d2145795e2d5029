"""People's names. The ledger holds random ids; a name is looked up when it is shown, and only of present members."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from muniment.server.accounts.models import User
from muniment.server.members.models import Membership


def names_of(tenant_id: UUID, actors: Collection[str]) -> dict[str, str]:
    """The names of the actors (`user:usr_…`) who are members of a tenant and have one.

    Args:
        tenant_id: whose `tenant_scope` is open.
        actors: ids as the ledger has them.
    """
    ids = {actor.removeprefix("user:") for actor in actors}
    if not ids:
        return {}
    members = Membership.objects.filter(tenant_id=tenant_id, user_id__in=ids).values_list("user_id", flat=True)
    people = User.objects.filter(id__in=list(members)).exclude(name="").values_list("id", "name")
    return {f"user:{user_id}": name for user_id, name in people}
