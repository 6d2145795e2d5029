"""Transactions of one tenant."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection, Connection

_ENTER = "SELECT set_config('muniment.tenant', %s, true)"


@contextmanager
def tenant_transaction(conn: Connection[Any], tenant_id: UUID) -> Iterator[None]:
    """Run the block in a transaction that sees and writes the rows of one tenant; commits at its end.

    Args:
        conn: not inside a transaction of another tenant.
        tenant_id: of the tenant.
    """
    with conn.transaction():
        conn.execute(_ENTER, [str(tenant_id)])
        yield


@asynccontextmanager
async def tenant_transaction_async(conn: AsyncConnection[Any], tenant_id: UUID) -> AsyncIterator[None]:
    """`tenant_transaction` on an asyncio connection."""
    async with conn.transaction():
        await conn.execute(_ENTER, [str(tenant_id)])
        yield
