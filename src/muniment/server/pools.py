"""Connections to the database, each pool under the role that its work needs."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from psycopg import Connection
from psycopg_pool import ConnectionPool, PoolTimeout

from muniment.server.problems import refuse
from muniment.server.runtime import Places

if TYPE_CHECKING:
    from collections.abc import Iterator

    from muniment.ledger.roles import Role

READERS: Final = 8
WAIT_SECONDS: Final = 5.0

# A reader that stops reading, or a query that goes on for ever, must not keep its connection from others.
_LIMITS: Final = (
    "-c statement_timeout=30s -c idle_in_transaction_session_timeout=60s -c default_transaction_read_only=on"
)

_lock = threading.Lock()
_readers: ConnectionPool[Connection[Any]] | None = None


def database_url(role: Role) -> str:
    """The URL of a role: `MUNIMENT_<ROLE>_URL`, or the one that the installation's home names.

    Raises:
        Refused: if there is neither.
    """
    return os.environ.get(f"MUNIMENT_{role.upper()}_URL") or Places.of().database_url(role)


@contextmanager
def reader() -> Iterator[Connection[Any]]:
    """A connection of the application's role that can only read.

    Raises:
        ProblemError: unavailable, if none comes free or the database is down.
    """
    try:
        connection = _pool().getconn(timeout=WAIT_SECONDS)
    except PoolTimeout:
        raise refuse(
            "unavailable", "no database connection came free in time; try again", headers={"retry-after": "2"}
        ) from None
    try:
        yield connection
    finally:
        _pool().putconn(connection)


def close_pools() -> None:
    """Give every connection back to the database; the next reader opens the pool anew."""
    global _readers
    with _lock:
        if _readers is not None:
            _readers.close()
        _readers = None


def _pool() -> ConnectionPool[Connection[Any]]:
    global _readers
    with _lock:
        if _readers is None:
            _readers = ConnectionPool(
                database_url("app"),
                min_size=1,
                max_size=READERS,
                timeout=WAIT_SECONDS,
                kwargs={"options": _LIMITS, "autocommit": True, "application_name": "muniment read"},
                check=ConnectionPool.check_connection,
                name="readers",
                open=True,
            )
        return _readers
