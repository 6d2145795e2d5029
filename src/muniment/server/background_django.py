"""Background jobs that use Django's models: their rounds in the job's thread, with Django's own connection."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias
from uuid import UUID

from psycopg import Connection

from muniment.ledger.tenants import all_logs

TenantRound: TypeAlias = Callable[[Sequence[UUID]], str]
"""Does one round over some tenants and says what it did, or "" if there was nothing to do."""
_LOCK: Final = threading.Lock()
_ready = False


class DjangoRound:
    """One round over the tenants that have an active log.

    Args:
        round_of: makes what does a round, from the tenants' ids; called once Django is set up, since what it imports
            may need that.
    """

    def __init__(self, round_of: Callable[[], TenantRound]) -> None:
        self._round_of = round_of
        self._round: TenantRound | None = None

    def __call__(self, connection: Connection) -> str:
        """Do one round."""
        _set_up()
        from django.db import connection as own

        if self._round is None:
            self._round = self._round_of()
        tenants = sorted({log.tenant_id for log in all_logs(connection) if log.state == "active"})
        try:
            return self._round(tenants)
        finally:
            # A job waits longer between its rounds than it works: the connection goes back to the pool.
            own.close()


def _set_up() -> None:
    global _ready
    with _LOCK:
        if not _ready:
            os.environ.setdefault("DJANGO_SETTINGS_MODULE", "muniment.server.settings")
            import django

            django.setup()
            _ready = True
