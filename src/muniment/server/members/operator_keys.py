"""Keys with a role, made by the installation's operator on its own machine: no Django, no signed-in person."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg import Connection

from muniment.core.errors import Refused
from muniment.core.event import Actor, Resource
from muniment.ledger.apikeys import NewKey, create_api_key
from muniment.ledger.system import ActiveLog, record_system
from muniment.server.tenants.identifiers import new_id


def create_key_with_role(
    connection: Connection[Any], tenant_id: UUID, log: ActiveLog, *, by: str, role: str, label: str
) -> NewKey:
    """Make a read key that may do what a role allows: the key of a new service account, which has that role alone.

    Args:
        connection: as muniment_app, in a transaction whose tenant is set; commit at once, the log is locked.
        tenant_id: of the tenant.
        log: its log.
        by: `system:…`: who submits.
        role: code of one of the tenant's roles, such as `analyst`.
        label: of the key and name of the service account, 1 to 64 characters.

    Raises:
        Refused: naming `role` or `label`.
    """
    label = label.strip()
    if not label or len(label) > 64:
        raise Refused("a service account has a name of at most 64 characters", "label")
    rows = connection.execute("SELECT code, id, time_boxed FROM django.members_role ORDER BY code").fetchall()
    codes = {code: role_id for code, role_id, time_boxed in rows if not time_boxed}
    if role not in codes:
        boxed = any(role == code for code, _, time_boxed in rows if time_boxed)
        why = (
            f"who has the role {role} has it until a day, and a key has no end" if boxed else f"there is no role {role}"
        )
        raise Refused(f"{why}; choose from {', '.join(codes)}", "role")
    if connection.execute("SELECT 1 FROM django.members_service WHERE name = %s", [label]).fetchone():
        raise Refused(f"there is, or was, a service account {label!r}: choose another label", "label")
    service = new_id("svc")
    connection.execute(
        "INSERT INTO django.members_service (id, tenant_id, name, roles, created_at) VALUES (%s, %s, %s, %s, now())",
        [service, tenant_id, label, [codes[role]]],
    )
    record_system(
        connection,
        by=by,
        log=log,
        action="service.change",
        actor=Actor(by, "system"),
        resource=Resource(service, "service"),
        labels=["what=create"],
        body={"name": label, "roles": [codes[role]]},
    )
    key = create_api_key(connection, by=by, log_id=log.log_id, scope="read", label=label)
    connection.execute(
        "INSERT INTO django.members_servicekey (key_id, tenant_id, service_id, created_at) VALUES (%s, %s, %s, now())",
        [key.key_id, tenant_id, service],
    )
    return key
