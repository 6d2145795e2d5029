"""Secrets of a tenant in the database: sealed by its data keys, which the installation's key encryption key wraps.

A sealed value opens only for the tenant and the purpose that it was sealed for; a purpose names table, column and row.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection

from muniment.core.errors import Refused
from muniment.keys.envelope import DataKey, DataKeys, WrappedDataKey, data_key_number
from muniment.keys.kek import FileKek, KeyEncryptionKey
from muniment.server.tenants.scope import ledger_connection, tenant_scope

if TYPE_CHECKING:
    from pathlib import Path

    from psycopg import Connection

KEK_FILE: Final = "kek.key"

_known: dict[UUID, DataKeys] = {}
_lock: Final = threading.Lock()


def seal(tenant_id: UUID, purpose: str, value: bytes) -> bytes:
    """Encrypt a secret of a tenant for one place; the tenant's first data key is made when there is none.

    Args:
        tenant_id: whose secret it is.
        purpose: names table, column and row, such as `mfa.totp/usr_…`; needed to open the value again.
        value: at most 64 KiB.

    Raises:
        Malformed: if the secret is too long or the purpose is none.
        Refused: if the key encryption key cannot be read, or the transaction is in another tenant.
    """
    return _keys(tenant_id, None).seal(value, purpose=purpose)


def open_sealed(tenant_id: UUID, purpose: str, sealed: bytes) -> bytes:
    """Decrypt what `seal` made for the same tenant and purpose.

    Raises:
        VerificationFailed: if it was changed, or sealed for another tenant, purpose or key.
        Malformed: if this is no sealed value.
        Refused: as `seal`.
    """
    return _keys(tenant_id, data_key_number(sealed)).open(sealed, purpose=purpose)


def load_kek(directory: Path) -> KeyEncryptionKey:
    """The key encryption key in `<directory>/kek.key`, made now if it is missing.

    Raises:
        Refused: if the file is not safe to use.
        Malformed: if it does not hold a key.
    """
    path = directory / KEK_FILE
    if not path.exists():
        try:
            return FileKek.create(path)
        except Refused:
            # Of two processes that start together, one reads what the other made.
            if not path.exists():
                raise
    return FileKek.load(path)


def tenant_keys(raw: Connection[Any], kek: KeyEncryptionKey, tenant_id: UUID) -> DataKeys:
    """The data keys of a tenant, the first one made if there is none.

    Args:
        raw: as muniment_app, in a transaction whose tenant is set.
        kek: of the installation.
        tenant_id: of the tenant.

    Raises:
        VerificationFailed: if the key encryption key is not the one that wrapped them, or a row was changed.
    """
    found = _stored(raw, kek, tenant_id)
    if not found:
        made = WrappedDataKey.create(kek, tenant_id, 1)
        raw.execute(
            "INSERT INTO django.tenants_datakey (tenant_id, number, kek_id, wrapped, created_at) "
            "VALUES (%s, %s, %s, %s, now()) ON CONFLICT DO NOTHING",
            [tenant_id, made.number, made.kek_id, made.wrapped],
        )
        found = _stored(raw, kek, tenant_id)
    return DataKeys(found)


def _stored(raw: Connection[Any], kek: KeyEncryptionKey, tenant_id: UUID) -> list[DataKey]:
    rows = raw.execute(
        "SELECT number, kek_id, wrapped FROM django.tenants_datakey WHERE tenant_id = %s ORDER BY number", [tenant_id]
    ).fetchall()
    return [WrappedDataKey(tenant_id, number, kek_id, bytes(wrapped)).unwrap(kek) for number, kek_id, wrapped in rows]


def _keys(tenant_id: UUID, number: int | None) -> DataKeys:
    """The keys of a tenant, from memory unless a value names one that is not there."""
    with _lock:
        known = _known.get(tenant_id)
    if known is not None and (number is None or number <= known.newest.number):
        return known
    # A key that a longer transaction made may be rolled back with it: it is remembered once it is read again.
    lasting = not connection.in_atomic_block
    with tenant_scope(tenant_id), ledger_connection() as raw:
        found = tenant_keys(raw, load_kek(settings.PLACES.keys), tenant_id)
    if lasting:
        with _lock:
            _known[tenant_id] = found
    return found
