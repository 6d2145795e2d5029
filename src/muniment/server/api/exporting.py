"""Entries that leave the ledger: who took what is itself an entry, before the first byte goes out."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.db import connection

from muniment.server.access.standing import Standing
from muniment.server.recording import record_apart


async def record_export(standing: Standing, order: dict[str, Any]) -> None:
    """Record an export. A key that takes proofs of its own sources only, as every shipper does, is not an export.

    Args:
        standing: of who asks.
        order: what was asked for, as JSON values.
    """
    if standing.own_only is None:
        await sync_to_async(_record)(standing, order)


def _record(standing: Standing, order: dict[str, Any]) -> None:
    try:
        record_apart(
            standing.tenant_id,
            "export.create",
            by=standing.subject,
            resource=("log", standing.origin),
            labels={"form": "muniment-bundle/1"},
            body=order,
        )
    finally:
        # The stream may take long; a connection of the pool is not kept for it.
        connection.close()
