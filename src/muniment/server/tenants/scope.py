"""The database as one tenant sees it: a transaction that names its tenant, and the connection the ledger writes on.

Django's connection is the application's role. Outside `tenant_scope` it sees no row of any tenant.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
from django.db import connection, transaction

from muniment.core.errors import Refused

if TYPE_CHECKING:
    from psycopg import Connection


@contextmanager
def tenant_scope(tenant_id: UUID) -> Iterator[None]:
    """Run the block in a transaction that sees and writes the rows of one tenant; commits at its end.

    Inside a scope of the same tenant it is a savepoint. Inside a transaction that is in no tenant it is a savepoint
    too, after which that transaction is in no tenant again.

    Args:
        tenant_id: of the tenant.

    Raises:
        Refused: inside a scope of another tenant.
    """
    within = connection.in_atomic_block
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT coalesce(current_setting('muniment.tenant', true), '')")
            (named,) = cursor.fetchone()
            if named not in ("", str(tenant_id)):
                raise Refused("this transaction is in another tenant already", "tenant")
            cursor.execute("SELECT set_config('muniment.tenant', %s, true)", [str(tenant_id)])
        yield
        if within and not named and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('muniment.tenant', '', true)")


@contextmanager
def lookup_scope(setting: str, value: str) -> Iterator[None]:
    """Run the block in a transaction that sees the one row whose name it was given, in no tenant.

    Args:
        setting: the transaction-local setting of a `TenantIsolation` lookup, such as `muniment.lookup`.
        value: what the column must hold.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [setting, value])
        yield
        if not connection.needs_rollback:
            # The block may be a savepoint of a longer transaction, where the setting would go on.
            cursor.execute("SELECT set_config(%s, '', true)", [setting])


@contextmanager
def ledger_connection() -> Iterator[Connection[Any]]:
    """Django's connection as the functions of `muniment.ledger` take it: the same session, the same transaction."""
    connection.ensure_connection()
    raw: Connection[Any] = connection.connection
    django_cursor = raw.cursor_factory
    raw.cursor_factory = psycopg.Cursor
    try:
        yield raw
    finally:
        raw.cursor_factory = django_cursor
