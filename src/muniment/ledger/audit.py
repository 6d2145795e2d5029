"""The audit walk: reading a log in the database from end to end and checking everything that was promised about it.

What is true of the log itself is checked by `muniment.verifier.checker.LogChecker`, as it is for bundles; here is what
only a database has: columns, indexes, bodies, the stored tree, the head row, and the last signed head outside.

An incremental walk begins at the checkpoint that the last good walk ended with. It holds the stored tree against that
root and reads what came after; older entries are not read again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from muniment.core.checkpoint import parse_signed_checkpoint
from muniment.core.errors import Malformed, MunimentError, Refused, VerificationFailed
from muniment.core.keysnote import parse_signed_keysnote
from muniment.core.tiles import cover
from muniment.ledger.audit_index import IndexWatch
from muniment.ledger.audit_tree import StoredTree, edge_at
from muniment.ledger.checkpoints import stored_checkpoint
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.heads import HeadDirectory
from muniment.ledger.queries import query
from muniment.ledger.tileset import read_nodes
from muniment.ledger.tree import EMPTY_EDGE, Edge
from muniment.verifier.checker import LogChecker
from muniment.verifier.pins import PinnedCheckpoint, Pins
from muniment.verifier.report import Report

BATCH = 1000
"""Entries read at once, in a transaction of their own: a long walk holds nothing up."""
_PAGE = 1000

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

    Returns:
        What was walked, and what was found.

    Raises:
        Refused: if there is no such log.
    """
    walk = _Walk(connection, tenant_id, log_id, pins or Pins(), heads, start)
    return walk.standing, walk.run(progress)


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
        self.position = 0
        self.last_hash = b""
        self.last_at: datetime | None = None
        self.ahead = 0

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

    def run(self, progress: Progress | None) -> Report:
        checker, standing = self.checker, self.standing
        for seq, _, note in self.notes:
            try:
                parse_signed_keysnote(note.encode())
                checker.keys(note.encode())
            except Malformed as error:
                checker.fail("keys", str(error), "keys note", seq)
        index = IndexWatch(checker, self.log_id, {seq: note.encode() for seq, _, note in self.notes})
        tree = StoredTree(standing.sealed, self._stored_edge(), self._begin(), self._tree_failed)
        checkpoints = self._checkpoints()
        coming = next(checkpoints, None)
        while self.position < standing.size:
            end = min(self.position + BATCH, standing.size)
            with tenant_transaction(self.connection, self.tenant_id):
                self.connection.execute("SET LOCAL timezone = 'UTC'")
                parameters = {"log": self.log_id, "first": self.position, "end": end}
                cursor = self.connection.cursor(binary=True)
                rows = cursor.execute(query("walk_entries"), parameters).fetchall()
                hashes = []
                for row in rows:
                    while coming is not None and coming[0] <= self.position:
                        self._checkpoint(coming)
                        coming = next(checkpoints, None)
                    if row[0] < self.position:
                        checker.fail("place", f"there is more than one entry {row[0]}", f"entry {row[0]}", row[0])
                        continue
                    if row[0] > self.position:
                        hashes += self._missing(row[0], row[3])
                    hashes.append(self._entry(row, index))
                if self.position < end:
                    hashes += self._missing(end, None)
                index.compare(self.connection, rows)
                tree.add(self.connection, self.log_id, b"".join(hashes[self.ahead :]))
                self.ahead = 0
            if progress is not None:
                progress(self.position, standing.size)
        while coming is not None and coming[0] <= self.position:
            self._checkpoint(coming)
            coming = next(checkpoints, None)
        with tenant_transaction(self.connection, self.tenant_id):
            index.conclude(self.connection, standing.size, full=self.start is None)
        self._conclude_head()
        return checker.report()

    def _begin(self) -> Edge:
        """Where reading begins: at entry 0, or at the last one that was read before, so that the link is seen."""
        if self.start is None or self.start.size < 1:
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
        self.position = first
        self.ahead = 1
        return edge

    def _entry(self, row: tuple[Any, ...], index: IndexWatch) -> bytes:
        text: bytes = row[30].encode()
        self.checker.entry(text)
        if row[31] == "stored":
            self.checker.body(row[32], row[33])
        entry_hash = index.entry(row, text)
        self.position += 1
        self.last_hash, self.last_at = entry_hash, row[1]
        return entry_hash

    def _missing(self, end: int, prev: bytes | None) -> list[bytes]:
        """Entries that are not there: their hashes, if the tree or a neighbour still has them, keep the place."""
        first = self.position
        count = end - first
        many = f"entries {first} to {end - 1} are missing" if count > 1 else "it is missing"
        self.checker.fail("chain", many, f"entry {first}", first)
        nodes = [(0, at) for at in range(first, end)]
        hashes: dict[tuple[int, int], bytes] = {}
        if end <= self.standing.sealed:
            try:
                hashes = read_nodes(self.connection, self.log_id, nodes)
            except VerificationFailed as error:
                self._tree_failed(str(error), end)
        elif count == 1 and prev is not None:
            hashes = {(0, first): prev}
        filled = [hashes.get(node, bytes(32)) for node in nodes]
        for value in filled:
            self.checker.subtree(0, value)
        self.position = end
        self.last_hash = filled[-1]
        return filled

    # --- checkpoints and head ----------------------------------------------------------------------------------------

    def _checkpoints(self) -> Iterator[tuple[Any, ...]]:
        above = self.start.size - 1 if self.start else 0
        while True:
            parameters = {"log": self.log_id, "above": above, "up_to": self.standing.largest or 0, "limit": _PAGE}
            with tenant_transaction(self.connection, self.tenant_id):
                cursor = self.connection.cursor(binary=True)
                rows = cursor.execute(query("checkpoints_between"), parameters).fetchall()
            yield from rows
            if len(rows) < _PAGE:
                return
            above = rows[-1][0]

    def _checkpoint(self, row: tuple[Any, ...]) -> None:
        where = f"checkpoint {row[0]}"
        try:
            self.checker.checkpoint(stored_checkpoint(self.standing.origin, row).note.encoded())
        except MunimentError as error:
            self.checker.fail("signatures", str(error), where, row[0])

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
