"""Reading for a page: few rows, and soon."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from muniment.server.access.standing import Standing

if TYPE_CHECKING:
    from psycopg import Connection


@contextmanager
def quick_transaction(standing: Standing) -> Iterator[Connection[Any]]:
    """A read-only transaction of the tenant whose questions are answered by one process of the database each.

    The planner expects one row where index tables are joined with entries, so that a limit saves nothing in its eyes,
    and hands the whole log to parallel workers. One process goes along an index and stops when the page is full.

    Raises:
        ProblemError: unavailable.
    """
    with standing.transaction() as connection:
        connection.execute("SET LOCAL max_parallel_workers_per_gather = 0")
        yield connection
