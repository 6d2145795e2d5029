"""Whether the tables beside the entries (event ids, controls, labels, bodies) say what the hashed texts say."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from psycopg import Connection

from muniment.core.errors import MunimentError
from muniment.core.event import event_hash
from muniment.ledger.audit_batch import Batch
from muniment.ledger.audit_columns import Taken, differing, said, written
from muniment.ledger.queries import query
from muniment.verifier.checker import LogChecker

MAX_ERASED: Final = 100_000
"""Erased bodies whose telling entry is awaited at one time."""


class IndexWatch:
    """Follows the rows of a walk and compares everything that was derived from their texts.

    Args:
        checker: told of what is wrong.
        log_id: the log.
        notes: keys notes by the seq of their entry.
    """

    def __init__(self, checker: LogChecker, log_id: int, notes: Mapping[int, bytes]) -> None:
        self._checker = checker
        self._log_id = log_id
        self._notes = notes
        self._taken: list[Taken] = []
        self._erased: set[int] = set()
        self._overflow = False
        self.rows = self.controls = self.labels = self.bodies = 0

    def take(self, batch: Batch) -> None:
        """Take a batch in which everything agreed."""
        self.rows += batch.rows
        self.controls += batch.controls
        self.labels += batch.labels
        self.bodies += batch.bodies
        for seq in batch.erased:
            self._erase(seq)
        for at, seq in batch.told:
            if seq < at:
                self._erased.discard(seq)

    def entry(self, row: tuple[Any, ...], text: bytes) -> bytes:
        """Take a row of walk_entries.sql with its text; gives the hash of the text."""
        seq: int = row[0]
        self.rows += 1
        entry_hash = sha256(b"\x00" + text).digest()
        try:
            event, same = written(row, self._checker.origin)
        except (MunimentError, TypeError, AttributeError):
            event, same = b"", b""
        if same == text and row[2] == entry_hash:
            taken = Taken(seq, row[7], row[13], event_hash(event), row[6], row[23])
            self._own(seq, row, row[8], row[4], taken.labels)
            has_body = row[26] is not None
        else:
            told = said(text)
            if told is None:
                self._columns(seq, "the text cannot be read, so no column can be compared with it")
                return entry_hash
            for name in differing(row, told):
                self._columns(seq, f"the column {name} is not what the hashed text says")
            taken = told.taken(seq)
            self._own(seq, row, told.columns[7], told.columns[3], taken.labels)
            has_body = told.columns[25] is not None
        self._taken.append(taken)
        self.controls += len(taken.controls or ())
        self.labels += len(taken.labels or ())
        self._body(seq, row, has_body=has_body)
        return entry_hash

    def _own(self, seq: int, row: tuple[Any, ...], action: object, submitter: object, labels: list[str] | None) -> None:
        if action == "body.erase" and not str(submitter).startswith("key:"):
            self._erased -= {int(label[9:]) for label in labels or () if label.startswith("body.seq=")}
        if seq in self._notes and (action != "keys.publish" or row[33] != self._notes[seq]):
            self._checker.fail("keys", "its body is not the keys note that is stored for it", f"entry {seq}", seq)

    def _body(self, seq: int, row: tuple[Any, ...], *, has_body: bool) -> None:
        state = row[31]
        if has_body != (state is not None):
            reason = "the row of its body is missing" if has_body else "it has no body, and a row says that it has"
            self._checker.fail("bodies", reason, f"entry {seq}", seq)
        self.bodies += state is not None
        if state == "erased":
            self._erase(seq)

    def _erase(self, seq: int) -> None:
        if len(self._erased) < MAX_ERASED:
            self._erased.add(seq)
        else:
            self._overflow = True

    def compare(self, connection: Connection[Any], rows: Sequence[tuple[Any, ...]]) -> None:
        """Compare event ids, controls and labels of the rows taken since the last call."""
        taken, self._taken = self._taken, []
        if not taken:
            return
        self._compare_ids(connection, taken, {row[0]: row[1] for row in rows})
        bounds = {
            "log": self._log_id,
            "first": taken[0].seq,
            "end": taken[-1].seq + 1,
            "since": min(row[1] for row in rows),
            "until": max(row[1] for row in rows),
        }
        self._compare_lists(connection, "controls", {one.seq: one.controls for one in taken if one.controls}, bounds)
        self._compare_lists(connection, "labels", {one.seq: one.labels for one in taken if one.labels}, bounds)

    def _compare_lists(
        self, connection: Connection[Any], name: str, expected: dict[int, list[str]], bounds: Mapping[str, object]
    ) -> None:
        values = sorted({value for items in expected.values() for value in items})
        found: dict[int, list[str]] = {}
        if values:
            cursor = connection.cursor(binary=True)
            found = dict(cursor.execute(query(f"walk_{name}"), {**bounds, "values": values}).fetchall())
        if found != expected:
            for seq in sorted(set(found) | set(expected)):
                if found.get(seq) != expected.get(seq):
                    self._columns(seq, f"the index of {name} is not what the hashed text says")

    def _compare_ids(self, connection: Connection[Any], taken: Sequence[Taken], times: Mapping[int, datetime]) -> None:
        parameters = {
            "log": self._log_id,
            "events": [one.event_id for one in taken],
            "sources": [one.source_id for one in taken],
        }
        cursor = connection.cursor(binary=True)
        rows = cursor.execute(query("walk_event_ids"), parameters).fetchall()
        found = {place: found for place, *found in rows}
        for place, one in enumerate(taken, 1):
            if found.get(place) != [one.seq, times[one.seq], one.event_hash]:
                self._columns(one.seq, "the index of event ids is not what the hashed text says")

    def conclude(self, connection: Connection[Any], size: int, *, full: bool) -> None:
        """Count what stands beside the entries, and say how the check `columns` ended.

        Args:
            connection: in a transaction of the log's tenant.
            size: of the log when the walk began.
            full: whether every entry was read; only then can the rows be counted.
        """
        checker = self._checker
        for seq in sorted(self._erased):
            checker.fail("bodies", "it was erased, and no entry tells so", f"entry {seq}", seq)
        if self._overflow:
            checker.remark(f"more than {MAX_ERASED:,} bodies are erased; for the rest no telling entry was looked for")
        counted = ""
        if full:
            row = connection.execute(query("walk_counts"), {"log": self._log_id, "end": size}).fetchone()
            expected = (self.rows, self.controls, self.labels, self.bodies)
            names = ("event ids", "controls", "labels", "bodies")
            for name, mine, theirs in zip(names, row or (0, 0, 0, 0), expected, strict=True):
                if mine != theirs:
                    checker.fail("columns", f"{mine} rows of {name} for {theirs} in the texts", f"{name}", size)
            counted = ", and nothing stands beside them that they do not say"
        checker.passed("columns", f"{self.rows:,} rows are what their texts say{counted}", self.rows)

    def _columns(self, seq: int, reason: str) -> None:
        self._checker.fail("columns", reason, f"entry {seq}", seq)
