"""API keys: `mk_<ULID>_<secret>`, known to the database by `ak_<ULID>` and the SHA-256 of the secret part."""

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from psycopg import AsyncConnection, Connection

from muniment.catalogs.mapping import MAPPING_VERSION
from muniment.core.identifiers import new_ulid
from muniment.ledger.functions import controls_column, optional_seq, recorded_seq

Scope = Literal["append", "read"]

_AUTHENTICATE = "SELECT tenant_id, log_id, scope, origin FROM ledger.authenticate(%s, %s)"


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made. `token` is shown once and stored nowhere.

    Attributes:
        key_id: `ak_` and a ULID.
        token: what the client sends.
        seq: the entry that tells of the key.
    """

    key_id: str
    token: str
    seq: int


@dataclass(frozen=True, slots=True)
class Authenticated:
    """Whose key it is: tenant, log, `append` or `read`, and the log's origin."""

    tenant_id: UUID
    log_id: int
    scope: Scope
    origin: str


def secret_hash(secret: str) -> bytes:
    """What the database keeps of a token's secret part: the SHA-256 of its ASCII, 32 bytes.

    No slow hash is needed: the secret has 256 random bits.
    """
    return hashlib.sha256(secret.encode("ascii")).digest()


def create_api_key(conn: Connection[Any], *, by: str, log_id: int, scope: Scope, label: str) -> NewKey:
    """Make an API key for one log and record that.

    Args:
        conn: as the app role, in a transaction of the tenant.
        by: `system:…` or `user:usr_…`.
        log_id: the log it opens.
        scope: `append` or `read`.
        label: for people, at most 256 bytes; not part of the entry.

    Raises:
        Refused: if the submitter may not be named so, or the log is closed or of another tenant.
    """
    ulid = new_ulid(time.time_ns() // 1_000_000, secrets.token_bytes(10))
    secret = base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode("ascii")
    key_id = f"ak_{ulid}"
    seq = recorded_seq(
        conn,
        "SELECT ledger.create_api_key(%s, %s, %s, %s, %s, %s, %s, %s)",
        by,
        log_id,
        key_id,
        scope,
        secret_hash(secret),
        label,
        MAPPING_VERSION,
        controls_column("key.create"),
    )
    return NewKey(key_id, f"mk_{ulid}_{secret}", seq)


def revoke_api_key(conn: Connection[Any], *, by: str, log_id: int, key_id: str) -> int | None:
    """Revoke a key for good; returns the seq of the entry that tells so, or None if it was revoked before.

    Raises:
        Refused: if the log has no such key.
    """
    return optional_seq(
        conn,
        "SELECT ledger.revoke_api_key(%s, %s, %s, %s, %s)",
        by,
        log_id,
        key_id,
        MAPPING_VERSION,
        controls_column("key.revoke"),
    )


def authenticate(conn: Connection[Any], key_id: str, hashed: bytes) -> Authenticated | None:
    """Whose key that is, or None for an unknown or revoked key or a wrong secret. Needs no tenant to be set.

    Args:
        conn: as the ingest or app role.
        key_id: `ak_` and a ULID.
        hashed: `secret_hash` of the token's secret part.
    """
    row = conn.execute(_AUTHENTICATE, [key_id, hashed]).fetchone()
    return None if row is None else Authenticated(*row)


async def authenticate_async(conn: AsyncConnection[Any], key_id: str, hashed: bytes) -> Authenticated | None:
    """`authenticate` on an asyncio connection."""
    row = await (await conn.execute(_AUTHENTICATE, [key_id, hashed])).fetchone()
    return None if row is None else Authenticated(*row)
