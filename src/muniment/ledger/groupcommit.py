"""Group commit: what arrives while a transaction is under way goes into the next one, together.

There is no timer. A single caller is served at once; under load the batches grow by themselves to what one commit's
time lets in. Each log is worked on by one connection at a time, because its head row would serialise more of them
anyway; several connections serve several logs.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

from psycopg import AsyncConnection, OperationalError

from muniment.ledger.append import MAX_BATCH, append_async
from muniment.ledger.receipt import Outcome
from muniment.ledger.refused import LedgerUnavailable
from muniment.ledger.submission import Submission

Connect = Callable[[], Awaitable[AsyncConnection[Any]]]

_EVENT_WEIGHT: Final = 1_024
_TURN: Final = 2_000
"""Events that are put into one transaction, unless a single request has more."""


def connector(url: str) -> Connect:
    """How to open connections for a `GroupCommitter`.

    Args:
        url: of the ingest role.
    """

    async def connect() -> AsyncConnection[Any]:
        return await AsyncConnection.connect(
            url,
            autocommit=True,
            connect_timeout=5,
            application_name="muniment append",
            options="-c statement_timeout=30s -c lock_timeout=15s -c idle_in_transaction_session_timeout=30s",
        )

    return connect


@dataclass(slots=True, eq=False)
class _Request:
    key_id: str
    log_id: int
    mapping: str
    submissions: Sequence[Submission]
    controls: Sequence[Sequence[str]]
    weight: int
    answer: asyncio.Future[list[Outcome]]


@dataclass(slots=True)
class _Lane:
    """The requests that wait for one log; `busy` while it is queued for a connection or worked on by one."""

    waiting: deque[_Request] = field(default_factory=deque)
    busy: bool = False


class GroupCommitter:
    """Appends for many concurrent callers over few connections. Use it with `async with`.

    Args:
        connect: opens a connection in autocommit; see `connector`.
        connections: how many logs can be written at one time.
        max_waiting: bytes of submissions that may wait; further callers wait outside until there is room.
        timeout: seconds that the database may take for one transaction.
    """

    def __init__(
        self, connect: Connect, *, connections: int = 2, max_waiting: int = 64 << 20, timeout: float = 60.0
    ) -> None:
        self._connect = connect
        self._connections = connections
        self._max_waiting = max_waiting
        self._timeout = timeout
        self._lanes: dict[int, _Lane] = {}
        self._ready: asyncio.Queue[int] = asyncio.Queue()
        self._load = 0
        self._room = asyncio.Condition()
        self._workers: list[asyncio.Task[None]] = []
        self._closing = False

    async def __aenter__(self) -> Self:
        self._workers = [asyncio.create_task(self._work(), name="append") for _ in range(self._connections)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Take nothing new, finish what waits, close the connections."""
        self._closing = True
        async with self._room:
            await self._room.wait_for(lambda: self._load == 0)
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._workers = []

    async def append(
        self,
        *,
        key_id: str,
        log_id: int,
        submissions: Sequence[Submission],
        controls: Sequence[Sequence[str]],
        mapping: str,
    ) -> list[Outcome]:
        """Append durably: when this returns, what it calls recorded is committed. Arguments as for `append.append`.

        A caller that is cancelled meanwhile may have been recorded all the same.

        Raises:
            Refused: this batch as a whole was refused; other callers are not affected.
            LedgerUnavailable: the database was lost; send the same again.
            ValueError: if the batch is empty or has more than 5,000 events.
        """
        if not 0 < len(submissions) <= MAX_BATCH or len(controls) != len(submissions):
            raise ValueError(f"a batch has 1 to {MAX_BATCH} submissions, each with its controls")
        if self._closing or not self._workers:
            raise LedgerUnavailable("the ledger's writer is shut down; try again")
        weight = sum([len(item.body) if item.body else 0 for item in submissions]) + _EVENT_WEIGHT * len(submissions)
        if self._load and self._load + weight > self._max_waiting:
            async with self._room:
                await self._room.wait_for(lambda: not self._load or self._load + weight <= self._max_waiting)
            if self._closing:
                raise LedgerUnavailable("the ledger's writer is shut down; try again")
        self._load += weight
        answer: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()
        lane = self._lanes.setdefault(log_id, _Lane())
        lane.waiting.append(_Request(key_id, log_id, mapping, submissions, controls, weight, answer))
        if not lane.busy:
            lane.busy = True
            self._ready.put_nowait(log_id)
        return await answer

    async def _work(self) -> None:
        conn: AsyncConnection[Any] | None = None
        try:
            while True:
                log_id = await self._ready.get()
                turn = _take(self._lanes[log_id])
                try:
                    conn = await self._serve(conn, turn)
                finally:
                    await self._release(log_id, turn)
        finally:
            if conn is not None:
                await conn.close()

    async def _release(self, log_id: int, turn: Sequence[_Request]) -> None:
        for request in turn:
            if not request.answer.done():
                request.answer.set_exception(LedgerUnavailable("the append was interrupted; send the same again"))
        lane = self._lanes[log_id]
        if lane.waiting:
            self._ready.put_nowait(log_id)
        else:
            del self._lanes[log_id]
        self._load -= sum(request.weight for request in turn)
        async with self._room:
            self._room.notify_all()

    async def _serve(self, conn: AsyncConnection[Any] | None, turn: list[_Request]) -> AsyncConnection[Any] | None:
        """Answer every request of a turn; gives back the connection as it is to be used next."""
        turn = [request for request in turn if not request.answer.done()]
        if not turn:
            return conn
        # A connection may have died unnoticed since it was last used. Trying twice is safe because ids are idempotent.
        for last_try in (False, True):
            try:
                if conn is None or conn.closed:
                    conn = await self._connect()
                async with asyncio.timeout(self._timeout):
                    await _answer(conn, turn)
                return conn
            except (OperationalError, TimeoutError, OSError) as error:
                lost = conn is None or conn.closed or not isinstance(error, OperationalError)
                if lost and conn is not None:
                    await conn.close()
                    conn = None
                if last_try or isinstance(error, TimeoutError):
                    for request in turn:
                        _fail(request, error)
                    return conn
        return conn


def _take(lane: _Lane) -> list[_Request]:
    turn = [lane.waiting.popleft()]
    events = len(turn[0].submissions)
    while lane.waiting and events + len(lane.waiting[0].submissions) <= _TURN:
        events += len(lane.waiting[0].submissions)
        turn.append(lane.waiting.popleft())
    return turn


async def _answer(conn: AsyncConnection[Any], turn: Sequence[_Request]) -> None:
    """Record all requests of a turn in one transaction; if one of them spoils it, each in its own.

    Raises:
        OperationalError: if the connection is lost; requests without an answer are to be tried again.
    """
    try:
        outcomes = await _record(conn, turn)
    except Exception as error:
        if conn.closed:
            raise
        if len(turn) == 1:
            _fail(turn[0], error)
            return
        for request in turn:
            if not request.answer.done():
                await _answer(conn, [request])
        return
    for request, ended in zip(turn, outcomes, strict=True):
        if not request.answer.done():
            request.answer.set_result(ended)


async def _record(conn: AsyncConnection[Any], turn: Sequence[_Request]) -> list[list[Outcome]]:
    groups: dict[tuple[str, str], list[int]] = {}
    for at, request in enumerate(turn):
        groups.setdefault((request.key_id, request.mapping), []).append(at)
    ended: dict[int, list[Outcome]] = {}
    if len(groups) == 1:
        # One statement is a transaction by itself: two round trips less.
        ended = await _record_group(conn, turn, range(len(turn)))
    else:
        async with conn.transaction():
            for places in groups.values():
                ended |= await _record_group(conn, turn, places)
    return [ended[at] for at in range(len(turn))]


async def _record_group(
    conn: AsyncConnection[Any], turn: Sequence[_Request], places: Sequence[int]
) -> dict[int, list[Outcome]]:
    first = turn[places[0]]
    outcomes = await append_async(
        conn,
        key_id=first.key_id,
        log_id=first.log_id,
        submissions=[submission for at in places for submission in turn[at].submissions],
        controls=[controls for at in places for controls in turn[at].controls],
        mapping=first.mapping,
    )
    ended: dict[int, list[Outcome]] = {}
    start = 0
    for at in places:
        end = start + len(turn[at].submissions)
        ended[at] = outcomes[start:end]
        start = end
    return ended


def _fail(request: _Request, error: BaseException) -> None:
    if request.answer.done():
        return
    if isinstance(error, OperationalError | TimeoutError | OSError):
        unavailable = LedgerUnavailable(f"the ledger's database did not answer ({error}); send the same again")
        unavailable.__cause__ = error
        request.answer.set_exception(unavailable)
    else:
        request.answer.set_exception(error)
