"""Monthly partitions: made ahead, by one SQL function that gives them their guards."""

from typing import Any

from psycopg import Connection

MONTHS_AHEAD = 3
"""Months beyond the current one for which partitions are kept ready."""


def create_partitions(conn: Connection[Any], months_ahead: int = MONTHS_AHEAD) -> list[str]:
    """Make the partitions that are missing up to so many months ahead; returns their names.

    Args:
        conn: as the app role. Call it at every start and once a day.
        months_ahead: 0 to 24.

    Raises:
        psycopg.errors.LockNotAvailable: if readers held the tables for 5 seconds; try again.
    """
    return [str(row[0]) for row in conn.execute("SELECT ledger.create_partitions(%s)", [months_ahead]).fetchall()]


def months_ready(conn: Connection[Any]) -> int:
    """How many months from now on every partitioned table is ready for, the current one included.

    Healthy from 2; at 0 appends fail.
    """
    row = conn.execute("SELECT ledger.months_ready()").fetchone()
    return 0 if row is None else int(row[0])
