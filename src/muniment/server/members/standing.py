"""What somebody's roles add up to."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.utils import timezone

from muniment.ledger.system import active_log
from muniment.server.access.standing import Standing
from muniment.server.capabilities import OF_SCOPE, Capability
from muniment.server.members.directory import EVERYTHING
from muniment.server.members.keyuse import note_key_use
from muniment.server.members.models import Group, Membership, Role, ServiceAccount, ServiceKey
from muniment.server.members.provisioning import ADMINISTRATOR
from muniment.server.tenants.scope import ledger_connection

_KNOWN = frozenset(Capability)


class RowResolver:
    """Reads standings from the rows of the tenant whose scope is open."""

    def of_user(self, user_id: str, tenant_id: UUID) -> Standing | None:
        """The standing of a person; None if they are no member, or their time is over."""
        member = Membership.objects.filter(tenant_id=tenant_id, user_id=user_id).first()
        if member is None or (member.until is not None and member.until <= timezone.now()):
            return None
        roles = roles_of([*member.roles, *roles_of_groups(member.groups)])
        with ledger_connection() as raw:
            log = active_log(raw)
        return Standing(
            f"user:{user_id}",
            tenant_id,
            log.log_id,
            log.origin,
            capabilities_of(roles) - {Capability.LEDGER_APPEND},
            recorded_reads=any(role.recorded_reads for role in roles),
            until=member.until,
        )

    def of_key(self, key_id: str, tenant_id: UUID, scope: str, log_id: int, origin: str) -> Standing | None:
        """The standing of an API key; None if its service account was closed."""
        allowed = OF_SCOPE[scope]
        recorded = False
        row = ServiceKey.objects.filter(tenant_id=tenant_id, key_id=key_id).first()
        if row is not None:
            service = ServiceAccount.objects.filter(tenant_id=tenant_id, id=row.service_id).first()
            if service is None or service.closed_at is not None:
                return None
            roles = roles_of(service.roles)
            # A key appends, or does what its service account's roles allow, never both: an agent's key opens nothing.
            allowed = capabilities_of(roles) - {Capability.LEDGER_APPEND} if scope == "read" else allowed
            recorded = any(role.recorded_reads for role in roles)
        return Standing(
            f"key:{key_id}",
            tenant_id,
            log_id,
            origin,
            allowed,
            recorded_reads=recorded,
            own_only=key_id if scope == "append" else None,
        )

    def note_key_use(self, standing: Standing) -> None:
        """Record that a key is in use, if this was not done within the hour."""
        note_key_use(standing)


def roles_of(ids: Iterable[str]) -> list[Role]:
    """The roles with these ids in the open scope; ids that are not there give nothing."""
    return list(Role.objects.filter(id__in=set(ids)))


def roles_of_groups(ids: Iterable[str]) -> set[str]:
    """Ids of the roles that groups give, those of the groups they are part of included."""
    groups = {group.id: group for group in Group.objects.all()} if ids else {}
    found: set[str] = set()
    seen: set[str] = set()
    waiting = [group for group in ids if group in groups]
    while waiting:
        group = groups[waiting.pop()]
        if group.id in seen:
            continue
        seen.add(group.id)
        found.update(group.roles)
        if group.parent_id in groups:
            waiting.append(group.parent_id)
    return found


def capabilities_of(roles: Iterable[Role]) -> frozenset[Capability]:
    """What roles allow together; codes that this version does not know allow nothing."""
    allowed: set[Capability] = set()
    for role in roles:
        if role.builtin and role.code == ADMINISTRATOR:
            allowed |= EVERYTHING
        allowed.update(Capability(code) for code in role.capabilities if code in _KNOWN)
    return frozenset(allowed)
