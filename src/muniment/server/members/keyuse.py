"""Use of API keys, recorded once for each key and hour: an entry for each request would bury what the ledger is for."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Final

from muniment.server.access.standing import Standing
from muniment.server.members.models import KeyUse
from muniment.server.recording import record

_HOUR: Final = 3600


def note_key_use(standing: Standing) -> None:
    """Record that a key is in use, once in an hour; call it inside the scope of its tenant.

    Args:
        standing: of a key.
    """
    key_id, hour = standing.subject.partition(":")[2], int(time.time()) // _HOUR
    if KeyUse.objects.filter(key_id=key_id, hour__gte=hour).exists():
        return
    KeyUse.objects.get_or_create(key_id=key_id, defaults={"tenant_id": standing.tenant_id, "hour": 0})
    # Of several requests that see the hour begin, one moves it on.
    if KeyUse.objects.filter(key_id=key_id, hour__lt=hour).update(hour=hour):
        record("key.use", by=standing.subject, resource=("key", key_id))


def last_used(key_ids: Collection[str]) -> dict[str, int]:
    """By key id, the newest hour (in hours since the Unix epoch) in which a key was used to ask the API."""
    return dict(KeyUse.objects.filter(key_id__in=list(key_ids), hour__gt=0).values_list("key_id", "hour"))
