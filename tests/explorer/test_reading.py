"""How the explorer's questions are put to the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import Connection

from muniment.ledger.connection import tenant_transaction
from muniment.server.access.standing import Standing
from muniment.server.capabilities import Capability
from muniment.server.explorer.reading import quick_transaction
from tests.support.servers import Tenant

QUESTION = b"EXPLAIN SELECT seq FROM ledger.entries WHERE log_id = %s"


def plan(connection: Connection[Any], log_id: int) -> str:
    return "\n".join(row[0] for row in connection.execute(QUESTION, [log_id]))


def standing_in(tenant: Tenant) -> Standing:
    """A reader's standing whose connection uses parallel workers wherever it is allowed to."""
    made = tenant.made

    class Eager(Standing):
        @contextmanager
        def transaction(self) -> Iterator[Connection[Any]]:
            with tenant.installation.database.connect("app", autocommit=True) as raw:
                raw.execute("SET debug_parallel_query = on")
                with tenant_transaction(raw, made.tenant_id):
                    yield raw

    return Eager("user:usr_reader", made.tenant_id, made.log_id, made.origin, frozenset({Capability.LEDGER_READ}))


def test_a_page_is_answered_by_one_process_of_the_database(tenant: Tenant) -> None:
    standing = standing_in(tenant)
    with standing.transaction() as reading:
        assert "Gather" in plan(reading, standing.log_id)
    with quick_transaction(standing) as reading:
        assert "Gather" not in plan(reading, standing.log_id)
