"""Tenants and their logs."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import Connection

from muniment.catalogs.mapping import MAPPING_VERSION
from muniment.core.identifiers import ulid_of
from muniment.ledger.functions import call, controls_column, recorded_seq
from muniment.ledger.refused import named_refusals


def opaque_tenant_id(tenant_id: UUID) -> str:
    """A tenant's id as it is shown outside: `tnt_` and the ULID of the same 128 bits.

    >>> opaque_tenant_id(UUID(int=1))
    'tnt_00000000000000000000000001'
    """
    return "tnt_" + ulid_of(tenant_id.bytes)


@dataclass(frozen=True, slots=True)
class CreatedLog:
    """A new log: its number in the database and the hash of its entry 0, 32 bytes, by which everybody knows it."""

    log_id: int
    genesis_hash: bytes


@dataclass(frozen=True, slots=True)
class TenantRow:
    """A tenant as looked up by its slug."""

    tenant_id: UUID
    name: str
    public_verify: bool


@dataclass(frozen=True, slots=True)
class LogSize:
    """One log: `size` entries of which `sealed` stand in the stored tree; `state` active or closed."""

    tenant_id: UUID
    log_id: int
    origin: str
    state: str
    size: int
    sealed: int


def create_tenant(conn: Connection[Any], *, slug: str, name: str, public_verify: bool = True) -> UUID:
    """Create a tenant; the transaction is in that tenant from here on.

    Its creation is recorded in its first log, which is to be created in the same transaction.

    Args:
        conn: as the app role, in a transaction of no tenant.
        slug: lower-case letters, digits and hyphens, at most 63; unique in the installation.
        name: for people, at most 256 bytes.
        public_verify: whether anyone may ask for the result of the audit walk.

    Raises:
        Refused: if the transaction is in a tenant already.
        psycopg.errors.UniqueViolation: if the slug is taken.
    """
    tenant_id = call(conn, "SELECT ledger.create_tenant(%s, %s, %s)", slug, name, public_verify)
    if not isinstance(tenant_id, UUID):
        raise TypeError("create_tenant() gave no UUID")
    return tenant_id


def create_log(
    conn: Connection[Any],
    *,
    origin: str,
    region: str,
    seal_within: int,
    root_key: str,
    mapping: str = MAPPING_VERSION,
) -> CreatedLog:
    """Begin a log of the transaction's tenant with its entry 0.

    Args:
        conn: as the app role, in a transaction of the tenant.
        origin: opaque, at most 255 bytes; never used again for another log.
        region: where it is kept; a tenant has one active log in each.
        seal_within: seconds from recording to sealing that are promised, 1 to 86,400.
        root_key: `<key name>+<8 hex digits of key id>` of the installation's root key.
        mapping: version of the mapping in force.

    Raises:
        Refused: if the transaction is in no tenant, or the root key is not named so.
        psycopg.errors.IntegrityError: if the origin is taken, or the region has an active log.

    Source: docs/format.md section 3, "Entry 0".
    """
    with named_refusals():
        row = conn.execute(
            "SELECT log_id, genesis_hash FROM ledger.create_log(%s, %s, %s, %s, %s, %s, %s)",
            [
                origin,
                region,
                seal_within,
                root_key,
                mapping,
                controls_column("log.create"),
                controls_column("tenant.create"),
            ],
        ).fetchone()
    if row is None:
        raise TypeError("create_log() gave no row")
    return CreatedLog(int(row[0]), bytes(row[1]))


def set_public_verify(conn: Connection[Any], *, by: str, log_id: int, public: bool) -> int:
    """Switch the tenant's public verification on or off; returns the seq of the entry that tells so."""
    return recorded_seq(
        conn,
        "SELECT ledger.set_public_verify(%s, %s, %s, %s, %s)",
        by,
        log_id,
        public,
        MAPPING_VERSION,
        controls_column("tenant.change"),
    )


def tenant_by_slug(conn: Connection[Any], slug: str) -> TenantRow | None:
    """The tenant of a slug, or None. Needs no tenant to be set."""
    row = conn.execute("SELECT tenant_id, name, public_verify FROM ledger.tenant_by_slug(%s)", [slug]).fetchone()
    return None if row is None else TenantRow(*row)


def all_logs(conn: Connection[Any]) -> list[LogSize]:
    """Every log of every tenant, for sealing and walking. Needs no tenant to be set."""
    rows = conn.execute("SELECT tenant_id, log_id, origin, state, size, sealed FROM ledger.all_logs()").fetchall()
    return [LogSize(*row) for row in rows]
