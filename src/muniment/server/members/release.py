"""Built-in roles follow the release: what a version adds, the roles that are meant for it may do in old tenants too.

Each built-in role remembers which capabilities existed when a release last looked at it. Of those that came since, it
gets the ones that a new tenant's role has. A role that came with a release is given to older tenants once; one that a
tenant deleted does not come back. What a tenant took away or gave itself stays so, and roles of its own making are not
touched. Each change is an entry.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from psycopg import Connection

from muniment.core.event import Actor, Resource
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.system import active_log, record_system
from muniment.ledger.tenants import all_logs
from muniment.server.capabilities import Capability
from muniment.server.members.provisioning import ADMINISTRATOR, BUILTIN, give_role

LOOK_EVERY: Final = 60.0
SUBMITTER: Final = "system:server"
_SPECS: Final = {role.code: role for role in BUILTIN}
_ALL: Final = sorted(str(capability) for capability in Capability)


def added_by_release(code: str, held: Collection[str], known: Collection[str]) -> list[str]:
    """What a built-in role gets from this version, sorted.

    Args:
        code: of the role.
        held: capabilities that it has.
        known: capabilities that existed when a release last looked at it.

    >>> added_by_release("viewer", ["ledger.read"], ["ledger.read"])
    []
    """
    spec = _SPECS.get(code)
    if spec is None:
        return []
    return sorted({str(one) for one in spec.capabilities} - set(known) - set(held))


class RolesFollow:
    """The background job: brings each tenant's built-in roles up to this version, once."""

    def __init__(self) -> None:
        self._done: set[UUID] = set()
        self._said = "built-in roles have what this version gives them"

    def __call__(self, connection: Connection) -> str:
        """Do one round."""
        changed = 0
        for log in all_logs(connection):
            if log.state == "active" and log.tenant_id not in self._done:
                changed += follow_release(connection, log.tenant_id)
                self._done.add(log.tenant_id)
        if changed:
            self._said = f"{changed} built-in roles got what this version adds"
        return self._said


def follow_release(connection: Connection, tenant_id: UUID) -> int:
    """Bring the built-in roles of a tenant up to this version; gives how many got a capability or are new.

    Args:
        connection: as the app role, in autocommit.
        tenant_id: of the tenant.
    """
    with tenant_transaction(connection, tenant_id):
        rows = connection.execute(
            "SELECT id, code, capabilities, known FROM django.members_role "
            "WHERE builtin AND NOT known @> %s::varchar[] ORDER BY id FOR UPDATE",
            [_ALL],
        ).fetchall()
        # The administrator's role is never deleted: it remembers what the tenant's last release knew.
        knew = next((row[3] for row in rows if row[1] == ADMINISTRATOR), _ALL)
        changed = [_follow(connection, *row) for row in rows]
        told = [one for one in changed if one is not None]
        new = [role for role in BUILTIN if role.came_with is not None and role.came_with not in knew]
        for role in new:
            role_id = give_role(connection, tenant_id, role)
            if role_id is not None:
                told.append((role_id, role.code, [], sorted(map(str, role.capabilities))))
        for role_id, code, before, after in told:
            record_system(
                connection,
                by=SUBMITTER,
                log=active_log(connection),
                action="role.change",
                actor=Actor(SUBMITTER, "system"),
                resource=Resource(role_id, "role"),
                labels=["what=release", f"code={code}"],
                body={"before": {"capabilities": before}, "after": {"capabilities": after}},
            )
    return len(told)


def _follow(
    connection: Connection, role_id: str, code: str, held: Sequence[str], known: Sequence[str]
) -> tuple[str, str, list[str], list[str]] | None:
    added = added_by_release(code, held, known)
    after = sorted({*held, *added})
    connection.execute(
        "UPDATE django.members_role SET capabilities = %s, known = %s WHERE id = %s",
        [after, sorted({*known, *_ALL}), role_id],
    )
    return (role_id, code, sorted(held), after) if added else None
