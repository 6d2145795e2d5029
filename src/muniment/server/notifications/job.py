"""The background job that sends: what is due becomes messages, and each message is handed over once.

No transaction is open while a mail server is spoken to. While it cannot be reached, everything waits: it is tried again
after a pause that doubles from half a minute to a quarter of an hour, and each attempt is an entry of each tenant whose
messages wait.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from muniment.ledger.tenants import all_logs
from muniment.server.background import PartlyFailed
from muniment.server.notifications.letters import write
from muniment.server.notifications.models import Message
from muniment.server.notifications.postman import InDoubtError, NoServerError, Postman, RefusedMailError
from muniment.server.notifications.services import sending
from muniment.server.notifications.services.sending import Place
from muniment.server.runtime import read_server
from muniment.server.tenants.resolving import tenant_in_scope
from muniment.server.tenants.scope import ledger_connection, tenant_scope

IN_ONE_ROUND: Final = 200
"""Messages of one tenant in one round, so that no tenant holds up the others."""
_FIRST_PAUSE: Final = 30.0
_LONGEST_PAUSE: Final = 900.0


class Sending:
    """Sends what is due, tenant by tenant.

    Args:
        now: the time, aware.
        clock: seconds that only go forward, for the pauses while no server can be reached.
    """

    def __init__(self, now: Callable[[], datetime] = timezone.now, clock: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._clock = clock
        self._down = 0
        self._not_before = 0.0
        self._why = ""

    def __call__(self, tenants: Sequence[UUID]) -> str:
        """Do one round.

        Raises:
            PartlyFailed: if no mail server can be reached, saying how much waits.
        """
        for tenant_id in tenants:
            with tenant_scope(tenant_id):
                sending.settle_forgotten(self._now())
                sending.gather(self._now())
        if self._down and self._clock() < self._not_before:
            raise PartlyFailed(self._why)
        sent = 0
        with Postman() as postman:
            for at, tenant_id in enumerate(tenants):
                try:
                    sent += self._send(tenant_id, postman)
                except NoServerError as error:
                    self._outage(tenants[at:], str(error))
        return f"sent {sent} messages" if sent else "nothing is due"

    def _send(self, tenant_id: UUID, postman: Postman) -> int:
        with tenant_scope(tenant_id):
            rows = sending.waiting(self._now(), limit=IN_ONE_ROUND)
            place = _place() if rows else None
        sent = 0
        for row in rows:
            if place is not None:
                sent += self._send_one(tenant_id, row, place, postman)
        return sent

    def _send_one(self, tenant_id: UUID, row: Message, place: Place, postman: Postman) -> bool:
        with tenant_scope(tenant_id):
            letter = sending.letter_for(row, place, self._now())
            if letter is None:
                sending.settle(row, "dropped", "no member any more", self._now(), reason="no-member")
                return False

        def claim() -> bool:
            with tenant_scope(tenant_id):
                return sending.claim(row, self._now())

        try:
            said = postman.hand(write(letter, settings.DEFAULT_FROM_EMAIL), claim)
        except InDoubtError as error:
            with tenant_scope(tenant_id):
                sending.settle(row, "unknown", str(error), self._now(), reason="no-answer")
            return False
        except RefusedMailError as error:
            with tenant_scope(tenant_id):
                if error.for_good:
                    sending.settle(row, "failed", str(error), self._now(), reason="refused")
                else:
                    sending.try_again(row, str(error), self._now())
            self._down = 0
            return False
        self._down = 0
        if said:
            with tenant_scope(tenant_id):
                sending.settle(row, "sent", said, self._now())
        return bool(said)

    def _outage(self, tenants: Sequence[UUID], said: str) -> None:
        """Nobody answers: say so in every tenant whose messages wait, and wait longer each time."""
        number = 0
        for tenant_id in tenants:
            with tenant_scope(tenant_id):
                sending.give_up_old(self._now())
                here = len(sending.waiting(self._now(), limit=sending.AT_MOST))
                if here:
                    sending.record_outage(said, here)
                number += here
        self._not_before = self._clock() + min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(self._down, 10))
        self._down += 1
        self._why = f"{number} messages wait: the mail server cannot be reached ({said})"
        raise PartlyFailed(self._why)


def _place() -> Place:
    """Where links of the open tenant lead."""
    tenant = tenant_in_scope()
    server = read_server(settings.PLACES)
    base = settings.PUBLIC_URL or ("" if server is None else server.url)
    return Place(tenant.name, f"{base.rstrip('/')}{tenant.prefix}" if base else "")


def open_tenants() -> list[UUID]:
    """Every tenant with an active log, for whoever does a round without the background process."""
    with ledger_connection() as raw:
        return sorted({log.tenant_id for log in all_logs(raw) if log.state == "active"})
