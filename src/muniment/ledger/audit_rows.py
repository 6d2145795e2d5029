"""The rows of a walk one by one, where something among them is wrong: what is missing, doubled, moved or changed."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from psycopg import Connection, DataError

from muniment.core.errors import VerificationFailed
from muniment.ledger.audit_batch import BatchReader
from muniment.ledger.audit_checkpoints import sealed_between, tell
from muniment.ledger.audit_index import IndexWatch
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.queries import query
from muniment.ledger.tileset import read_nodes
from muniment.verifier.checker import LogChecker
from muniment.verifier.scan import scan


class RowReader:
    """Reads stretches of a log row by row and tells the checker and the index watch everything.

    Args:
        connection: outside a transaction.
        reader: which log, and the keys that judge its checkpoints.
        checker: told of everything; nothing else may be fed to it while a stretch is read.
        sealed: size of the stored tree, which still knows the hashes of entries that are gone.
        tree_failed: told of holes in the stored tree, and of the position.

    Attributes:
        last_at: `recorded_at` of the last row that was read.
    """

    def __init__(
        self,
        connection: Connection[Any],
        reader: BatchReader,
        checker: LogChecker,
        sealed: int,
        tree_failed: Callable[[str, int], None],
    ) -> None:
        self._connection = connection
        self._reader = reader
        self._checker = checker
        self._sealed = sealed
        self._tree_failed = tree_failed
        self._position = 0
        self._texts: list[bytes] = []
        self._bodies: dict[int, tuple[bytes, bytes]] = {}
        self.last_at: datetime | None = None

    def read(self, first: int, end: int, index: IndexWatch) -> bytes:
        """Read the entries from `first` up to `end` and the checkpoints among them; gives the hashes of the entries."""
        reader, checker = self._reader, self._checker
        self._position = first
        hashes: list[bytes] = []
        rows = self._rows(first, end)
        with tenant_transaction(self._connection, reader.tenant_id):
            self._connection.execute("SET LOCAL timezone = 'UTC'")
            up_to = min(end, reader.largest)
            coming = sealed_between(self._connection, reader.log_id, reader.origin, reader.keyring, first, up_to)
            for row in rows:
                while coming and coming[0].size <= self._position:
                    self._flush()
                    tell(checker, coming.pop(0))
                if row[0] < self._position:
                    checker.fail("place", f"there is more than one entry {row[0]}", f"entry {row[0]}", row[0])
                    continue
                if row[0] > self._position:
                    hashes += self._missing(row[0], row[3])
                hashes.append(self._entry(row, index))
            if self._position < end:
                hashes += self._missing(end, None)
            self._flush()
            for sealed in coming:
                tell(checker, sealed)
            index.compare(self._connection, rows)
        return b"".join(hashes)

    def _rows(self, first: int, end: int) -> list[tuple[Any, ...]]:
        parameters = {"log": self._reader.log_id, "first": first, "end": end}
        try:
            with tenant_transaction(self._connection, self._reader.tenant_id):
                self._connection.execute("SET LOCAL timezone = 'UTC'")
                return self._connection.cursor(binary=True).execute(query("walk_entries"), parameters).fetchall()
        except DataError as error:
            # Bytes that are no UTF-8, or a time before all calendars: nobody else could have put that there.
            reason = f"the rows of entries {first} to {end - 1} cannot be read: {error}"
            self._checker.fail("form", reason, f"entry {first}", first)
            return []

    def _entry(self, row: tuple[Any, ...], index: IndexWatch) -> bytes:
        if self._position in self._reader.marks:
            self._flush()
        text: bytes = row[30].encode()
        self._texts.append(text)
        if row[31] == "stored":
            self._bodies[len(self._texts) - 1] = (row[32], row[33])
        self._position += 1
        self.last_at = row[1]
        return index.entry(row, text)

    def _missing(self, end: int, prev: bytes | None) -> list[bytes]:
        """Entries that are not there: their hashes, if the tree or a neighbour still has them, keep the place."""
        self._flush()
        first = self._position
        count = end - first
        many = f"entries {first} to {end - 1} are missing" if count > 1 else "it is missing"
        self._checker.fail("chain", many, f"entry {first}", first)
        nodes = [(0, at) for at in range(first, end)]
        hashes: dict[tuple[int, int], bytes] = {}
        if end <= self._sealed:
            try:
                hashes = read_nodes(self._connection, self._reader.log_id, nodes)
            except VerificationFailed as error:
                self._tree_failed(str(error), end)
        elif count == 1 and prev is not None:
            hashes = {(0, first): prev}
        filled = [hashes.get(node, bytes(32)) for node in nodes]
        for value in filled:
            self._checker.subtree(0, value)
        self._position = end
        return filled

    def _flush(self) -> None:
        texts, bodies = self._texts, self._bodies
        if texts:
            self._texts, self._bodies = [], {}
            start = self._position - len(texts)
            self._checker.run(scan(texts, start, self._reader.origin, bodies))
