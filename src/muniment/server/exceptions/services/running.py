"""Activating on the first day and expiring after the last one. Whoever was away for a week catches up in one go."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Q

from muniment.core.errors import MunimentError
from muniment.server.exceptions.models import PolicyException
from muniment.server.exceptions.services.reading import exception_for, matter_of
from muniment.server.exceptions.services.stepping import Taken, take
from muniment.server.exceptions.workflow import ACTIVE, APPROVED, SYSTEM, Kind, Party, advance
from muniment.server.moments import moment
from muniment.server.tenants.scope import tenant_scope

AT_ONCE: Final = 1_000
_LOG: Final = logging.getLogger("muniment.exceptions")


@dataclass(frozen=True, slots=True)
class Ran:
    """What one round did: exceptions that became active, that expired, and that could not."""

    activated: int = 0
    expired: int = 0
    failed: int = 0


def run_due(tenant_id: UUID, now: datetime) -> Ran:
    """Take every step of a tenant that time has brought; each in a transaction of its own, and none twice.

    Args:
        tenant_id: whose exceptions.
        now: aware. What began and ended while nobody looked takes both steps, one after the other.
    """
    activated = expired = 0
    failed: set[str] = set()
    while True:
        with tenant_scope(tenant_id):
            ids = _due(now, failed)
        if not ids:
            return Ran(activated, expired, len(failed))
        for wanted in ids:
            try:
                with tenant_scope(tenant_id):
                    kind = _run(wanted, now)
            except MunimentError as error:
                _LOG.warning("%s: %s", wanted, error)
                failed.add(wanted)
                continue
            activated += kind == "activate"
            expired += kind == "expire"


def _due(now: datetime, failed: set[str]) -> list[str]:
    waiting = Q(state=APPROVED, starts_at__lte=now) | Q(state=ACTIVE, ends_at__lte=now)
    rows = PolicyException.objects.filter(waiting).exclude(id__in=failed).order_by("ends_at", "id")
    return list(rows.values_list("id", flat=True)[:AT_ONCE])


def _run(wanted: str, now: datetime) -> Kind | None:
    """Take one step, unless somebody else took it meanwhile."""
    row = exception_for(wanted, lock=True)
    kind: Kind
    if row.state == APPROVED and row.starts_at is not None and row.starts_at <= now:
        kind, due = "activate", row.starts_at
    elif row.state == ACTIVE and row.ends_at is not None and row.ends_at <= now:
        kind, due = "expire", row.ends_at
    else:
        return None
    after = advance(matter_of(row), kind, Party(SYSTEM), at=now)
    take(row, Taken(kind, after, Party(SYSTEM), now, labels={"due": moment(due)}))
    return kind
