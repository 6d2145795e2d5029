"""Reading for a page: few rows, and soon."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from muniment.ledger.query import in_one_process
from muniment.server.access.standing import Standing

if TYPE_CHECKING:
    from psycopg import Connection


@contextmanager
def quick_transaction(standing: Standing) -> Iterator[Connection[Any]]:
    """A read-only transaction of the tenant whose questions are answered by one process of the database each.

    Args:
        standing: of the reader.

    Raises:
        ProblemError: unavailable.
    """
    with standing.transaction() as connection:
        in_one_process(connection)
        yield connection
