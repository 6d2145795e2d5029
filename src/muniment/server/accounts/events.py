"""What becomes of people's accounts, in the ledger: the installation's log, and the tenant's log when it is named.

Who did it is the person's random id. An attempt under an address that nobody has is by `system:visitor`: the address
itself is recorded nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from django.db import DatabaseError, connection
from django.http import HttpRequest

from muniment.server.access.standing import resolver
from muniment.server.accounts.models import User
from muniment.server.recording import installation_tenant, record, record_apart
from muniment.server.tenants.middleware import tenant_of
from muniment.server.tenants.resolving import RequestTenant
from muniment.server.tenants.scope import tenant_scope

UNKNOWN: Final = "system:visitor"


def record_account(
    request: HttpRequest | None,
    action: str,
    user: User | None,
    *,
    outcome: str = "success",
    resource: tuple[str, str] | None = None,
    labels: Mapping[str, object] | None = None,
    by: str | None = None,
) -> None:
    """Record something about a person's account, in transactions of their own.

    Args:
        request: during which it happened; its tenant's log is told too if the person is a member there.
        action: `user.login`, `mfa.verify`, …
        user: the person; None if nobody is known by what was given.
        outcome: success, failure or denied.
        resource: (type, id); the account, if left out.
        labels: how and why; no personal data.
        by: who did it, if not the person.

    Raises:
        Refused: if the ledger does not take it; what it tells of must then not happen.
    """
    actor = by or (user.subject if user else UNKNOWN)
    about = resource or (("user", user.pk) if user else None)
    record_apart(None, action, by=actor, resource=about, outcome=outcome, labels=labels)
    tenant = tenant_of(request) if request is not None else None
    if tenant is not None and user is not None and _is_member(user, tenant):
        record_apart(tenant.tenant_id, action, by=actor, resource=about, outcome=outcome, labels=labels)


@contextmanager
def recorded_change(
    request: HttpRequest | None,
    action: str,
    user: User,
    *,
    resource: tuple[str, str] | None = None,
    by: str | None = None,
) -> Iterator[dict[str, object]]:
    """Run the block and record it in one transaction of the installation's log; then in the tenant's log, as above.

    Yields:
        The labels, to be filled in.

    Raises:
        Refused: if the ledger does not take it; nothing of the block stays.
    """
    labels: dict[str, object] = {}
    actor, about = by or user.subject, resource or ("user", user.pk)
    with tenant_scope(installation_tenant()):
        yield labels
        record(action, by=actor, resource=about, labels=labels)
    tenant = tenant_of(request) if request is not None else None
    if tenant is not None and _is_member(user, tenant):
        record_apart(tenant.tenant_id, action, by=actor, resource=about, labels=labels)


def _is_member(user: User, tenant: RequestTenant) -> bool:
    if connection.in_atomic_block:
        raise DatabaseError("an account's event is recorded outside every transaction")
    with tenant_scope(tenant.tenant_id):
        return resolver().of_user(user.pk, tenant.tenant_id) is not None
