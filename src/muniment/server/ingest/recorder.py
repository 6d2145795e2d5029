"""The ledger behind the ingest application: keys that were seen lately, and group commit."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from muniment.ledger.apikeys import authenticate_async
from muniment.ledger.groupcommit import GroupCommitter, connector
from muniment.ledger.mappings import OfKey, mapping_of_key
from muniment.ledger.receipt import BodyErased, Conflict, Known, Outcome, Recorded, Refusal
from muniment.ledger.refused import BatchRefused, ClockBehind, KeyRefused, LedgerUnavailable, LogClosed, MappingChanged
from muniment.server.credentials import Credential, unauthenticated
from muniment.server.ingest.application import Answer, Submitter
from muniment.server.ingest.mapping import Mappings
from muniment.server.ingest.reasons import RequiredReasons
from muniment.server.ingest.strangers import Strangers
from muniment.server.ingest.submission import default_source
from muniment.server.problems import Problem, ProblemError, refuse

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Any, Self

    from psycopg import AsyncConnection

    from muniment.server.ingest.submission import Draft

REMEMBERED_SECONDS: Final = 5.0
REMEMBERED_KEYS: Final = 10_000
PATIENCE: Final = 5.0
MAPPING_TRIES: Final = 3

_LOG: Final = logging.getLogger("muniment.ingest")
_RETRY: Final = {"retry-after": "1"}


class LedgerRecorder:
    """`Recorder` over PostgreSQL; use it with `async with`.

    A key that was found is remembered for some seconds. That cannot let a revoked key in: `append()` looks at the key
    again, in the transaction that records.

    Args:
        url: of the ingest role.
    """

    def __init__(self, url: str) -> None:
        self._committer = GroupCommitter(connector(url))
        self._pool: AsyncConnectionPool[AsyncConnection[Any]] = AsyncConnectionPool(
            url,
            min_size=1,
            max_size=2,
            timeout=PATIENCE,
            max_waiting=256,
            open=False,
            kwargs={"autocommit": True, "application_name": "muniment keys", "options": "-c statement_timeout=5s"},
            name="keys",
        )
        self._remembered: OrderedDict[tuple[str, bytes], tuple[Submitter, float]] = OrderedDict()
        self._asked: dict[tuple[str, bytes], asyncio.Task[Submitter | None]] = {}
        self._strangers = Strangers()
        self._reasons = RequiredReasons()
        self._mappings = Mappings()

    async def __aenter__(self) -> Self:
        await self._pool.open()
        await self._committer.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._committer.__aexit__(kind, error, trace)
        await self._pool.close()
        await self._strangers.close()
        await self._reasons.close()

    async def authenticate(self, credential: Credential) -> Submitter | None:
        """Who that is, or None if nobody, which is recorded.

        Raises:
            ProblemError: unavailable.
        """
        name = (credential.key_id, credential.secret_hash)
        held = self._remembered.get(name)
        if held is not None and time.monotonic() - held[1] < REMEMBERED_SECONDS:
            return held[0]
        # Many requests with one key at once ask the database once.
        asked = self._asked.get(name)
        if asked is None:
            asked = asyncio.ensure_future(self._ask(credential))
            self._asked[name] = asked
            asked.add_done_callback(lambda _: self._asked.pop(name, None))
        found = await asyncio.shield(asked)
        self._remembered.pop(name, None)
        if found is None:
            await self._strangers.record(credential)
            return None
        self._remembered[name] = (found, time.monotonic())
        while len(self._remembered) > REMEMBERED_KEYS:
            self._remembered.popitem(last=False)
        return found

    async def _ask(self, credential: Credential) -> Submitter | None:
        try:
            async with self._pool.connection() as connection:
                found = await authenticate_async(connection, credential.key_id, credential.secret_hash)
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise refuse("unavailable", "the database cannot be reached; try again", headers=_RETRY) from error
        if found is None:
            return None
        source_id = default_source(credential.key_id, credential.secret_hash)
        return Submitter(
            credential.key_id, credential.secret_hash, found.log_id, found.scope, source_id, found.tenant_id
        )

    async def record(self, submitter: Submitter, drafts: Sequence[Draft]) -> Sequence[Answer | Problem]:
        """Record the drafts durably; one answer for each, in order.

        Raises:
            ProblemError: unavailable, unauthenticated, log-closed or clock-behind.
        """
        lacking = await self._reasons.missing(submitter.tenant_id, submitter.log_id, drafts)
        try:
            recorded = iter(await self._record(submitter, [one for at, one in enumerate(drafts) if at not in lacking]))
            return [lacking[at] if at in lacking else next(recorded) for at in range(len(drafts))]
        except KeyRefused:
            self._remembered.pop((submitter.key_id, submitter.secret_hash), None)
            await self._strangers.record(Credential(submitter.key_id, submitter.secret_hash))
            raise unauthenticated("the API key is unknown or revoked") from None
        except LogClosed as error:
            raise refuse("log-closed", error.reason) from None
        except ClockBehind as error:
            _LOG.error("%s", error)
            raise refuse("unavailable", error.reason, headers={"retry-after": "60"}) from None
        except LedgerUnavailable as error:
            _LOG.warning("%s", error)
            raise refuse("unavailable", "the database did not answer; send the same again", headers=_RETRY) from None
        except BatchRefused as error:
            raise refuse("refused-event", error.reason) from None
        except MappingChanged:
            raise refuse("unavailable", "the mapping is being changed; send the same again", headers=_RETRY) from None

    async def _record(self, submitter: Submitter, drafts: Sequence[Draft]) -> list[Answer | Problem]:
        """Map the drafts and append them; once more where the mapping was changed in between."""
        for again in range(MAPPING_TRIES):
            mapped = await self._mappings.map(
                submitter.log_id, drafts, lambda have, controls: self._ask_mapping(submitter, have, controls)
            )
            good = [
                (draft.submission, ids) for draft, ids in zip(drafts, mapped.controls, strict=True) if ids is not None
            ]
            try:
                outcomes = iter(
                    await self._committer.append(
                        key_id=submitter.key_id,
                        log_id=submitter.log_id,
                        submissions=[submission for submission, _ in good],
                        controls=[ids for _, ids in good],
                        mapping=mapped.version,
                    )
                    if good
                    else ()
                )
            except MappingChanged:
                self._mappings.forget(submitter.log_id)
                if again == MAPPING_TRIES - 1:
                    raise
                continue
            return [
                mapped.problems[at] if at in mapped.problems else _answer(next(outcomes)) for at in range(len(drafts))
            ]
        raise AssertionError("the last try returns or raises")

    async def _ask_mapping(self, submitter: Submitter, have: str | None, controls: Sequence[str]) -> OfKey | None:
        try:
            async with self._pool.connection() as connection:
                return await mapping_of_key(
                    connection, submitter.key_id, submitter.secret_hash, have=have, controls=controls
                )
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise refuse("unavailable", "the database cannot be reached; try again", headers=_RETRY) from error


def _answer(outcome: Outcome) -> Answer | Problem:
    match outcome:
        case Recorded():
            return Answer(outcome.receipt.document(), known=False)
        case Known():
            return Answer(outcome.receipt.document(), known=True)
        case BodyErased():
            return Problem("body-erased", f"recorded as entry {outcome.receipt.seq}; the body stays erased", "id")
        case Conflict():
            return Problem("event-conflict", "is recorded for this source with other content; use a new id", "id")
        case Refusal():
            return Problem("refused-event", outcome.reason, outcome.field)
    raise ProblemError(Problem("internal", "an event ended in no known way"))
