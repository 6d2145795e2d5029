"""What an operator sees of the ledger: tenants, API keys, and how the logs do."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from muniment.ledger.connection import tenant_transaction
from muniment.ledger.tenants import LogSize, all_logs


@dataclass(frozen=True, slots=True)
class TenantLog:
    """A tenant and one of its logs.

    Attributes:
        log: its number, origin, size and sealed size.
        slug: short name of the tenant.
        name: the tenant's name for people.
        public_verify: whether anyone may ask for the result of the audit walk.
        genesis_hash: hash of entry 0, 32 bytes.
        region: where the log is kept.
        sealed_at: when its newest checkpoint was stored; None before the first.
        last_at: when its newest entry was recorded.
        walked_at: when the newest finished audit walk ended; None before the first.
        walk_ok: what that walk found.
        anchored_at: the time in the newest timestamp token; None before the first.
        anchored_size: entries under the checkpoint that it stamps.
    """

    log: LogSize
    slug: str
    name: str
    public_verify: bool
    genesis_hash: bytes
    region: str
    sealed_at: datetime | None
    last_at: datetime
    walked_at: datetime | None
    walk_ok: bool | None
    anchored_at: datetime | None
    anchored_size: int | None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key without its secret, which nobody has but its holder."""

    key_id: str
    scope: str
    label: str
    created_at: datetime
    revoked_at: datetime | None


_TENANT_LOG = """
    SELECT t.slug, t.name, t.public_verify, l.genesis_hash, l.region,
        (SELECT max(c.sealed_at) FROM ledger.checkpoints c
         WHERE c.log_id = l.log_id AND c.size = (SELECT max(size) FROM ledger.checkpoints WHERE log_id = l.log_id)),
        h.last_at, w.finished_at, w.ok, a.stamped_at, a.size
    FROM ledger.logs l JOIN ledger.tenants t USING (tenant_id) JOIN ledger.heads h USING (log_id)
    LEFT JOIN LATERAL (
        SELECT finished_at, ok FROM ledger.walks
        WHERE log_id = l.log_id AND finished_at IS NOT NULL ORDER BY number DESC LIMIT 1
    ) w ON true
    LEFT JOIN LATERAL (
        SELECT stamped_at, size FROM ledger.anchors WHERE log_id = l.log_id ORDER BY size DESC LIMIT 1
    ) a ON true
    WHERE l.log_id = %s
"""


def tenant_logs(conn: Connection[Any]) -> list[TenantLog]:
    """Every log with its tenant, in the order in which they were made.

    Args:
        conn: as the app role, outside a transaction.
    """
    with conn.transaction():
        logs = all_logs(conn)
    found = []
    for log in logs:
        with tenant_transaction(conn, log.tenant_id):
            row = conn.execute(_TENANT_LOG, [log.log_id]).fetchone()
        if row is not None:
            found.append(TenantLog(log, *row))
    return found


def api_keys(conn: Connection[Any], tenant_id: UUID, log_id: int) -> list[ApiKey]:
    """The API keys of a log, oldest first, revoked ones included.

    Args:
        conn: as the app role, outside a transaction.
        tenant_id: of the log's tenant.
        log_id: of the log.
    """
    with tenant_transaction(conn, tenant_id):
        rows = conn.execute(
            "SELECT key_id, scope, label, created_at, revoked_at FROM ledger.api_keys "
            "WHERE log_id = %s ORDER BY created_at, key_id",
            [log_id],
        ).fetchall()
    return [ApiKey(*row) for row in rows]
