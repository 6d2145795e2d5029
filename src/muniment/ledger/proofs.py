"""Proofs from the stored tree: a few tiles for each, however large the log is.

Source: RFC 9162 sections 2.1.3 and 2.1.4; C2SP tlog-proof.
"""

from psycopg import Connection

from muniment.core.errors import Refused
from muniment.core.tiles import consistency_nodes, inclusion_nodes
from muniment.core.tlogproof import TlogProof
from muniment.ledger.checkpoints import read_checkpoint
from muniment.ledger.tileset import read_folds


class NotSealed(Refused):
    """No checkpoint covers this yet: try again after the promised sealing time."""


def inclusion_proof(connection: Connection, log_id: int, index: int, size: int) -> list[bytes]:
    """The hashes that lead from an entry to the root of a tree.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        index: place of the entry.
        size: any size up to the sealed one.

    Raises:
        Malformed: unless index < size.
        VerificationFailed: if the stored tree does not reach `size`, or has a hole.
    """
    return read_folds(connection, log_id, inclusion_nodes(index, size))


def consistency_proof(connection: Connection, log_id: int, first: int, second: int) -> list[bytes]:
    """The hashes that show that the tree of `second` entries begins with that of `first`.

    Raises:
        Malformed: unless first <= second.
        VerificationFailed: if the stored tree does not reach `second`, or has a hole.
    """
    return read_folds(connection, log_id, consistency_nodes(first, second))


def tlog_proof(connection: Connection, log_id: int, origin: str, index: int, size: int | None = None) -> TlogProof:
    """An entry's inclusion proof with the checkpoint it leads to.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        origin: its origin.
        index: place of the entry.
        size: of a published checkpoint; None for the newest.

    Raises:
        NotSealed: if there is no such checkpoint, or it does not cover the entry.
    """
    stored = read_checkpoint(connection, log_id, origin, size)
    if stored is None:
        raise NotSealed("there is no checkpoint" if size is None else f"there is no checkpoint of size {size}", origin)
    if index >= stored.checkpoint.size:
        raise NotSealed(f"the newest checkpoint covers {stored.checkpoint.size} entries", f"entry {index}")
    hashes = inclusion_proof(connection, log_id, index, stored.checkpoint.size)
    return TlogProof(index, tuple(hashes), stored.note, stored.checkpoint)
