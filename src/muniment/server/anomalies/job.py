"""The background job that reads every tenant's log on and raises what is unusual."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from django.utils import timezone

from muniment.core.errors import MunimentError
from muniment.server.anomalies.services import read_on
from muniment.server.background import PartlyFailed
from muniment.server.recording import installation_tenant

ROUNDS: Final = 20
"""Rounds that one tenant gets before the others have their turn: a long log is caught up with over several."""
_LOG: Final = logging.getLogger("muniment.anomalies")


class Watching:
    """Reads each tenant's log on, one after the other; one that fails does not keep the others from it.

    Args:
        now: the time, aware.
    """

    def __init__(self, now: Callable[[], datetime] = timezone.now) -> None:
        self._now = now

    def __call__(self, tenants: Sequence[UUID]) -> str:
        """Do one round.

        Raises:
            PartlyFailed: naming the tenants in which it failed.
        """
        read, alerts, failed = 0, 0, []
        # Nobody is a member of the installation's own tenant, who could look at its alerts.
        own = installation_tenant()
        for tenant_id in [one for one in tenants if one != own]:
            try:
                for _ in range(ROUNDS):
                    done = read_on(tenant_id, self._now())
                    read, alerts = read + done.read, alerts + done.alerts
                    if not done.behind:
                        break
            except MunimentError as error:
                _LOG.warning("watching %s: %s", tenant_id, error)
                failed.append(str(tenant_id))
        if failed:
            raise PartlyFailed(f"watching failed in {len(failed)} tenants, first {failed[0]}")
        return f"read {read} entries, raised {alerts} alerts" if read else ""
