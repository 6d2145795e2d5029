"""Lets an installation's first administrator look around in its sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from muniment.server.members.provisioning import ADMINISTRATOR
from muniment.server.sample.people import join
from muniment.server.tenants.resolving import find_tenant

if TYPE_CHECKING:
    from muniment.server.accounts.models import User

SLUG: Final = "sample"


def admit_to_sample(user: User) -> bool:
    """Make somebody an administrator of the sample tenant; says whether there is one.

    For whoever sets up the installation. Call it outside of any tenant's scope.

    Args:
        user: an account.
    """
    tenant = find_tenant(SLUG, prefix=f"/t/{SLUG}")
    if tenant is None or not tenant.sample:
        return False
    join(tenant, user, ADMINISTRATOR)
    return True
