"""The stored checkpoints that a walk comes past, and what their signatures are worth."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from muniment.core.errors import MunimentError
from muniment.ledger.checkpoints import stored_checkpoint
from muniment.ledger.queries import query
from muniment.verifier.checker import LogChecker
from muniment.verifier.keyring import Judgement, Keyring

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Sealed:
    """A stored checkpoint.

    Attributes:
        size: entries, as its row says.
        note: the note that its rows make; empty if they make none.
        judgement: what the signatures are worth; None if there is no note, and then `fault` says why.
    """

    size: int
    note: bytes
    judgement: Judgement | None
    fault: str = ""


def sealed_between(
    connection: Connection[Any], log_id: int, origin: str, keyring: Keyring, above: int, up_to: int
) -> list[Sealed]:
    """Read and judge the checkpoints with sizes above `above` and at most `up_to`, smallest first.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        origin: its origin.
        keyring: the keys that hold for it.
        above: entries.
        up_to: entries.
    """
    found: list[Sealed] = []
    while above < up_to:
        parameters = {"log": log_id, "above": above, "up_to": up_to, "limit": _PAGE}
        rows = connection.cursor(binary=True).execute(query("checkpoints_between"), parameters).fetchall()
        found += [_judged(origin, keyring, row) for row in rows]
        if len(rows) < _PAGE:
            break
        above = found[-1].size
    return found


def tell(checker: LogChecker, sealed: Sealed) -> None:
    """Hand a checkpoint to the checker, at its present position."""
    if sealed.judgement is None:
        checker.fail("signatures", sealed.fault, f"checkpoint {sealed.size}", sealed.size)
    else:
        checker.judged(sealed.judgement, sealed.note)


def _judged(origin: str, keyring: Keyring, row: Sequence[Any]) -> Sealed:
    try:
        note = stored_checkpoint(origin, row).note.encoded()
        return Sealed(row[0], note, keyring.judge(note))
    except MunimentError as error:
        return Sealed(row[0], b"", None, str(error))
