"""The background job that reminds: in every tenant, whatever is due."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from django.utils import timezone

from muniment.core.errors import MunimentError
from muniment.server.background import PartlyFailed
from muniment.server.reminders.services import remind

_LOG: Final = logging.getLogger("muniment.reminders")


class Reminding:
    """Reminds in each tenant, one after the other; one that fails does not keep the others from it.

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
        sent, failed = 0, []
        for tenant_id in tenants:
            try:
                sent += remind(tenant_id, self._now())
            except MunimentError as error:
                _LOG.warning("reminders of %s: %s", tenant_id, error)
                failed.append(str(tenant_id))
        if failed:
            raise PartlyFailed(f"reminders failed in {len(failed)} tenants, first {failed[0]}")
        return f"sent {sent} reminders" if sent else "nothing is due"
