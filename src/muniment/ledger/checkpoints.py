"""Reading stored checkpoints back as the notes that were signed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection

from muniment.core.checkpoint import Checkpoint
from muniment.core.errors import VerificationFailed
from muniment.core.note import Note, NoteSignature
from muniment.ledger.queries import query


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A checkpoint as the database has it: nothing about it has been checked here.

    Attributes:
        checkpoint: origin, size and root.
        note: the note with every stored signature, in the order of its lines.
        sealed_at: when it was stored, by the database's clock.
    """

    checkpoint: Checkpoint
    note: Note
    sealed_at: datetime


def read_checkpoint(
    connection: Connection, log_id: int, origin: str, size: int | None = None
) -> StoredCheckpoint | None:
    """A log's newest checkpoint, or the one of a certain size.

    Args:
        connection: inside a transaction of the log's tenant.
        log_id: the log.
        origin: its origin.
        size: entries; None for the newest.

    Returns:
        None if there is none.
    """
    parameters = {"log": log_id, "size": size}
    row = connection.cursor(binary=True).execute(query("checkpoint_at"), parameters).fetchone()
    return None if row is None else stored_checkpoint(origin, row)


def stored_checkpoint(origin: str, row: Sequence[object]) -> StoredCheckpoint:
    """Build the note of a row (size, root, sealed_at, key names, key ids, signatures).

    Raises:
        VerificationFailed: if the checkpoint has no signature.
        Malformed: if a name or a number breaks its grammar.
    """
    match row:
        case (int() as size, bytes() as root, datetime() as sealed_at, list() as names, list() as ids, list() as made):
            checkpoint = Checkpoint(origin, size, root)
            lines = tuple(NoteSignature(*line) for line in zip(names, ids, made, strict=True))
            return StoredCheckpoint(checkpoint, Note(checkpoint.text(), lines), sealed_at)
    raise VerificationFailed("it is stored without a signature", f"checkpoint {row[0]}")
