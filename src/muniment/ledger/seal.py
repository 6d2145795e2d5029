"""Sealing: signing what a log has become, at a cost that does not depend on how large it is.

Invariants, each with the line of defence that holds it:

1. A log's key never signs two heads that contradict each other. Before signing, the last signed head is read from
   outside the database (`HeadDirectory`): it must be proven to be a beginning of what is signed now. A restored or
   rewritten database fails this.
2. What was signed is known outside before anyone else can see it: the head file is on disk before the checkpoint is
   committed.
3. A cut between the two loses nothing: the next round finds the head file ahead of the database, proves that the
   entries still lead to it, and stores that very note.
4. One round at a time for one head directory (a file lock). Between machines, `ledger.seal` takes up the tree only
   where the sealer read it.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby, islice
from uuid import UUID

from psycopg import Connection, Error

from muniment.core.checkpoint import Checkpoint
from muniment.core.errors import MunimentError, Refused
from muniment.core.keysnote import KeysNote
from muniment.core.merkle import HASH_BYTES
from muniment.core.note import MAX_SIGNATURES, Note, NoteSignature, VerifierKey
from muniment.core.tiles import cover
from muniment.keys import KeyRing, Signer, cosign_checkpoint, sign_checkpoint, verifier_of
from muniment.ledger.checkpoints import read_checkpoint
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.heads import HeadDirectory
from muniment.ledger.queries import query
from muniment.ledger.seal_growth import Growth, keys_in_force, read_growth, read_head
from muniment.ledger.tileset import read_folds
from muniment.ledger.tree import Edge, FullTile

BATCH = 256
"""Logs that are signed before their heads are written and committed together."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """One checkpoint that this round published."""

    tenant_id: UUID
    log_id: int
    origin: str
    size: int
    root: bytes
    note: bytes


@dataclass(slots=True)
class Round:
    """What one round did.

    Attributes:
        sealed: checkpoints published.
        refused: logs that were not sealed, and why; other logs are not held up by them.
        behind: whether some sealed log has more entries waiting than one checkpoint takes.
    """

    sealed: list[Sealed] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    behind: bool = False


@dataclass(frozen=True, slots=True)
class _Prepared:
    tenant_id: UUID
    growth: Growth
    edge: Edge
    tiles: list[FullTile]
    note: Note
    checkpoint: Checkpoint


class Sealer:
    """Seals the logs of all tenants.

    Args:
        keys: the installation's keys; the root's private key is not needed.
        heads: last signed heads, outside the database and its backups.
        clock: POSIX seconds, for cosignatures.
    """

    def __init__(self, keys: KeyRing, heads: HeadDirectory, clock: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._heads = heads
        self._clock = clock
        self._root = keys.root_verifier()
        self._region: Signer = keys.region()
        self._signers: dict[VerifierKey, Signer] = {}

    def round(self, connection: Connection) -> Round:
        """Seal every log that is due.

        Args:
            connection: as muniment_app and outside a transaction: each tenant gets one of its own.
        """
        done = Round()
        with self._heads.held():
            with connection.transaction():
                grown = connection.execute(query("grown_logs")).fetchall()
            rows = iter(grown)
            while batch := list(islice(rows, BATCH)):
                prepared = list(self._prepare_all(connection, batch, done))
                self._heads.record({one.growth.origin: one.note.encoded() for one in prepared})
                self._publish_all(connection, prepared, done)
        return done

    def _prepare_all(
        self, connection: Connection, batch: Iterable[tuple[UUID, int]], done: Round
    ) -> Iterator[_Prepared]:
        for tenant_id, rows in groupby(batch, key=lambda row: row[0]):
            with tenant_transaction(connection, tenant_id):
                for growth in read_growth(connection, [log_id for _, log_id in rows]):
                    try:
                        if isinstance(growth, Refused):
                            raise growth
                        prepared = self._prepare(connection, tenant_id, growth)
                    except MunimentError as error:
                        done.refused.append(
                            error if isinstance(error, Refused) else Refused(str(error), _origin(growth))
                        )
                        continue
                    if prepared is not None:
                        done.behind = done.behind or prepared.checkpoint.size < growth.size
                        yield prepared

    def _prepare(self, connection: Connection, tenant_id: UUID, growth: Growth) -> _Prepared | None:
        keys = keys_in_force(growth.note, self._root, growth.origin, growth.genesis)
        recorded = self._heads.read(growth.origin)
        if recorded is None and growth.root is not None:
            raise Refused(
                f"the last signed head is missing ({self._heads.file(growth.origin)}), and the log has checkpoints: "
                "put the file back, or, if it is lost and the database is no older copy, adopt the database's head",
                growth.origin,
            )
        if recorded is not None:
            note, head = read_head(recorded, growth.origin, keys)
            if head.size > growth.edge.size:
                edge, tiles = self._reach(growth, head)
                return _Prepared(tenant_id, growth, edge, tiles, note, head)
            self._continues(connection, growth, head, keys)
        if not growth.due or not growth.leaves:
            return None
        edge, tiles = growth.edge.extend(growth.leaves)
        checkpoint = Checkpoint(growth.origin, edge.size, edge.root())
        return _Prepared(tenant_id, growth, edge, tiles, self._sign(checkpoint, keys), checkpoint)

    def _reach(self, growth: Growth, head: Checkpoint) -> tuple[Edge, list[FullTile]]:
        """Grow the stored tree to a head that was signed and never committed."""
        if head.size > growth.size:
            raise Refused(
                f"the database holds {growth.size} entries and {head.size} were signed: it was restored from an older "
                "copy. Put the lost entries back verbatim, or start a successor log",
                growth.origin,
            )
        if head.size > growth.reach:
            raise Refused(
                f"the stored tree is more than one checkpoint behind the signed size {head.size}", growth.origin
            )
        edge, tiles = growth.edge.extend(growth.leaves[: (head.size - growth.edge.size) * HASH_BYTES])
        if edge.root() != head.root:
            raise _contradiction(head)
        return edge, tiles

    def _continues(self, connection: Connection, growth: Growth, head: Checkpoint, keys: KeysNote) -> None:
        """Prove that the stored tree begins with the last signed head."""
        if head.size == growth.edge.size:
            if growth.root != head.root:
                raise _contradiction(head)
            return
        if read_folds(connection, growth.log_id, [cover(0, head.size)]) != [head.root]:
            raise _contradiction(head)
        # Somebody else sealed since: only this log's key can have.
        newest = read_checkpoint(connection, growth.log_id, growth.origin)
        if newest is None:
            raise Refused("the newest checkpoint is gone: walk the log, then restore it", growth.origin)
        read_head(newest.note.encoded(), growth.origin, keys)

    def _sign(self, checkpoint: Checkpoint, keys: KeysNote) -> Note:
        now = int(self._clock())
        key = keys.log_key_at(checkpoint.size)
        if keys.revoked_since(key) is not None:
            raise Refused("the log's key is revoked: issue a keys note with another key", checkpoint.origin)
        signatures: list[NoteSignature] = [sign_checkpoint(self._signer(key), checkpoint)]
        if keys.counts(verifier_of(self._region), now):
            signatures.append(cosign_checkpoint(self._region, checkpoint, now))
        elif keys.cosigners:
            raise Refused(
                f"the region's key {self._region.vkey} is no cosigner in the keys note at {now}: issue another",
                checkpoint.origin,
            )
        return Note(checkpoint.text(), tuple(signatures[:MAX_SIGNATURES]))

    def _signer(self, key: VerifierKey) -> Signer:
        if key not in self._signers:
            self._signers[key] = self._keys.log_key(key)
        return self._signers[key]

    def _publish_all(self, connection: Connection, prepared: list[_Prepared], done: Round) -> None:
        for tenant_id, group in groupby(prepared, key=lambda one: one.tenant_id):
            members = list(group)
            try:
                with tenant_transaction(connection, tenant_id):
                    kept = [one for one in members if _publish(connection, one)]
            except Error as error:
                if connection.broken:
                    raise
                done.refused += [
                    Refused(f"the database refused the checkpoint: {error}", one.growth.origin) for one in members
                ]
                continue
            done.sealed += [
                Sealed(
                    tenant_id,
                    one.growth.log_id,
                    one.growth.origin,
                    one.checkpoint.size,
                    one.checkpoint.root,
                    one.note.encoded(),
                )
                for one in kept
            ]


def _publish(connection: Connection, one: _Prepared) -> bool:
    parameters = {
        "log": one.growth.log_id,
        "from": one.growth.edge.size,
        "size": one.checkpoint.size,
        "root": one.checkpoint.root,
        "edge": list(one.edge.tiles),
        "levels": [tile.level for tile in one.tiles],
        "tiles": [tile.index for tile in one.tiles],
        "hashes": [tile.hashes for tile in one.tiles],
        "names": [line.name for line in one.note.signatures],
        "ids": [line.key_id for line in one.note.signatures],
        "signatures": [line.signature for line in one.note.signatures],
    }
    row = connection.execute(query("seal"), parameters).fetchone()
    return row is not None and row[0] is True


def _contradiction(head: Checkpoint) -> Refused:
    return Refused(
        f"the entries do not lead to the head of size {head.size} that was signed: the database was changed, or "
        "restored and written on. Nothing is signed that contradicts it; start a successor log",
        head.origin,
    )


def _origin(growth: Growth | Refused) -> str | None:
    return growth.where if isinstance(growth, Refused) else growth.origin
