"""The background job of risks: acceptances whose last day is over end, and the register is kept once a day."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from django.utils import timezone

from muniment.core.errors import MunimentError
from muniment.server.background import PartlyFailed
from muniment.server.risks import services
from muniment.server.tenants.scope import tenant_scope

_LOG: Final = logging.getLogger("muniment.risks")


def keep_up(tenants: Sequence[UUID], now: datetime | None = None) -> str:
    """Do one round; each tenant in a transaction of its own. What was missed while nothing ran ends now, once.

    Args:
        tenants: whose registers.
        now: aware; None for the present.

    Raises:
        PartlyFailed: if some tenants' registers could not be kept; the others were.
    """
    now, ended, kept, failed = now or timezone.now(), 0, 0, 0
    for tenant_id in tenants:
        try:
            with tenant_scope(tenant_id):
                ended += services.expire_due(now)
                kept += services.take_daily(tenant_id, now) is not None
        except MunimentError as error:
            _LOG.warning("the risks of %s: %s", tenant_id, error)
            failed += 1
    if failed:
        raise PartlyFailed(f"the risks of {failed} tenants could not be kept: the log of this process says why")
    return f"{ended} acceptances of risks ended, {kept} registers kept" if ended or kept else ""
