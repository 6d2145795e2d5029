"""The mapping in force for a log: reading it, holding it until an entry is appended, changing it.

What is in force beyond the base mapping stands in the log itself, as the body of a `mapping.change` entry; the entries
behind that one name its version. The database refuses entries of keys under any other version, so that a change that
comes between mapping and appending is noticed and the events are mapped anew.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from muniment.catalogs.mapping import MAPPING_VERSION
from muniment.catalogs.overrides import ResolvedMapping, read_resolved, unchanged
from muniment.core.errors import Malformed, Refused
from muniment.ledger.functions import controls_column
from muniment.ledger.refused import named_refusals

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg import AsyncConnection, Connection

MAX_RESOLVED: Final = 262_144
MAX_DOCUMENT: Final = 1_048_576

_OF_KEY: Final = "SELECT version, resolved, known FROM ledger.mapping_of_key(%s, %s, %s, %s)"
_TEXT: Final = "SELECT resolved FROM ledger.mappings WHERE log_id = %s AND version = %s ORDER BY number DESC LIMIT 1"
_CHANGE: Final = "SELECT seq, number FROM ledger.change_mapping(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"


@dataclass(frozen=True, slots=True)
class MappingVersion:
    """A mapping that was put in force.

    Attributes:
        number: of the change, from 1 on.
        version: as entries name it.
        digest: of its resolved text, 32 bytes.
        document: the overrides as they were given; "" where the base mapping was put back.
        seq: of the `mapping.change` entry.
        recorded_at: when.
        by: who: `user:usr_…` or `key:ak_…`.
        mapping: what followed from it.
    """

    number: int
    version: str
    digest: bytes
    document: str
    seq: int
    recorded_at: datetime
    by: str
    mapping: ResolvedMapping


@dataclass(frozen=True, slots=True)
class OfKey:
    """What the ingest service learns of a key's log: the version in force, its text if that is new, known controls."""

    version: str
    resolved: str | None
    known: frozenset[str]


@lru_cache(maxsize=256)
def mapping_of_text(version: str, resolved: str) -> ResolvedMapping:
    """A mapping from its resolved text.

    Raises:
        Malformed: if the text does not give this version.
    """
    return unchanged() if version == MAPPING_VERSION else read_resolved(resolved, version)


def mapping_in_force(connection: Connection[Any], log_id: int) -> ResolvedMapping:
    """What is in force for a log now.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.

    Raises:
        Refused: if the tenant has no such log.
    """
    row = connection.execute("SELECT mapping FROM ledger.logs WHERE log_id = %s", [log_id]).fetchone()
    if row is None:
        raise Refused("there is no such log in this tenant", "log")
    return _of_version(connection, log_id, str(row[0]))


def held_mapping(connection: Connection[Any], log_id: int) -> ResolvedMapping:
    """The same, and it stays so until the transaction ends: takes the log's lock, so append next and commit.

    Args:
        connection: as the app role, in a transaction of the log's tenant.
        log_id: the log.

    Raises:
        Refused: if the tenant has no such log.
    """
    with named_refusals():
        row = connection.execute("SELECT ledger.mapping_in_force(%s)", [log_id]).fetchone()
    return _of_version(connection, log_id, str(row[0]) if row else MAPPING_VERSION)


def _of_version(connection: Connection[Any], log_id: int, version: str) -> ResolvedMapping:
    if version == MAPPING_VERSION:
        return unchanged()
    row = connection.execute(_TEXT, [log_id, version]).fetchone()
    if row is None:
        raise Malformed(f"the text of {version} is not there", "mapping")
    return mapping_of_text(version, str(row[0]))


def mapping_versions(connection: Connection[Any], log_id: int) -> list[MappingVersion]:
    """Every change of a log's mapping, newest first.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
    """
    rows = connection.execute(
        "SELECT number, version, digest, document, seq, recorded_at, by, resolved FROM ledger.mappings "
        "WHERE log_id = %s ORDER BY number DESC",
        [log_id],
    ).fetchall()
    return [
        MappingVersion(number, version, digest, document, seq, at, by, mapping_of_text(version, resolved))
        for number, version, digest, document, seq, at, by, resolved in rows
    ]


def change_mapping(
    connection: Connection[Any],
    log_id: int,
    *,
    by: str,
    actor: tuple[str, str],
    replaces: str,
    mapping: ResolvedMapping,
    document: str,
) -> tuple[int, int]:
    """Put a mapping in force, and record it as a `mapping.change` entry whose body is the mapping's text.

    Args:
        connection: as the app role, in a transaction of the log's tenant; commit at once, the log is locked.
        log_id: the log.
        by: `user:usr_…` or `system:…`: who submits.
        actor: type and id of who did it.
        replaces: the version that is in force as far as the caller knows.
        mapping: what follows from the document.
        document: the overrides; "" to put the base mapping back.

    Returns:
        The entry's seq, and the number of the change.

    Raises:
        Malformed: if the mapping is larger than an entry's body may be.
        MappingChanged: if another one is in force.
        Refused: if the database refuses otherwise.
    """
    resolved = mapping.text()
    if len(resolved) > MAX_RESOLVED or len(document.encode()) > MAX_DOCUMENT:
        raise Malformed(f"changes too much: its text would have {len(resolved):,} bytes of {MAX_RESOLVED:,}", "mapping")
    parameters = [
        by, log_id, *actor, replaces, mapping.version, document, resolved.decode(), secrets.token_bytes(32),
        MAPPING_VERSION, controls_column("mapping.change"),
    ]  # fmt: skip
    with named_refusals():
        row = connection.execute(_CHANGE, parameters).fetchone()
    if row is None:
        raise TypeError("the function answered nothing")
    return int(row[0]), int(row[1])


def add_controls(connection: Connection[Any], controls: Collection[str]) -> None:
    """Say that control ids are the transaction's tenant's own, so that events may name them; none is ever taken back.

    Args:
        connection: as the app role, in a transaction of the tenant.
        controls: control ids that `check_control` lets pass.
    """
    connection.execute("SELECT ledger.add_controls(%s::text[])", [sorted(controls)])


def own_controls(connection: Connection[Any], controls: Collection[str]) -> frozenset[str]:
    """Which of these control ids are the transaction's tenant's own."""
    rows = connection.execute(
        "SELECT control FROM ledger.tenant_controls WHERE control = ANY (%s::text[])", [sorted(controls)]
    ).fetchall()
    return frozenset(str(row[0]) for row in rows)


async def mapping_of_key(
    connection: AsyncConnection[Any], key_id: str, secret_hash: bytes, *, have: str | None, controls: Sequence[str]
) -> OfKey | None:
    """What is in force for a key's log, and which control ids its tenant has of its own; None for no such key.

    Args:
        connection: as the ingest role.
        key_id: `ak_` and a ULID.
        secret_hash: 32 bytes.
        have: the version whose text the caller has.
        controls: control ids to look for.
    """
    cursor = await connection.execute(_OF_KEY, [key_id, secret_hash, have, list(controls)])
    row = await cursor.fetchone()
    return None if row is None or row[0] is None else OfKey(row[0], row[1], frozenset(row[2] or ()))
