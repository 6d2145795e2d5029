"""Refusals are recorded, and nobody can fill a ledger with them.

Each subject has a small allowance. What is beyond it, or could not be written, is counted in this process, and the next
recorded refusal of that subject says how many were not written out; a restart forgets the count.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote
from uuid import UUID

import django.db
import psycopg
from django.http import HttpRequest

from muniment.core.errors import MunimentError
from muniment.server.ratelimit import RateLimit
from muniment.server.recording import record_apart

_LOG: Final = logging.getLogger("muniment.access")
_MOST_ADDRESS: Final = 512
_allowance: Final = RateLimit(per_second=1 / 10, burst=20)
_unwritten: Counter[str] = Counter()
_lock: Final = threading.Lock()
_MOST_NAMES: Final = 10_000


def record_refusal(
    tenant_id: UUID | None,
    *,
    by: str,
    resource: tuple[str, str],
    labels: Mapping[str, object],
    outcome: str = "denied",
    body: Mapping[str, object] | None = None,
) -> None:
    """Record an `access.refuse` in a transaction of its own, within the subject's allowance.

    What was refused stays refused if this fails: that is logged and counted, not raised.

    Args:
        tenant_id: whose log; None for the installation's own.
        by: who was refused.
        resource: (type, id) of what was asked for.
        labels: why.
        outcome: denied, or failure for a request that was allowed and wrong.
        body: more, if it is needed.
    """
    name = f"{tenant_id}/{by}"
    if _allowance.take(name, time.monotonic()) > 0:
        _count(name, 1)
        return
    with _lock:
        unwritten = _unwritten.pop(name, 0)
    try:
        record_apart(
            tenant_id,
            "access.refuse",
            by=by,
            outcome=outcome,
            resource=resource,
            labels={**labels, "unwritten": unwritten or ""},
            body=body,
        )
    except (MunimentError, django.db.Error, psycopg.Error) as error:
        _count(name, unwritten + 1)
        _LOG.error("a refusal of %s could not be recorded: %s", by, error)


def address_of(request: HttpRequest) -> str:
    """The path of a request as the id of a resource: ASCII, and cut where it is long."""
    return quote(request.path_info, safe="/:@!$&'()*+,;=~")[:_MOST_ADDRESS]


def _count(name: str, more: int) -> None:
    with _lock:
        if len(_unwritten) < _MOST_NAMES or name in _unwritten:
            _unwritten[name] += more
