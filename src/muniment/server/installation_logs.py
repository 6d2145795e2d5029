"""What an operator does to a log: give it another key."""

import time
from typing import Any

from psycopg import Connection

from muniment.core.keysnote import KeysNote, Revocation
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.keysnotes import issue_next, read_keysnotes
from muniment.ledger.registry import TenantLog
from muniment.ledger.seal_growth import keys_in_force
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
