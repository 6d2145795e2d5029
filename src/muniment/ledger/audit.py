"""The audit walk: reading a log in the database from end to end and checking everything that was promised about it.

What is true of the log itself is checked by `muniment.verifier.checker.LogChecker`, as it is for bundles; here is what
only a database has: columns, indexes, bodies, the stored tree, the head row, and the last signed head outside.

An incremental walk begins at the checkpoint that the last good walk ended with. It holds the stored tree against that
root and reads what came after; older entries are not read again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from muniment.core.checkpoint import parse_signed_checkpoint
from muniment.core.errors import Malformed, MunimentError, Refused, VerificationFailed
from muniment.core.keysnote import parse_signed_keysnote
from muniment.core.merkle import HASH_BYTES
from muniment.core.tiles import cover
from muniment.ledger.audit_anchors import check_anchors
from muniment.ledger.audit_batch import Batch, BatchReader
from muniment.ledger.audit_checkpoints import Sealed, tell
from muniment.ledger.audit_index import IndexWatch
from muniment.ledger.audit_rows import RowReader
from muniment.ledger.audit_spread import read_batches
from muniment.ledger.audit_tree import StoredTree, edge_at
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.heads import HeadDirectory
from muniment.ledger.queries import query
from muniment.ledger.tileset import read_nodes
from muniment.ledger.tree import EMPTY_EDGE, Edge
from muniment.verifier.checker import LogChecker
from muniment.verifier.pins import PinnedCheckpoint, Pins
from muniment.verifier.report import Report

Progress = Callable[[int, int], None]
"""Called with the entries walked so far and the entries there are."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A log at the moment in which a walk began."""

    origin: str
    genesis: bytes
    size: int
    entry_hash: bytes
    last_at: datetime
    sealed: int
    tiles: tuple[bytes, ...]
    largest: int | None
    beyond: int
    below: int
    started_at: datetime


def check_log(
    connection: Connection[Any],
    tenant_id: UUID,
    log_id: int,
    *,
    pins: Pins | None = None,
    heads: HeadDirectory | None = None,
    start: PinnedCheckpoint | None = None,
    progress: Progress | None = None,
    workers: int | None = None,
) -> tuple[Standing, Report]:
    """Walk a log; nothing is written.

    Args:
        connection: as the app or auditor role, outside a transaction.
        tenant_id: whose log it is.
        log_id: the log.
        pins: what is trusted from outside: the root key above all.
        heads: last signed heads; without them the check `head` does not know what was signed.
        start: the checkpoint at which the last good walk ended; None to read everything.
        progress: told how far the walk has come.
        workers: processes, each with a connection like this one; None for as many as there are cores if the log is
            large, 1 for none but this one.

    Returns:
        What was walked, and what was found.

    Raises:
        Refused: if there is no such log.
    """
    walk = _Walk(connection, tenant_id, log_id, pins or Pins(), heads, start if start and start.size else None)
    return walk.standing, walk.run(progress, workers)


class _Walk:
    def __init__(
        self,
        connection: Connection[Any],
        tenant_id: UUID,
        log_id: int,
        pins: Pins,
        heads: HeadDirectory | None,
        start: PinnedCheckpoint | None,
    ) -> None:
        self.connection, self.tenant_id, self.log_id, self.heads, self.start = (
            connection,
            tenant_id,
            log_id,
            heads,
            start,
        )
        self.standing = self._read_standing()
        self.head_note = self._read_head()
        others = [(PinnedCheckpoint(start.size, start.root), "the last good walk")] if start else []
        if self.signed_head is not None:
            others.append((self.signed_head, "the last signed head, kept outside the database"))
        self.checker = LogChecker(self.standing.origin, pins, target=f"log {self.standing.origin}", others=others)
        self.first = 0
        self.last_hash = b""
        self.last_at: datetime | None = None

    # --- before the entries ------------------------------------------------------------------------------------------

    def _read_standing(self) -> Standing:
        with tenant_transaction(self.connection, self.tenant_id):
            self.connection.execute("SET LOCAL timezone = 'UTC'")
            cursor = self.connection.cursor(binary=True)
            row = cursor.execute(query("walk_log"), {"log": self.log_id}).fetchone()
            if row is None:
                raise Refused("there is no such log in this tenant", f"log {self.log_id}")
            self.notes = cursor.execute(query("walk_keys_notes"), {"log": self.log_id}).fetchall()
        origin, genesis, size, entry_hash, last_at, sealed, tiles, largest, beyond, below, now = row
        return Standing(
            origin, genesis, size, entry_hash, last_at, sealed, tuple(tiles), largest, beyond, below, started_at=now
        )

    def _read_head(self) -> bytes | None:
        self.signed_head: PinnedCheckpoint | None = None
        self.head_fault: str | None = None
        if self.heads is None:
            return None
        try:
            note = self.heads.read(self.standing.origin)
            if note is not None:
                head = parse_signed_checkpoint(note)[1]
                self.signed_head = PinnedCheckpoint(head.size, head.root)
                if head.origin != self.standing.origin:
                    self.head_fault = f"the last signed head is that of {head.origin}"
            elif self.standing.largest is not None:
                self.head_fault = "the last signed head is missing"
        except MunimentError as error:
            self.head_fault = f"the last signed head cannot be read: {error}"
            return None
        return note

    # --- the walk ----------------------------------------------------------------------------------------------------

    def run(self, progress: Progress | None, workers: int | None) -> Report:
        checker, standing = self.checker, self.standing
        for seq, _, note in self.notes:
            try:
                parse_signed_keysnote(note.encode())
                checker.keys(note.encode())
            except Malformed as error:
                checker.fail("keys", str(error), "keys note", seq)
        index = IndexWatch(checker, self.log_id, {seq: note.encode() for seq, _, note in self.notes})
        tree = StoredTree(standing.sealed, self._stored_edge(), self._begin(), self._tree_failed)
        reader = BatchReader(
            standing.origin,
            self.tenant_id,
            self.log_id,
            standing.largest or 0,
            checker.keyring,
            checker.marks,
            frozenset(seq for seq, _, _ in self.notes),
        )
        rows = RowReader(self.connection, reader, checker, standing.sealed, self._tree_failed)
        first = self.first
        for (start, end), batch in read_batches(reader, self.connection, first, standing.size, workers):
            if batch is None:
                hashes = rows.read(start, end, index)
                self.last_at = rows.last_at
            else:
                hashes = self._take(batch, index)
            self.last_hash = hashes[-HASH_BYTES:]
            # The entry before the stored edge is read only so that the link to it is seen.
            ahead = HASH_BYTES if start == first and self.start is not None else 0
            with tenant_transaction(self.connection, self.tenant_id):
                tree.add(self.connection, self.log_id, hashes[ahead:])
            if progress is not None:
                progress(end, standing.size)
        with tenant_transaction(self.connection, self.tenant_id):
            index.conclude(self.connection, standing.size, full=self.start is None)
            if self.start is None:
                check_anchors(self.connection, self.log_id, checker, up_to=standing.size)
        self._conclude_head()
        return checker.report()

    def _take(self, batch: Batch, index: IndexWatch) -> bytes:
        for part in batch.parts:
            if isinstance(part, Sealed):
                tell(self.checker, part)
            else:
                self.checker.run(part)
        index.take(batch)
        self.last_at = batch.last_at
        return batch.hashes

    def _begin(self) -> Edge:
        """Where reading begins: at entry 0, or at the last one that was read before, so that the link is seen."""
        if self.start is None:
            return EMPTY_EDGE
        first = self.start.size - 1
        try:
            with tenant_transaction(self.connection, self.tenant_id):
                nodes = cover(0, first)
                hashes = read_nodes(self.connection, self.log_id, nodes)
                edge = edge_at(self.connection, self.log_id, self.start.size)
        except VerificationFailed as error:
            self._tree_failed(str(error), first)
            self.start = None
            return EMPTY_EDGE
        for node in nodes:
            self.checker.subtree(node[0], hashes[node])
        self.first = first
        return edge

    # --- tree and head -----------------------------------------------------------------------------------------------

    def _stored_edge(self) -> Edge | None:
        try:
            return Edge(self.standing.sealed, self.standing.tiles)
        except VerificationFailed as error:
            self._tree_failed(str(error), self.standing.sealed)
            return None

    def _tree_failed(self, reason: str, position: int) -> None:
        self.checker.fail("tree", reason, "stored tree", position)

    def _conclude_head(self) -> None:
        standing, faults = self.standing, []
        if standing.size and (self.last_hash, self.last_at) != (standing.entry_hash, standing.last_at):
            faults.append("the head row does not name the last entry")
        if standing.beyond:
            faults.append(f"{standing.beyond} entries stand beyond the head row")
        if standing.below:
            faults.append(f"{standing.below} entries have negative numbers")
        if max(standing.largest or 0, standing.sealed) > standing.size:
            faults.append(
                f"a checkpoint of {max(standing.largest or 0, standing.sealed)} entries is larger than the log"
            )
        if standing.sealed != (standing.largest or 0):
            faults.append(
                f"the stored tree has {standing.sealed} entries, the newest checkpoint {standing.largest or 0}"
            )
        if self.signed_head is not None and self.signed_head.size > standing.size:
            faults.append(f"{self.signed_head.size} entries were signed and {standing.size} are left: the tail was cut")
        if self.head_fault is not None:
            faults.append(self.head_fault)
        for fault in faults:
            self.checker.fail("head", fault, "head", standing.size)
        if standing.size and self.checker.genesis not in (None, standing.genesis):
            self.checker.fail("genesis", "it is not the one that the log's row names", "entry 0", 0)
        outside = "the last signed head agrees" if self.head_note is not None else "no last signed head was looked at"
        self.checker.passed(
            "head", f"the head row names the last of {standing.size:,} entries; {outside}", standing.size
        )
