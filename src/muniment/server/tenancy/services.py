"""Use cases of a tenant's settings, host names and workspaces. Each runs in an open `tenant_scope`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from django.conf import settings as server
from django.db import IntegrityError, transaction

from muniment.core.errors import Refused
from muniment.ledger.system import active_log
from muniment.ledger.tenants import set_public_verify
from muniment.server.access.standing import Standing
from muniment.server.recording import SERVER, record
from muniment.server.tenancy.workflow import (
    MOST_HOSTS,
    MOST_WORKSPACES,
    Settings,
    checked,
    checked_host,
    checked_workspace,
)
from muniment.server.tenants.models import TenantHost, TenantProfile, Workspace
from muniment.server.tenants.scope import ledger_connection

# Where to write to may be a person's address: that it changed is recorded, not what it is.
_UNSAID: Final = frozenset({"security_contact"})


def read_settings(*, lock: bool = False) -> Settings:
    """The settings of the open tenant.

    Args:
        lock: nobody else changes them until the transaction ends.
    """
    rows = TenantProfile.objects.select_for_update() if lock else TenantProfile.objects.all()
    row = rows.first()
    if row is None:
        return Settings()
    return Settings(
        row.security_contact,
        row.security_policy_url,
        row.step_up_seconds,
        row.session_hours,
        row.mfa_from_first_login,
    )


@transaction.atomic
def change_settings(standing: Standing, wanted: Settings) -> Settings:
    """Set all settings of the tenant.

    Args:
        standing: whose; needs `tenant.manage`.
        wanted: what they shall be.

    Raises:
        Refused: naming the field that is out of its bounds.
    """
    wanted = checked(wanted)
    before, after = asdict(read_settings(lock=True)), asdict(wanted)
    changed = sorted(name for name in after if after[name] != before[name])
    if changed:
        TenantProfile.objects.filter(tenant_id=standing.tenant_id).update(**after)
        said = [name for name in changed if name not in _UNSAID]
        record(
            "tenant.settings",
            by=standing.subject,
            resource=("tenant", str(standing.tenant_id)),
            labels={"changed": ",".join(changed)},
            body={"before": {name: before[name] for name in said}, "after": {name: after[name] for name in said}},
        )
    return wanted


def is_verification_public() -> bool:
    """Whether anyone may ask for the result of the tenant's audit walk."""
    with ledger_connection() as raw:
        row = raw.execute("SELECT public_verify FROM ledger.tenants").fetchone()
    return row is not None and bool(row[0])


@transaction.atomic
def publish_verification(standing: Standing, *, public: bool) -> int:
    """Let anyone ask for the result of the audit walk, or nobody without a key; the ledger records it.

    Returns:
        The place of the entry that tells so.
    """
    with ledger_connection() as raw:
        by = standing.subject if standing.subject.startswith("user:") else SERVER
        return set_public_verify(raw, by=by, log_id=active_log(raw).log_id, public=public)


def regions() -> list[str]:
    """The regions in which the tenant has an active log; a workspace is pinned to one of them."""
    with ledger_connection() as raw:
        rows = raw.execute("SELECT DISTINCT region FROM ledger.logs WHERE state = 'active' ORDER BY region").fetchall()
    return [str(region) for (region,) in rows]


@transaction.atomic
def create_workspace(standing: Standing, *, name: str, region: str) -> Workspace:
    """Make a workspace. Name and region stay as they are: events carry the one, the other says where they are kept.

    Args:
        standing: whose; needs `tenant.manage`.
        name: as events carry it, unique in the tenant.
        region: one of `regions()`.

    Raises:
        Refused: naming the field.
    """
    read_settings(lock=True)
    name = checked_workspace(name)
    if region not in regions():
        raise Refused("the tenant has no log in this region", "region")
    if Workspace.objects.filter(name=name).exists():
        raise Refused("another workspace has this name", "name")
    if Workspace.objects.count() >= MOST_WORKSPACES:
        raise Refused(f"a tenant has at most {MOST_WORKSPACES} workspaces", "name")
    workspace = Workspace.objects.create(tenant_id=standing.tenant_id, name=name, region=region)
    record(
        "workspace.change",
        by=standing.subject,
        resource=("workspace", workspace.id),
        workspace=name,
        labels={"what": "create", "region": region},
    )
    return workspace


@transaction.atomic
def add_host(standing: Standing, slug: str, *, host: str) -> TenantHost:
    """Give the tenant a host name of its own. The operator must let the server answer to it (`MUNIMENT_HOSTS`).

    Raises:
        Refused: if it is no host name, the installation's, or taken.
    """
    read_settings(lock=True)
    host = checked_host(host, server.PLAIN_HOSTS, tuple(server.TENANT_BASE_DOMAINS))
    if TenantHost.objects.count() >= MOST_HOSTS:
        raise Refused(f"a tenant has at most {MOST_HOSTS} host names", "host")
    try:
        with transaction.atomic():
            row = TenantHost.objects.create(tenant_id=standing.tenant_id, slug=slug, host=host)
    except IntegrityError:
        raise Refused("this host name is taken", "host") from None
    _record_hosts(standing, row, "add-host")
    return row


@transaction.atomic
def remove_host(standing: Standing, host_id: str) -> bool:
    """Take a host name back; False if the tenant has no such one."""
    row = TenantHost.objects.filter(id=host_id).first()
    if row is None:
        return False
    TenantHost.objects.filter(id=host_id).delete()
    _record_hosts(standing, row, "remove-host")
    return True


def _record_hosts(standing: Standing, row: TenantHost, what: str) -> None:
    record(
        "tenant.settings",
        by=standing.subject,
        resource=("tenant", str(standing.tenant_id)),
        labels={"changed": "hosts", "what": what, "host": row.host},
    )
