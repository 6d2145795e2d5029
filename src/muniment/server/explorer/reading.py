"""Reading for a page: few rows, and soon."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from muniment.ledger.query import EntryFilter
from muniment.server.access.standing import Standing

if TYPE_CHECKING:
    from psycopg import Connection


@contextmanager
def quick_transaction(standing: Standing, asked: EntryFilter | None = None) -> Iterator[Connection[Any]]:
    """A read-only transaction of the tenant whose questions are answered by one process of the database each.

    The planner expects one row where index tables are joined with entries, so that a limit saves nothing in its eyes,
    and hands the whole log to parallel workers. One process goes along an index and stops when the page is full.
    Not so for a label that many entries carry: there the plan for one process is the worse one, and both stay allowed.

    Args:
        standing: of the reader.
        asked: the question, where it is one to the whole log.

    Raises:
        ProblemError: unavailable.
    """
    with standing.transaction() as connection:
        if asked is None or asked.label is None:
            connection.execute("SET LOCAL max_parallel_workers_per_gather = 0")
        yield connection
