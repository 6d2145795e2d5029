"""Adopting the database's newest checkpoint as the last signed head, when the file that kept it is lost."""

import secrets
import time
from typing import Any
from uuid import UUID

from psycopg import Connection

from muniment.catalogs.mapping import MAPPING_VERSION, base_controls
from muniment.core.checkpoint import Checkpoint
from muniment.core.errors import Refused
from muniment.core.event import Actor, Event, Resource, Source
from muniment.core.identifiers import new_ulid
from muniment.keys import KeyRing
from muniment.ledger.append import append_system
from muniment.ledger.checkpoints import read_checkpoint
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.heads import HeadDirectory
from muniment.ledger.queries import query
from muniment.ledger.seal_growth import keys_in_force, read_head
from muniment.ledger.submission import Submission

ACTION = "head.adopt"


def adopt_head(
    connection: Connection[Any],
    keys: KeyRing,
    heads: HeadDirectory,
    tenant_id: UUID,
    log_id: int,
    *,
    by: str = "system:muniment",
) -> Checkpoint:
    """Take the database's word for what was signed last, and record in the log that this was done.

    This gives up a defence: if the database is an older copy, what is sealed from here on contradicts what was signed
    before, and clients will say so. Do it only when the file is lost and the database is known to be whole.

    Args:
        connection: as muniment_app, outside a transaction.
        keys: the installation's keys; only public ones are needed.
        heads: where the head is missing.
        tenant_id: whose log it is.
        log_id: the log.
        by: who decided it.

    Returns:
        The checkpoint that is now the last signed head.

    Raises:
        Refused: if a head is there, the log was never sealed, or its newest checkpoint is not signed by its key.
    """
    with heads.held():
        head, signed = _decide(connection, keys, heads, tenant_id, log_id, by)
        # After the commit: a cut here leaves an entry too many, never a head that nobody is known to have adopted.
        heads.record({head.origin: signed})
    return head


def _decide(
    connection: Connection[Any], keys: KeyRing, heads: HeadDirectory, tenant_id: UUID, log_id: int, by: str
) -> tuple[Checkpoint, bytes]:
    with tenant_transaction(connection, tenant_id):
        row = connection.execute(query("adoptable"), {"log": log_id}).fetchone()
        if row is None:
            raise Refused("there is no such log in this tenant", f"log {log_id}")
        origin, genesis, source, note = row
        if heads.read(origin) is not None:
            raise Refused(
                f"the last signed head is here ({heads.file(origin)}) and is not replaced: if the database contradicts "
                "it, the database was changed or restored",
                origin,
            )
        stored = read_checkpoint(connection, log_id, origin)
        if stored is None or note is None:
            raise Refused("the log was never sealed: there is nothing to adopt", origin)
        found = keys_in_force(note.encode(), keys.root_verifier(), origin, genesis)
        _, head = read_head(stored.note.encoded(), origin, found)
        _record(connection, log_id, head, source, by)
    return head, stored.note.encoded()


def _record(connection: Connection[Any], log_id: int, head: Checkpoint, source: str, by: str) -> None:
    now = time.time_ns()
    event = Event(
        id="evt_" + new_ulid(now // 1_000_000, secrets.token_bytes(10)),
        source=Source(source),
        occurred_at=now,
        action=ACTION,
        actor=Actor(by, "user" if by.startswith("user:") else "system"),
        outcome="success",
        resource=Resource(head.origin, "log"),
        labels=(f"head.root={head.root.hex()}", f"head.size={head.size}"),
    )
    append_system(
        connection,
        by=by,
        log_id=log_id,
        submissions=[Submission(event)],
        controls=[base_controls(ACTION)],
        mapping=MAPPING_VERSION,
    )
