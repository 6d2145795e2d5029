"""API keys and service accounts as they are listed: what each may do, when it was last heard; never a secret."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from muniment.ledger.registry import ApiKey, api_keys
from muniment.ledger.source_activity import SourceActivity, sources_of_log
from muniment.server.access.standing import Standing
from muniment.server.capabilities import OF_SCOPE, Capability
from muniment.server.members.models import ServiceAccount, ServiceKey
from muniment.server.members.services import last_used
from muniment.server.members.standing import capabilities_of, roles_of

if TYPE_CHECKING:
    from psycopg import Connection


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as listed.

    Attributes:
        key: without its secret.
        service: the service account that it belongs to, or None.
        capabilities: what it may do now.
        sources: how many sources belong to it.
        used_at: its newest entry, or the hour in which it last asked the API; None for never.
    """

    key: ApiKey
    service: ServiceAccount | None
    capabilities: tuple[Capability, ...]
    sources: int
    used_at: datetime | None

    @property
    def closed(self) -> bool:
        """It opens nothing any more."""
        return self.key.revoked_at is not None or (self.service is not None and self.service.closed_at is not None)


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A service account as listed, with the names of its roles and how many open keys it has."""

    service: ServiceAccount
    roles: tuple[str, ...]
    keys: int


def key_rows(connection: Connection[Any], standing: Standing) -> list[KeyRow]:
    """The keys of a standing's log, newest first, revoked ones last.

    Args:
        connection: in a transaction of the tenant; its `tenant_scope` must be open too.
        standing: whose log.
    """
    keys = api_keys(connection, standing.tenant_id, standing.log_id)
    sources = sources_of_log(connection, standing.log_id)
    owners = dict(ServiceKey.objects.values_list("key_id", "service_id"))
    services = {row.id: row for row in ServiceAccount.objects.all()}
    allowed = {row.id: capabilities_of(roles_of(row.roles)) - {Capability.LEDGER_APPEND} for row in services.values()}
    hours = last_used([key.key_id for key in keys])
    rows = []
    for key in keys:
        service = services.get(owners.get(key.key_id, ""))
        own = [source for source in sources if source.key_id == key.key_id]
        capabilities = allowed[service.id] if service is not None and key.scope == "read" else OF_SCOPE[key.scope]
        rows.append(KeyRow(key, service, tuple(sorted(capabilities)), len(own), _used(own, hours.get(key.key_id))))
    return sorted(rows, key=lambda row: (row.closed, -row.key.created_at.timestamp()))


def service_rows(keys: Iterable[KeyRow]) -> list[ServiceRow]:
    """The open service accounts of the open scope, by name."""
    count: dict[str, int] = {}
    for row in keys:
        if row.service is not None and row.key.revoked_at is None:
            count[row.service.id] = count.get(row.service.id, 0) + 1
    return [
        ServiceRow(row, tuple(sorted(role.name for role in roles_of(row.roles))), count.get(row.id, 0))
        for row in ServiceAccount.objects.filter(closed_at=None).order_by("name")
    ]


def _used(sources: Iterable[SourceActivity], hour: int | None) -> datetime | None:
    times = [source.last_at for source in sources if source.last_at is not None]
    if hour is not None:
        times.append(datetime.fromtimestamp(hour * 3600, UTC))
    return max(times, default=None)
