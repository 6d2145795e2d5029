"""The one way by which the web application writes the ledger: in the transaction of what it records.

`record` belongs at the end of a service function, inside `tenant_scope`: decision and entry commit together or not
at all.
`record_apart` is for refusals and failures, whose own transaction was or will be rolled back, and for what happens
before a tenant is known: it stands in a transaction of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db import connection

from muniment.core.errors import Refused
from muniment.core.event import Actor, Resource
from muniment.ledger.system import active_log, record_system
from muniment.ledger.tenants import tenant_by_slug
from muniment.server.given_reason import reason_for
from muniment.server.tenants.identifiers import INSTALLATION_SLUG
from muniment.server.tenants.scope import ledger_connection, tenant_scope

if TYPE_CHECKING:
    from muniment.ledger.receipt import Receipt

# Not the name under which the ledger and its upkeep record: what people and keys do is sealed at once.
SERVER: Final = "system:server"


def record(
    action: str,
    *,
    by: str,
    resource: tuple[str, str] | None = None,
    outcome: str = "success",
    labels: Mapping[str, object] | None = None,
    causes: Sequence[str] = (),
    workspace: str | None = None,
    body: Mapping[str, object] | None = None,
) -> Receipt:
    """Record an event of the server in the open `tenant_scope`; call it last.

    Args:
        action: from the registry, emitted by `server`.
        by: who did it: `user:usr_…`, `key:ak_…`, or `system:…`.
        resource: (type, id) of what it was done to.
        outcome: success, failure, denied or unknown.
        labels: short facts; None and "" are left out. No personal data: they stand in the entry for good.
        causes: `<source>/<event id>`.
        workspace: where it happened.
        body: what is longer, and what only readers of bodies see; committed to by the entry, and never erased.

    Raises:
        Refused: outside a `tenant_scope`, or if the ledger refuses.
        Malformed: if the event breaks the format.
        ReasonNeededError: for a change that the tenant wants a reason for, where the request gives none.
    """
    if not connection.in_atomic_block:
        raise Refused("an event is recorded inside the transaction that it tells of", action)
    kind = by.partition(":")[0]
    if outcome == "success" and kind in ("user", "key") and not str((body or {}).get("reason") or "").strip():
        reason = reason_for(action)
        body = body if reason is None else {**(body or {}), "reason": reason}
    with ledger_connection() as raw:
        return record_system(
            raw,
            # A key's own requests are submitted by the server that authenticated it; the actor says which key it was.
            by=by if kind in ("user", "system") else SERVER,
            log=active_log(raw),
            action=action,
            actor=Actor(by, {"user": "user", "key": "service"}.get(kind, "system")),
            outcome=outcome,
            resource=None if resource is None else Resource(resource[1], resource[0]),
            labels=[f"{name}={value}" for name, value in (labels or {}).items() if value not in (None, "")],
            causes=causes,
            workspace=workspace,
            body=body,
        )


def record_apart(
    tenant_id: UUID | None,
    action: str,
    *,
    by: str,
    resource: tuple[str, str] | None = None,
    outcome: str = "success",
    labels: Mapping[str, object] | None = None,
    body: Mapping[str, object] | None = None,
) -> Receipt:
    """Record an event in a transaction of its own.

    Args:
        tenant_id: whose log; None for the installation's own.
        action: as for `record`, and so the rest.

    Raises:
        Refused: inside an open transaction, whose rollback would take the entry along.
    """
    if connection.in_atomic_block:
        raise Refused("a transaction is open; what is recorded apart must outlive it", action)
    with tenant_scope(tenant_id or installation_tenant()):
        return record(action, by=by, resource=resource, outcome=outcome, labels=labels, body=body)


def installation_tenant() -> UUID:
    """The tenant whose log holds what happens before any other is known.

    Raises:
        Refused: if the installation was set up without it (`muniment up` makes it).
    """
    with ledger_connection() as raw:
        row = tenant_by_slug(raw, INSTALLATION_SLUG)
    if row is None:
        raise Refused("the installation's own log is missing: start it with `muniment up`", INSTALLATION_SLUG)
    return row.tenant_id
