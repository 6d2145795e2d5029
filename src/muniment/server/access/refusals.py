"""Refusals are recorded, and nobody can fill a ledger with them.

Each subject has a small allowance; what is beyond it is counted, and the next recorded refusal of that subject says how
many were not written out.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from muniment.server.ratelimit import RateLimit
from muniment.server.recording import record_apart

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

    Args:
        tenant_id: whose log; None for the installation's own.
        by: who was refused.
        resource: (type, id) of what was asked for; long ids are cut.
        labels: why.
        outcome: denied, or failure for a request that was allowed and wrong.
        body: more, if it is needed.
    """
    name = f"{tenant_id}/{by}"
    if _allowance.take(name, time.monotonic()) > 0:
        with _lock:
            if len(_unwritten) < _MOST_NAMES or name in _unwritten:
                _unwritten[name] += 1
        return
    with _lock:
        unwritten = _unwritten.pop(name, 0)
    record_apart(
        tenant_id,
        "access.refuse",
        by=by,
        outcome=outcome,
        resource=(resource[0], resource[1][:512] or "/"),
        labels={**labels, "unwritten": unwritten or ""},
        body=body,
    )
