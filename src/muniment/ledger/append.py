"""Append events to a log.

The same conversation with the database serves blocking and asyncio connections: `_conversation` yields parameters and
is sent rows, the functions only carry them.
"""

from collections.abc import Generator, Sequence
from typing import Any, NamedTuple

from psycopg import AsyncConnection, Connection

from muniment.ledger.columns import PLACEHOLDERS, Column, columns
from muniment.ledger.receipt import BodyErased, Conflict, Known, Outcome, Receipt, Recorded, Refusal
from muniment.ledger.refused import named_refusals
from muniment.ledger.submission import Submission

MAX_BATCH = 5_000
"""Events in one append."""

_RESULT = "origin, seal_within, refused, settled, first_seq, recorded_at, entry_hashes"
# PLACEHOLDERS is a constant of ours; every value goes as a parameter.
_APPEND = f"SELECT {_RESULT} FROM ledger.append(%s, %s, %s, {PLACEHOLDERS})"  # noqa: S608
_APPEND_SYSTEM = f"SELECT {_RESULT} FROM ledger.append_system(%s, %s, %s, {PLACEHOLDERS})"  # noqa: S608


class _Row(NamedTuple):
    origin: str
    seal_within: int
    refused: list[dict[str, Any]] | None
    settled: list[dict[str, Any]] | None
    first_seq: int | None
    recorded_at: int | None
    entry_hashes: bytes | None


def append(
    conn: Connection[Any],
    *,
    key_id: str,
    log_id: int,
    submissions: Sequence[Submission],
    controls: Sequence[Sequence[str]],
    mapping: str,
) -> list[Outcome]:
    """Append a batch for an API key, inside the connection's transaction: nothing is recorded before that commits.

    The log's head stays locked until then, so append last and commit at once.

    Args:
        conn: as the ingest or app role; READ COMMITTED.
        key_id: `ak_` and a ULID. The database checks that the key is active, may append, and belongs to the log.
        log_id: of the log.
        submissions: at most 5,000.
        controls: for each submission, the control ids of its entry: its own and those of the mapping, sorted by bytes.
        mapping: version of the mapping that gave the controls.

    Returns:
        One outcome for each submission, in their order. Refused ones do not keep the others from being recorded.

    Raises:
        Refused: the batch as a whole, by one of the classes of `muniment.ledger.refused`.
        psycopg.Error: if the database fails. Nothing was recorded, unless the connection was lost while committing.
    """
    return _carry(conn, _APPEND, (key_id, log_id, mapping), submissions, controls)


async def append_async(
    conn: AsyncConnection[Any],
    *,
    key_id: str,
    log_id: int,
    submissions: Sequence[Submission],
    controls: Sequence[Sequence[str]],
    mapping: str,
) -> list[Outcome]:
    """`append` on an asyncio connection."""
    talk = _conversation((key_id, log_id, mapping), submissions, controls)
    try:
        parameters = next(talk)
        while True:
            with named_refusals():
                cursor = await conn.execute(_APPEND, parameters, binary=True)
            parameters = talk.send(_Row(*(await cursor.fetchone() or ())))
    except StopIteration as end:
        outcomes: list[Outcome] = end.value
        return outcomes


def append_system(
    conn: Connection[Any],
    *,
    by: str,
    log_id: int,
    submissions: Sequence[Submission],
    controls: Sequence[Sequence[str]],
    mapping: str,
) -> list[Outcome]:
    """Append a batch for the server itself or for a person it has authenticated, in the transaction of the decision.

    Args:
        conn: as the app role, in a transaction whose tenant is set.
        by: `system:…` or `user:usr_…`; becomes the entry's `by`.
        log_id: of a log of the transaction's tenant.
        submissions: as for `append`; their source ids belong to the server.
        controls: as for `append`.
        mapping: as for `append`.

    Raises:
        Refused: as `append` does.
    """
    return _carry(conn, _APPEND_SYSTEM, (by, log_id, mapping), submissions, controls)


def _carry(
    conn: Connection[Any],
    statement: str,
    first: tuple[str, int, str],
    submissions: Sequence[Submission],
    controls: Sequence[Sequence[str]],
) -> list[Outcome]:
    talk = _conversation(first, submissions, controls)
    try:
        parameters = next(talk)
        while True:
            with named_refusals():
                cursor = conn.execute(statement, parameters, binary=True)
            parameters = talk.send(_Row(*(cursor.fetchone() or ())))
    except StopIteration as end:
        outcomes: list[Outcome] = end.value
        return outcomes


def _conversation(
    first: tuple[str, int, str], submissions: Sequence[Submission], controls: Sequence[Sequence[str]]
) -> Generator[list[Column], _Row, list[Outcome]]:
    """Ask until nothing is refused any more: the database records a batch whole or names what has to be left out."""
    refusals: dict[int, Refusal] = {}
    places = list(range(len(submissions)))
    while places:
        if refusals:
            row = yield [*first, *columns([submissions[at] for at in places], [controls[at] for at in places])]
        else:
            row = yield [*first, *columns(submissions, controls)]
        if row.refused is None:
            outcomes = _outcomes(row, [submissions[at] for at in places] if refusals else submissions)
            if not refusals:
                return outcomes
            ended: dict[int, Outcome] = dict(zip(places, outcomes, strict=True))
            return [refusals.get(at) or ended[at] for at in range(len(submissions))]
        for fault in row.refused:
            refusals[places[fault["at"]]] = Refusal(fault["field"], fault["reason"])
        places = [at for at in places if at not in refusals]
    return [refusals[at] for at in range(len(submissions))]


def _outcomes(row: _Row, submissions: Sequence[Submission]) -> list[Outcome]:
    origin, hashes = row.origin, row.entry_hashes or b""
    delay = row.seal_within * 1_000_000
    settled = {item["at"]: item for item in row.settled or ()}
    seq, recorded_at = row.first_seq or 0, row.recorded_at or 0
    seal_by = recorded_at + delay
    outcomes: list[Outcome] = []
    start = 0
    for at, submission in enumerate(submissions):
        if at in settled:
            outcomes.append(_settled(origin, submission.event.id, settled[at], delay))
        else:
            end = start + 32
            outcomes.append(
                Recorded(Receipt(origin, submission.event.id, seq, hashes[start:end], recorded_at, seal_by))
            )
            start = end
            seq += 1
    if start != len(hashes):
        raise RuntimeError(f"the ledger recorded {len(hashes) // 32} events and told of {start // 32}")
    return outcomes


def _settled(origin: str, event_id: str, item: dict[str, Any], delay: int) -> Outcome:
    if item["state"] == "conflict":
        return Conflict()
    recorded_at = item["recorded_at"]
    receipt = Receipt(
        origin, event_id, item["seq"], bytes.fromhex(item["entry_hash"]), recorded_at, recorded_at + delay
    )
    return BodyErased(receipt) if item["state"] == "body-erased" else Known(receipt)
