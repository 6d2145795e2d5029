"""Service accounts and the API keys that belong to them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from django.db import transaction

from muniment.core.errors import Refused
from muniment.ledger.apikeys import NewKey, Scope, create_api_key, revoke_api_key
from muniment.ledger.system import active_log
from muniment.server.access.standing import Standing
from muniment.server.capabilities import OF_SCOPE, Capability
from muniment.server.members.directory import Power
from muniment.server.members.models import ServiceAccount, ServiceKey
from muniment.server.members.services.change import changing
from muniment.server.members.workflow import NoSuch, may_make_key
from muniment.server.recording import SERVER, record
from muniment.server.tenants.scope import ledger_connection

MOST_SERVICES: Final = 500


@transaction.atomic
def create_service(standing: Standing, *, name: str, roles: Collection[str]) -> ServiceAccount:
    """Make a service account.

    Args:
        standing: whose; needs `key.manage` and everything that the roles allow.
        name: unique in the tenant, at most 64 characters.
        roles: ids of its roles.

    Raises:
        NoSuch: if the tenant has no such role.
        Refused: if the name is taken or a rule of `workflow` is broken.
    """
    with changing(standing, needs=Capability.KEY_MANAGE):
        _check_name(name, "")
        if ServiceAccount.objects.count() >= MOST_SERVICES:
            raise Refused(f"a tenant has at most {MOST_SERVICES} service accounts", "name")
        service = ServiceAccount.objects.create(
            tenant_id=standing.tenant_id, name=name.strip(), roles=sorted(set(roles))
        )
    _record(standing.subject, service, "create")
    return service


@transaction.atomic
def change_service(standing: Standing, service_id: str, *, name: str, roles: Collection[str]) -> ServiceAccount:
    """Give a service account this name and these roles; it works at once for its keys.

    Raises:
        NoSuch: if the tenant has no such service account or role.
        Refused: if a rule of `workflow` is broken.
    """
    with changing(standing, needs=Capability.KEY_MANAGE):
        service = service_row(service_id)
        _check_name(name, service.id)
        service.name, service.roles = name.strip(), sorted(set(roles))
        service.save()
    _record(standing.subject, service, "change")
    return service


@transaction.atomic
def close_service(standing: Standing, service_id: str) -> None:
    """Close a service account for good, and revoke its keys.

    Raises:
        NoSuch: if the tenant has no such open service account.
        Refused: if a rule of `workflow` is broken.
    """
    with changing(standing, needs=Capability.KEY_MANAGE) as change:
        service = service_row(service_id)
        service.closed_at = change.now
        service.save()
    keys = ServiceKey.objects.filter(service_id=service.id).order_by("key_id").values_list("key_id", flat=True)
    revoked = [key for key in keys if _revoke(standing, key) is not None]
    _record(standing.subject, service, "close", keys=len(revoked))


@transaction.atomic
def create_key(standing: Standing, *, label: str, scope: Scope, service_id: str | None = None) -> NewKey:
    """Make an API key of the tenant's log. Its token is in the answer and nowhere else.

    Args:
        standing: whose; needs `key.manage`, and for a key that reads everything that the key may do.
        label: for people, 1 to 64 characters.
        scope: `append` or `read`; a key does one of them, never both.
        service_id: the service account whose roles say what a `read` key may do; without one it may read the ledger.

    Raises:
        NoSuch: if the tenant has no such open service account.
        Refused: if the key would get more than its maker has.
    """
    label = label.strip()
    if not label or len(label) > 64:
        raise Refused("a key has a label of at most 64 characters", "label")
    if scope not in OF_SCOPE:
        raise Refused("a key's scope is append or read", "scope")
    with changing(standing, needs=Capability.KEY_MANAGE) as change:
        service = None if service_id is None else service_row(service_id)
        power = Power(OF_SCOPE[scope])
        if service is not None and scope == "read":
            power = change.before.power(change.before.holders[service.id])
        may_make_key(change.actor, scope, power)
        with ledger_connection() as raw:
            key = create_api_key(raw, by=_submitter(standing), log_id=active_log(raw).log_id, scope=scope, label=label)
        if service is not None:
            ServiceKey.objects.create(key_id=key.key_id, tenant_id=standing.tenant_id, service_id=service.id)
    return key


@transaction.atomic
def revoke_key(standing: Standing, key_id: str) -> None:
    """Revoke an API key for good; once more changes nothing.

    Raises:
        NoSuch: if the tenant's log has no such key.
        Refused: without `key.manage`.
    """
    with changing(standing, needs=Capability.KEY_MANAGE):
        _revoke(standing, key_id)


def service_row(service_id: str) -> ServiceAccount:
    """The row of an open service account of the open tenant.

    Raises:
        NoSuch: if there is none.
    """
    row = ServiceAccount.objects.filter(id=service_id, closed_at=None).first()
    if row is None:
        raise NoSuch("there is no such service account", "service")
    return row


def _check_name(name: str, own_id: str) -> None:
    if not name.strip() or len(name) > 64:
        raise Refused("a service account has a name of at most 64 characters", "name")
    if ServiceAccount.objects.filter(name=name.strip()).exclude(id=own_id).exists():
        raise Refused("another service account has this name, or had it", "name")


def _submitter(standing: Standing) -> str:
    return standing.subject if standing.subject.startswith("user:") else SERVER


def _revoke(standing: Standing, key_id: str) -> int | None:
    with ledger_connection() as raw:
        log = active_log(raw)
        known = raw.execute(
            "SELECT FROM ledger.api_keys WHERE log_id = %s AND key_id = %s", [log.log_id, key_id]
        ).fetchone()
        if known is None:
            raise NoSuch("there is no such key", "key")
        return revoke_api_key(raw, by=_submitter(standing), log_id=log.log_id, key_id=key_id)


def _record(by: str, service: ServiceAccount, what: str, **labels: object) -> None:
    record(
        "service.change",
        by=by,
        resource=("service", service.id),
        labels={"what": what, **labels},
        body={"name": service.name, "roles": list(service.roles)},
    )
