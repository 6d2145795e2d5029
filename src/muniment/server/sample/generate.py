"""Makes the sample tenant in a running installation."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx

from muniment.core.errors import Refused
from muniment.ledger.registry import TenantLog, tenant_logs
from muniment.ledger.tenants import tenant_by_slug
from muniment.server.installation_tenants import create_tenant_with_log
from muniment.server.runtime import Places
from muniment.server.sample.day import company, tell_day
from muniment.server.sample.examined import examine, make_controls
from muniment.server.sample.numbering import Line
from muniment.server.sample.people import make_groups, make_keys, make_people, make_workspaces, standing_of
from muniment.server.sample.submitting import submit
from muniment.server.sample.visiting import SLUG
from muniment.server.tenants.resolving import RequestTenant, find_tenant

if TYPE_CHECKING:
    from psycopg import Connection

    from muniment.server.sample.happening import Happening

# A told sample is several times as large; a log shorter than this was left behind by a telling that was cut off.
_TOLD: Final = 300
_ENDS_BEFORE_NOW: Final = 20.0
_PATIENCE: Final = 15.0
_WINDOW: Final = 40


@dataclass(frozen=True, slots=True)
class Sample:
    """What was made.

    Attributes:
        tenant: the sample.
        recorded: how many events were recorded now; 0 if it was there already.
        size: entries of its log.
        sealed: of these, how many a checkpoint covers.
        walked: whether an audit walk has checked the whole log.
    """

    tenant: RequestTenant
    recorded: int
    size: int
    sealed: int
    walked: bool


def make_sample(connection: Connection[Any], places: Places, url: str) -> Sample:
    """Make the sample tenant and tell its day; one that is there stays as it is.

    Args:
        connection: as muniment_app, in autocommit; Django is set up for the same database.
        places: of the installation.
        url: of the running server.

    Raises:
        Refused: if a tenant of that name is no sample, the root key is not here to sign the new log's keys note, or
            the server does not take the events.
    """
    if tenant_by_slug(connection, SLUG) is None:
        create_tenant_with_log(connection, places, slug=SLUG, name=company()["name"], sample=True)
    tenant = find_tenant(SLUG, prefix=f"/t/{SLUG}")
    if tenant is None or not tenant.sample:
        raise Refused(f"the tenant {SLUG} is not a sample; nothing is added to it", SLUG)
    log = _log(connection)
    if log.log.size >= _TOLD:
        return Sample(tenant, 0, log.log.size, log.log.sealed, log.walk_ok is True)
    recorded, auditor = _tell(tenant, url)
    deadline = time.monotonic() + _PATIENCE
    log = _sealed(connection, deadline)
    if log.log.sealed == log.log.size:
        examine(tenant, company(), standing_of(tenant, auditor))
    deadline = time.monotonic() + _PATIENCE
    log = _sealed(connection, deadline)
    walked = _walk(connection, log, deadline)
    return Sample(tenant, recorded, log.log.size, log.log.sealed, walked)


def _sealed(connection: Connection[Any], deadline: float) -> TenantLog:
    """The log once a checkpoint covers all of it, or as it stands at the deadline."""
    while (log := _log(connection)).log.sealed < log.log.size and time.monotonic() < deadline:
        time.sleep(0.05)
    return log


def _walk(connection: Connection[Any], log: TenantLog, deadline: float) -> bool:
    """Order a walk over the whole log, and wait until one has ended that began later."""
    row = connection.execute(
        "SELECT clock_timestamp(), pg_notify('muniment_walk', %s)", [str(log.log.log_id)]
    ).fetchone()
    asked = row[0] if row else None
    while time.monotonic() < deadline:
        now = _log(connection)
        if asked is not None and now.walked_at is not None and now.walked_at > asked:
            return now.walk_ok is True
        time.sleep(0.05)
    return False


def _tell(tenant: RequestTenant, url: str) -> tuple[int, str]:
    brightwater = company()
    people = make_people(tenant, brightwater)
    admin = standing_of(tenant, people["admin"])
    make_workspaces(tenant, brightwater, admin.subject)
    make_groups(tenant, admin)
    keys = make_keys(tenant, brightwater, admin)
    make_controls(tenant, brightwater, admin, people)
    told = tell_day({key: f"user:{user_id}" for key, user_id in people.items()})
    begin = time.time() - _ENDS_BEFORE_NOW - told[-1].at
    known: dict[Happening, str] = {}
    recorded = 0
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        for start in range(0, len(told), _WINDOW):
            # A few at a time, so that the ledger's order is nearly that of the day, as it is where nobody was offline.
            lines: dict[str, list[Line]] = {}
            for happening in told[start : start + _WINDOW]:
                occurred_at = int((begin + happening.at) * 1_000) * 1_000_000 + len(known) * 7_919 % 1_000_000
                written = keys[happening.capture][1].write(happening, occurred_at, known)
                lines.setdefault(happening.capture, []).extend(written)
            recorded += sum(submit(client, keys[name][0], of_one) for name, of_one in lines.items())
    return recorded, people["auditor"]


def _log(connection: Connection[Any]) -> TenantLog:
    return next(log for log in tenant_logs(connection) if log.slug == SLUG)
