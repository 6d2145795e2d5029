"""Sources: each source id belongs to the API key that first submitted for it."""

from typing import Any

from psycopg import Connection

from muniment.catalogs.mapping import MAPPING_VERSION
from muniment.ledger.functions import controls_column, optional_seq


def bind_source(conn: Connection[Any], *, by: str, log_id: int, source_id: str, key_id: str) -> int | None:
    """Give a source id to another API key of the same log, as after the loss of a key, and record that.

    Args:
        conn: as the app role, in a transaction of the tenant.
        by: `system:…` or `user:usr_…`.
        log_id: the log.
        source_id: a source that has submitted before.
        key_id: an active append key of the log.

    Returns:
        The seq of the entry that tells so, or None if the source is that key's already.

    Raises:
        Refused: if there is no such key or source, or the source is the server's own.
    """
    return optional_seq(
        conn,
        "SELECT ledger.bind_source(%s, %s, %s, %s, %s, %s)",
        by,
        log_id,
        source_id,
        key_id,
        MAPPING_VERSION,
        controls_column("source.bind"),
    )
