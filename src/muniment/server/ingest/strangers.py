"""Keys that are nobody's, or were revoked, leave a trace in the installation's log, as they do at every other address.

Written in a thread of its own: whoever sends such keys waits for each other, and good appends for none of them.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from django.db import connection

from muniment.server.access.refusals import record_refusal

if TYPE_CHECKING:
    from muniment.server.credentials import Credential

# Whoever is known by nothing that they sent.
_VISITOR: Final = "system:visitor"


class Strangers:
    """Records appends that were refused for their key, within the one allowance of all visitors."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "muniment-strangers")

    async def record(self, credential: Credential) -> None:
        """Record that an append with this key was refused; returns once it was written, or counted."""
        await asyncio.get_running_loop().run_in_executor(self._thread, _record, credential.key_id)

    async def close(self) -> None:
        """Wait for what is being written; nothing more can be recorded."""
        await asyncio.to_thread(self._thread.shutdown)


def _record(key_id: str) -> None:
    try:
        record_refusal(
            None,
            by=_VISITOR,
            resource=("key", key_id),
            labels={"reason": "unknown-or-revoked-key", "method": "POST"},
        )
    finally:
        connection.close()
