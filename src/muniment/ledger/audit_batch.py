"""A batch of a walk: some entries that are read and checked together, without knowing what stands before them.

The database writes the text that the columns of each row stand for and compares it with the hashed one; here the hashed
text itself is held to every rule, and the indexes are compared as sets. Where nothing is wrong that is all there is to
do. Where anything is, the walk reads the rows again one by one (`audit_rows`) and names it.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from psycopg import Connection, DataError

from muniment.ledger.audit_checkpoints import Sealed, sealed_between
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.queries import query
from muniment.verifier.keyring import Keyring
from muniment.verifier.run import Run
from muniment.verifier.scan import Scanner

BATCH = 1000
"""Entries read at once, in a transaction of their own: a long walk holds nothing up."""

_CONTROLS = (b'",', b',"event":')
_LABELS = (b',"labels":', b',"occurred_at":')
_SETTINGS = (
    "SET LOCAL timezone = 'UTC'",
    # Sets of a thousand are joined as sets, whatever the planner guesses; compiling pays for no query of this size.
    "SET LOCAL enable_nestloop = off",
    "SET LOCAL jit = off",
)


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries beside which everything agrees with their texts; what the texts are worth is in the runs.

    Attributes:
        parts: runs of entries and the checkpoints between them, left to right.
        hashes: of the entries, 32 bytes each.
        last_at: `recorded_at` of the last one.
        rows, controls, labels, bodies: how many rows stand for them in the tables.
        erased: numbers of entries whose body was erased.
        told: (number of a `body.erase` entry, number of the entry whose body it tells of).
    """

    parts: tuple[Run | Sealed, ...]
    hashes: bytes
    last_at: datetime
    rows: int
    controls: int
    labels: int
    bodies: int
    erased: tuple[int, ...]
    told: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class BatchReader:
    """Reads batches of one log; other processes can read others at the same time.

    Attributes:
        origin, tenant_id, log_id: the log.
        largest: size of the newest checkpoint when the walk began.
        keyring: judges the checkpoints.
        marks: sizes at which runs are cut, because a checkpoint from elsewhere has them.
        noted: numbers of the entries that publish keys notes; they are always read one by one.
    """

    origin: str
    tenant_id: UUID
    log_id: int
    largest: int
    keyring: Keyring
    marks: frozenset[int]
    noted: frozenset[int]

    def read(self, connection: Connection[Any], first: int, end: int) -> Batch | None:
        """Read the entries from `first` up to `end`, and the checkpoints with sizes above `first` up to `end`.

        Args:
            connection: outside a transaction.
            first: number of the first entry.
            end: number after the last one.

        Returns:
            None if something does not agree: then the rows have to be looked at one by one.
        """
        if any(first <= seq < end for seq in self.noted):
            return None
        try:
            return self._read(connection, first, end)
        except (DataError, ValueError):
            return None

    def _read(self, connection: Connection[Any], first: int, end: int) -> Batch | None:
        with tenant_transaction(connection, self.tenant_id):
            for setting in _SETTINGS:
                connection.execute(setting)
            parameters = {"log": self.log_id, "origin": self.origin, "first": first, "end": end}
            rows = connection.cursor(binary=True).execute(query("walk_batch"), parameters).fetchall()
            if len(rows) != end - first:
                return None
            seqs, times, hashes, texts, states, erasing, fine = zip(*rows, strict=True)
            if seqs != tuple(range(first, end)) or fine.count(True) != len(fine):
                return None
            bounds = {"log": self.log_id, "first": first, "end": end, "since": min(times), "until": max(times)}
            controls, labels = _places(texts, first, *_CONTROLS), _places(texts, first, *_LABELS)
            told = tuple(_told(first, erasing))
            if not (_agree(connection, "control", controls, bounds) and _agree(connection, "label", labels, bounds)):
                return None
            sealed = sealed_between(connection, self.log_id, self.origin, self.keyring, first, min(end, self.largest))
        parts, leaves = self._runs(texts, states, first, sealed)
        together = b"".join(leaves)
        if together != b"".join(hashes):
            return None
        return Batch(
            tuple(parts),
            together,
            times[-1],
            rows=len(rows),
            controls=sum(map(len, controls.values())),
            labels=sum(map(len, labels.values())),
            bodies=len(states) - states.count(None),
            erased=tuple(seq for seq, state in zip(seqs, states, strict=True) if state == "erased"),
            told=told,
        )

    def _runs(
        self, texts: Sequence[bytes], states: Sequence[str | None], first: int, sealed: Sequence[Sealed]
    ) -> tuple[list[Run | Sealed], list[bytes]]:
        end = first + len(texts)
        cuts = {one.size for one in sealed} | {mark for mark in self.marks if first < mark < end} | {end}
        coming = list(sealed)
        parts: list[Run | Sealed] = []
        leaves: list[bytes] = []
        start = first
        for cut in sorted(cuts):
            scanner = Scanner(start, self.origin)
            run = scanner.scan(texts[start - first : cut - first], {})
            # The database has held these bodies against the commitments that the texts give.
            disclosed = states[start - first : cut - first].count("stored")
            run.disclosed += disclosed
            run.undisclosed -= disclosed
            leaves += scanner.leaves
            parts.append(run)
            while coming and coming[0].size == cut:
                parts.append(coming.pop(0))
            start = cut
        return parts, leaves


def _places(texts: Sequence[bytes], first: int, opening: bytes, closing: bytes) -> dict[str, list[int]]:
    """Which entries name which items, from the array that stands between two parts of their texts.

    Both parts hold a quotation mark, which within a string is always escaped, so neither is found within one.

    Raises:
        ValueError: if the array holds anything but strings.
    """
    found: dict[bytes, list[int]] = {}
    for seq, text in enumerate(texts, first):
        at = text.find(opening)
        array = text[at + len(opening) : text.find(closing, at)] if at >= 0 else b""
        if array in found:
            found[array].append(seq)
        else:
            found[array] = [seq]
    places: dict[str, list[int]] = {}
    for array, seqs in found.items():
        if array[-1:] == b"]":
            for item in orjson.loads(array[array.index(b"[") :]):
                if not isinstance(item, str):
                    raise ValueError("the item of an array is no string")
                places.setdefault(item, []).extend(seqs)
    return places


def _agree(
    connection: Connection[Any], name: str, expected: Mapping[str, list[int]], bounds: Mapping[str, object]
) -> bool:
    """Whether an index has exactly these places."""
    if not expected:
        return True
    parameters = {**bounds, "values": sorted(expected)}
    rows = connection.cursor(binary=True).execute(query(f"walk_{name}_places"), parameters).fetchall()
    found: dict[str, bytes] = dict(rows)
    if len(found) != len(expected):
        return False
    for item, seqs in expected.items():
        packed = found.get(item, b"")
        if len(packed) != 8 * len(seqs):
            return False
        form = f">{len(seqs)}q"
        # Mostly they come in order, because the index has them in order.
        if packed != struct.pack(form, *seqs) and sorted(struct.unpack(form, packed)) != sorted(seqs):
            return False
    return True


def _told(first: int, erasing: Sequence[list[str] | None]) -> Iterator[tuple[int, int]]:
    for seq, labels in enumerate(erasing, first):
        for label in labels or ():
            if label.startswith("body.seq="):
                yield seq, int(label[9:])
