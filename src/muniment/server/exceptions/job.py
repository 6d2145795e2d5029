"""The background job of exceptions: what begins or ends by itself does so within a minute, tenant by tenant."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.utils import timezone

from muniment.server.background import PartlyFailed
from muniment.server.exceptions.services import run_due


def activate_and_expire(tenants: Sequence[UUID]) -> str:
    """Do one round.

    Raises:
        PartlyFailed: if some exceptions could not take their step; the others did.
    """
    activated = expired = failed = 0
    for tenant_id in tenants:
        done = run_due(tenant_id, timezone.now())
        activated, expired, failed = activated + done.activated, expired + done.expired, failed + done.failed
    if failed:
        raise PartlyFailed(f"{failed} exceptions could not be activated or closed: the log of this process says why")
    return f"{activated} exceptions became active, {expired} expired" if activated or expired else ""
