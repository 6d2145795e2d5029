"""Erasing a body: the only change that anything beside an entry undergoes."""

from typing import Any

from psycopg import Connection

from muniment.catalogs.mapping import MAPPING_VERSION
from muniment.ledger.functions import controls_column, optional_seq

MAX_STORED = 262_144
"""Bytes of a body that is kept beside its entry; of a larger one only the salt is kept."""


def erase_body(conn: Connection[Any], *, by: str, log_id: int, seq: int) -> int | None:
    """Erase an entry's body and salt, and record that. The commitment stays: the chain and all proofs stand.

    The bytes leave the table now; disk pages, write-ahead log, replicas and backups keep them until those are recycled.

    Args:
        conn: as the app role, in a transaction of the tenant.
        by: `system:…` or `user:usr_…`.
        log_id: the log.
        seq: the entry whose body is to go.

    Returns:
        The seq of the entry that tells so, or None if the body was erased before.

    Raises:
        Refused: if the entry has no body, or is the ledger's own.
    """
    return optional_seq(
        conn,
        "SELECT ledger.erase_body(%s, %s, %s, %s, %s)",
        by,
        log_id,
        seq,
        MAPPING_VERSION,
        controls_column("body.erase"),
    )
