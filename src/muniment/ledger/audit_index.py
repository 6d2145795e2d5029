"""Whether the tables beside the entries (event ids, controls, labels, bodies) say what the hashed texts say."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from psycopg import Connection

from muniment.ledger.audit_columns import Said, differing, said
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
        self._told: dict[int, Said] = {}
        self._erased: set[int] = set()
        self._overflow = False
        self.rows = self.controls = self.labels = self.bodies = 0

    def entry(self, row: tuple[Any, ...], text: bytes) -> bytes:
        """Take a row of walk_entries.sql with its text; gives the hash of the text."""
        seq: int = row[0]
        self.rows += 1
        told = said(text)
        if told is None:
            self._columns(seq, "the text cannot be read, so no column can be compared with it")
            return sha256(b"\x00" + text).digest()
        self._told[seq] = told
        for name in differing(row, told):
            self._columns(seq, f"the column {name} is not what the hashed text says")
        values = told.columns
        self.controls += len(values[5]) if isinstance(values[5], list) else 0
        self.labels += len(values[22]) if isinstance(values[22], list) else 0
        self._body(seq, row, has_body=values[25] is not None)
        if values[7] == "body.erase" and not str(values[3]).startswith("key:") and isinstance(values[22], list):
            self._erased -= {int(label[9:]) for label in values[22] if label.startswith("body.seq=")}
        if seq in self._notes and (values[7] != "keys.publish" or row[33] != self._notes[seq]):
            self._checker.fail("keys", "its body is not the keys note that is stored for it", f"entry {seq}", seq)
        entry_hash = values[1]
        return entry_hash if isinstance(entry_hash, bytes) else b""

    def _body(self, seq: int, row: tuple[Any, ...], *, has_body: bool) -> None:
        state = row[31]
        if has_body != (state is not None):
            reason = "the row of its body is missing" if has_body else "it has no body, and a row says that it has"
            self._checker.fail("bodies", reason, f"entry {seq}", seq)
        self.bodies += state is not None
        if state == "erased":
            if len(self._erased) < MAX_ERASED:
                self._erased.add(seq)
            else:
                self._overflow = True

    def compare(self, connection: Connection[Any], rows: Sequence[tuple[Any, ...]]) -> None:
        """Compare event ids, controls and labels of the rows taken since the last call."""
        told, self._told = self._told, {}
        if not told:
            return
        seqs = list(told)
        self._compare_ids(connection, told, seqs)
        bounds = {
            "log": self._log_id,
            "first": min(seqs),
            "end": max(seqs) + 1,
            "since": min(row[1] for row in rows),
            "until": max(row[1] for row in rows),
        }
        for name, at in (("controls", 5), ("labels", 22)):
            expected = {seq: one.columns[at] for seq, one in told.items() if isinstance(one.columns[at], list)}
            values = sorted({value for items in expected.values() if isinstance(items, list) for value in items})
            found: dict[int, object] = {}
            if values:
                cursor = connection.cursor(binary=True)
                parameters = bounds | {"values": values}
                found = dict(cursor.execute(query(f"walk_{name}"), parameters, prepare=False).fetchall())
            if found != expected:
                for seq in sorted(set(found) | set(expected)):
                    if found.get(seq) != expected.get(seq):
                        self._columns(seq, f"the index of {name} is not what the hashed text says")

    def _compare_ids(self, connection: Connection[Any], told: Mapping[int, Said], seqs: Sequence[int]) -> None:
        parameters = {
            "log": self._log_id,
            "events": [told[seq].columns[6] for seq in seqs],
            "sources": [told[seq].columns[12] for seq in seqs],
        }
        cursor = connection.cursor(binary=True)
        rows = cursor.execute(query("walk_event_ids"), parameters, prepare=False).fetchall()
        found = {seqs[place - 1]: (seq, event_hash) for place, seq, _, event_hash in rows}
        for seq in seqs:
            if found.get(seq) != (seq, told[seq].event_hash):
                self._columns(seq, "the index of event ids is not what the hashed text says")

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
