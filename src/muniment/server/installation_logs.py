"""What an operator does to a log: give it another key, or take its head from the database."""

import time
from typing import Any

from psycopg import Connection

from muniment.core.checkpoint import Checkpoint
from muniment.core.errors import Refused
from muniment.core.keysnote import KeysNote, Revocation
from muniment.ledger.checkpoints import read_checkpoint
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.heads import HeadDirectory
from muniment.ledger.keysnotes import issue_next, read_keysnotes
from muniment.ledger.registry import TenantLog
from muniment.ledger.seal_growth import keys_in_force, read_head
from muniment.server.installation_tenants import OPERATOR, key_ring
from muniment.server.runtime import Places


def rotate_key(connection: Connection[Any], places: Places, log: TenantLog, *, revoke: bool) -> KeysNote:
    """Make a new key for a log and issue the keys note that puts it in force.

    Args:
        connection: as muniment_app, in autocommit.
        places: of the installation.
        log: whose key.
        revoke: also declare the key in force so far revoked from now on.

    Raises:
        Refused: if the root key is not here.
    """
    ring = key_ring(places)
    root = ring.root()
    key = ring.create_log_key(log.log.origin)
    with tenant_transaction(connection, log.log.tenant_id):
        revoked = []
        if revoke:
            newest = read_keysnotes(connection, log.log.log_id)[-1]
            before = keys_in_force(newest, root.verifier, log.log.origin, log.genesis_hash)
            revoked = [Revocation(before.logs[-1].key, int(time.time()))]
        return issue_next(
            connection, log_id=log.log.log_id, root=root, log_key=key.verifier, revoked=revoked, by=OPERATOR
        )


def adopt_head(connection: Connection[Any], places: Places, log: TenantLog) -> Checkpoint:
    """Write the database's newest checkpoint as the last signed head, where that file is lost.

    Args:
        connection: as muniment_app, in autocommit.
        places: of the installation.
        log: whose head.

    Raises:
        Refused: if a head is here, the log was never sealed, or the checkpoint is not signed by the log's key.
    """
    heads = HeadDirectory(places.heads)
    with heads.held():
        if heads.read(log.log.origin) is not None:
            raise Refused(
                f"the last signed head is here ({heads.file(log.log.origin)}) and is not replaced: if the database "
                "contradicts it, the database was changed or restored",
                log.log.origin,
            )
        with tenant_transaction(connection, log.log.tenant_id):
            stored = read_checkpoint(connection, log.log.log_id, log.log.origin)
            notes = read_keysnotes(connection, log.log.log_id)
        if stored is None or not notes:
            raise Refused("the log was never sealed: there is nothing to adopt", log.log.origin)
        keys = keys_in_force(notes[-1], key_ring(places).root_verifier(), log.log.origin, log.genesis_hash)
        _, head = read_head(stored.note.encoded(), log.log.origin, keys)
        heads.record({log.log.origin: stored.note.encoded()})
    return head
