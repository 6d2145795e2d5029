"""Changes that need a reason: which submissions of a batch are refused because they say none."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import psycopg
from django.db import DatabaseError

from muniment.core.reason import MEMBER
from muniment.server.given_reason import Reasons, reasons
from muniment.server.problems import Problem, refuse

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from muniment.ledger.submission import Submission
    from muniment.server.ingest.submission import Draft

_THREADS: Final = 2


class RequiredReasons:
    """Asks for what the tenant registered, at every request that holds a change, so that registering works at once.

    Only changes are asked about: a batch of tool calls costs nothing.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, "muniment-reasons")

    async def missing(self, tenant_id: UUID | None, log_id: int, drafts: Sequence[Draft]) -> dict[int, Problem]:
        """The drafts that lack a reason, by their places.

        Raises:
            ProblemError: unavailable.
        """
        known = reasons()
        if known is None or tenant_id is None:
            return {}
        changes = [at for at, draft in enumerate(drafts) if known.may_need(draft.submission.event.action)]
        if not changes:
            return {}
        asked = [drafts[at].submission for at in changes]
        try:
            found = await asyncio.get_running_loop().run_in_executor(
                self._threads, _ask, known, tenant_id, log_id, asked
            )
        except (DatabaseError, psycopg.Error) as error:
            raise refuse(
                "unavailable", "the database cannot be reached; try again", headers={"retry-after": "1"}
            ) from error
        return {changes[at]: Problem("reason-needed", said, MEMBER) for at, said in found.items()}

    async def close(self) -> None:
        """Wait for what is being asked; nothing more can be."""
        await asyncio.to_thread(self._threads.shutdown)


def _ask(known: Reasons, tenant_id: UUID, log_id: int, asked: Sequence[Submission]) -> dict[int, str]:
    try:
        return known.missing(tenant_id, log_id, asked)
    finally:
        known.release()
