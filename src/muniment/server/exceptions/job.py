"""The background job of exceptions: what begins, ends or becomes stale by itself does so within a minute."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.utils import timezone

from muniment.server.background import PartlyFailed
from muniment.server.exceptions.services import mark_pending, run_due


def activate_and_expire(tenants: Sequence[UUID]) -> str:
    """Do one round.

    Raises:
        PartlyFailed: if some exceptions could not take their step; the others did.
    """
    activated = expired = failed = stale = 0
    for tenant_id in tenants:
        stale += mark_pending(tenant_id)
        done = run_due(tenant_id, timezone.now())
        activated, expired, failed = activated + done.activated, expired + done.expired, failed + done.failed
    if failed:
        raise PartlyFailed(f"{failed} exceptions could not be activated or closed: the log of this process says why")
    if not (activated or expired or stale):
        return ""
    return f"{activated} exceptions became active, {expired} expired, {stale} became stale"
