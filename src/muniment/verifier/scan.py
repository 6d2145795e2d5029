"""Scanning entries: every rule for an entry and its neighbours, over a run of entry texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import add, le
from typing import Final

from muniment.core.body import check_body, commit
from muniment.core.canonical import Json, dump_json, parse_json
from muniment.core.columns import EntryColumns, check_entries
from muniment.core.entry import VERSION, entry_findings
from muniment.core.errors import Malformed, VerificationFailed
from muniment.core.event import event_hash
from muniment.core.fields import check_integer, read_hex
from muniment.core.identifiers import check_source_id
from muniment.core.times import MalformedTime, parse_time6
from muniment.verifier.anchors import records
from muniment.verifier.creation import creation_fault, root_named
from muniment.verifier.hashing import EVENT, LEAF, digests, subtrees
from muniment.verifier.refusals import refusals, submitter
from muniment.verifier.run import Gap, Run, SourceSpan, count_unnumbered
from muniment.verifier.sources import ZEROS, link_failure

_TOGETHER: Final = 512
_FEW: Final = 4
_EMPTY: Mapping[str, Json] = {}
Bodies = Mapping[int, tuple[bytes, bytes]]


def scan(texts: Sequence[bytes], start: int, origin: str, bodies: Bodies) -> Run:
    """Check entries that stand next to one another.

    Args:
        texts: the entries as received, at least one.
        start: position of the first.
        origin: what `log` must be.
        bodies: disclosed (salt, body) by index into `texts`.
    """
    return Scanner(start, origin).scan(texts, bodies)


class Scanner:
    """Checks the entries of one run, one after the other."""

    def __init__(self, start: int, origin: str) -> None:
        self.run = Run(start)
        self.origin = origin
        self.before: str | None = None
        self.leaves: list[bytes] = []
        self.texts: Sequence[bytes] = ()
        self.bodies: Bodies = {}

    def scan(self, texts: Sequence[bytes], bodies: Bodies) -> Run:
        """Check all of them, together where nothing is wrong with them, and fold their hashes."""
        self._begin(texts, bodies)
        # The first one has no neighbour here; the others have.
        if not self._first():
            self._one(texts, 0)
        for first in range(1, len(texts), _TOGETHER):
            self._several(texts, first, min(first + _TOGETHER, len(texts)))
        return self._end()

    def alone(self, texts: Sequence[bytes], bodies: Bodies) -> Run:
        """The same, each entry by itself: slower, and what `scan` is held against."""
        self._begin(texts, bodies)
        for index in range(len(texts)):
            self._one(texts, index)
        return self._end()

    def _begin(self, texts: Sequence[bytes], bodies: Bodies) -> None:
        self.leaves = digests(LEAF, texts)
        self.texts = texts
        self.bodies = bodies
        self.run.count = len(texts)

    def _end(self) -> Run:
        run, leaves = self.run, self.leaves
        run.last_hash = leaves[-1].hex()
        if run.start == 0:
            run.genesis = leaves[0]
        run.subtrees = subtrees(run.start, leaves)
        run.refusals = tuple(refusals(self.texts))
        run.anchored = records(self.texts, run.start)
        return run

    def _first(self) -> bool:
        """Check the first entry the quick way, as a bundle of scattered entries has nothing but first ones.

        False if anything is wrong with it, or it begins the log: then it is looked at field by field.
        """
        run, body = self.run, self.bodies.get(0)
        columns = check_entries(self.texts[:1]) if run.start else None
        if columns is None or columns.seq != (run.start,) or columns.log != (self.origin.encode("ascii"),):
            return False
        if body is not None and not _is_body(columns, 0, *body):
            return False
        run.first_prev = columns.prev[0].decode("ascii")
        run.first_time = columns.recorded_at[0].decode("ascii")
        self._take_over(columns, 0)
        run.pairs -= 1
        return True

    def _several(self, texts: Sequence[bytes], first: int, end: int) -> None:
        """Check some entries together; if anything is wrong among them, look for it in halves."""
        if end - first > _FEW:
            columns = check_entries(texts[first:end])
            if columns is not None and self._all_well(columns, first, end):
                self._take_over(columns, first)
                return
            middle = (first + end) // 2
            self._several(texts, first, middle)
            self._several(texts, middle, end)
            return
        for index in range(first, end):
            self._one(texts, index)

    def _one(self, texts: Sequence[bytes], index: int) -> None:
        self.before = self.leaves[index - 1].hex() if index else None
        self.entry(texts[index], self.run.start + index, self.bodies.get(index))

    def _all_well(self, columns: EntryColumns, first: int, end: int) -> bool:
        """Whether place, links, times and disclosed bodies of these entries, and the link to what is before, hold."""
        run = self.run
        start = run.start + first
        times = columns.recorded_at
        return (
            run.last_time is not None
            and columns.seq == tuple(range(start, start + end - first))
            and set(columns.log) == {self.origin.encode("ascii")}
            and b"".join(columns.prev).decode("ascii") == b"".join(self.leaves[first - 1 : end - 1]).hex()
            and run.last_time.encode("ascii") <= times[0]
            and all(map(le, times, times[1:]))
            and all(
                _is_body(columns, index - first, *body) for index, body in self.bodies.items() if first <= index < end
            )
        )

    def _take_over(self, columns: EntryColumns, first: int) -> None:
        """Take over entries of which nothing is wrong; only the numbering of their sources is still open."""
        run = self.run
        count = len(columns.seq)
        run.pairs += count
        run.last_time = columns.recorded_at[-1].decode("ascii")
        disclosed = sum(first <= index < first + count for index in self.bodies)
        run.disclosed += disclosed
        run.undisclosed += count - columns.body_commit.count(b"") - disclosed
        events = digests(EVENT, columns.events)
        rows: dict[bytes, list[int]] = {}
        for row, source in enumerate(map(add, columns.source, columns.epoch)):
            if source in rows:
                rows[source].append(row)
            else:
                rows[source] = [row]
        for mine in rows.values():
            self._follow(columns, events, mine, run.start + first)

    def _follow(self, columns: EntryColumns, events: Sequence[bytes], rows: Sequence[int], start: int) -> None:
        """Follow one source, or one epoch of it, along its rows."""
        run = self.run
        one = rows[0]
        key = (columns.source[one].decode("ascii"), columns.epoch[one].decode("ascii"))
        if not key[1]:
            count_unnumbered(run.unnumbered, {key[0]: len(rows)})
            return
        hashes = [events[row] for row in rows]
        prevs = [columns.source_prev[row] for row in rows]
        number = int(columns.source_seq[one])
        numbers = range(number, number + len(rows))
        self.numbered(key, number, prevs[0].decode("ascii"), hashes[0].hex(), start + one)
        if b"".join(prevs[1:]).decode("ascii") == b"".join(hashes[:-1]).hex() and [
            columns.source_seq[row] for row in rows
        ] == [b"%d" % number for number in numbers]:
            span = run.sources[key]
            span.last_seq, span.last_hash, span.last_position = numbers[-1], hashes[-1].hex(), start + rows[-1]
            return
        for row, prev, hash_ in zip(rows[1:], prevs[1:], hashes[1:], strict=True):
            self.numbered(key, int(columns.source_seq[row]), prev.decode("ascii"), hash_.hex(), start + row)

    def entry(self, text: bytes, position: int, body: tuple[bytes, bytes] | None) -> None:
        """Check one entry field by field, and name everything that is wrong with it."""
        run = self.run
        for wrong in entry_findings(text):
            run.fail("entries", str(wrong), position)
        try:
            value = parse_json(text)
        except Malformed:
            value = 0
        if _is_negative(value) or _fields(value).get("v") != VERSION:
            # Rule 3: no integer is below 0, and what the keys of an unknown version mean is not known.
            value = 0
        fields = _fields(value)
        if position == 0:
            run.creation, run.root = creation_fault(fields, self.origin), root_named(fields)
        if not fields:
            run.unreadable += 1
        else:
            self._place(fields, position)
            self._link(fields, position)
            self._time(fields, position)
        event = _fields(fields.get("event", 0))
        self._body(_fields(event.get("body", 0)), body, position)
        self._source(event, position)

    def _place(self, fields: Mapping[str, Json], position: int) -> None:
        log, seq = fields.get("log"), fields.get("seq")
        if log != self.origin:
            self.run.fail("place", f"it belongs to the log {_shown(log)}", position)
        if type(seq) is not int or seq != position:
            self.run.fail("place", f"its number is {_shown(seq)}", position)

    def _link(self, fields: Mapping[str, Json], position: int) -> None:
        prev = fields.get("prev")
        prev = prev if isinstance(prev, str) else ""
        if position == 0 and prev != ZEROS:
            self.run.fail("chain", "prev of entry 0 is not 64 zeros", position)
        if self.before is None:
            self.run.first_prev = prev
            return
        self.run.pairs += 1
        if prev != self.before:
            self.run.fail(
                "chain", f"prev is not the hash of entry {position - 1}: one of the two was changed", position
            )

    def _time(self, fields: Mapping[str, Json], position: int) -> None:
        time = fields.get("recorded_at")
        try:
            parse_time6(time if isinstance(time, str) else "")
        except MalformedTime:
            self.run.fail("time", "recorded_at cannot be read", position)
            return
        time = str(time)
        if self.run.last_time is not None and time < self.run.last_time:
            self.run.fail("time", f"recorded at {time}, before its predecessor", position)
        if self.run.first_time is None:
            self.run.first_time = time
        self.run.last_time = time

    def _body(self, commitment: Mapping[str, Json], body: tuple[bytes, bytes] | None, position: int) -> None:
        run = self.run
        if body is None:
            run.undisclosed += bool(commitment)
            return
        committed, length = commitment.get("commit"), commitment.get("len")
        if not isinstance(committed, str) or type(length) is not int:
            run.fail("bodies", "a body is disclosed, and the event commits to none", position)
            return
        try:
            check_body(read_hex(committed, 32, "commit"), length, *body)
        except (VerificationFailed, Malformed) as error:
            run.fail("bodies", error.reason, position)
            return
        run.disclosed += 1

    def _source(self, event: Mapping[str, Json], position: int) -> None:
        source = _fields(event.get("source", 0))
        try:
            name, number = _numbering(source)
        except Malformed:
            self._hole(position)
            return
        if number is None:
            count_unnumbered(self.run.unnumbered, {name: 1})
            return
        epoch, prev, seq = number
        self.numbered((name, epoch), seq, prev, event_hash(dump_json(event)).hex(), position)

    def numbered(self, key: tuple[str, str], seq: int, prev: str, hash_: str, position: int) -> None:
        """Follow the numbering of one source: its event `seq` with hash `hash_` stands at `position`."""
        run = self.run
        span = run.sources.get(key)
        if span is None:
            by = submitter(self.texts[position - run.start])
            run.sources[key] = SourceSpan(seq, prev, position, seq, hash_, position, by)
            return
        if run.holes is not None and run.holes[1] > span.last_position and seq > span.last_seq + 1:
            run.edges += 1
        elif seq > span.last_seq + 1:
            by = submitter(self.texts[position - run.start])
            run.gaps.append(Gap(key, span.last_seq + 1, seq - 1, prev, by, position))
        else:
            wrong = link_failure(f"{key[0]} (epoch {key[1][:8]})", span.last_seq, span.last_hash, seq, prev)
            if wrong is not None:
                run.fail("sources", wrong, position)
        span.last_seq, span.last_hash, span.last_position = seq, hash_, position

    def _hole(self, position: int) -> None:
        holes = self.run.holes
        self.run.holes = (position, position) if holes is None else (holes[0], position)


def _numbering(source: Mapping[str, Json]) -> tuple[str, tuple[str, str, int] | None]:
    """Source id, and (epoch, prev, seq) of a numbered source; `Malformed` if it is neither kind of source."""
    name = check_source_id(source.get("id"))
    if set(source) == {"id"}:
        return name, None
    if set(source) != {"epoch", "id", "prev", "seq"}:
        raise Malformed("is no source", "source")
    epoch, prev, seq = source["epoch"], source["prev"], source["seq"]
    read_hex(epoch, 16, "epoch")
    read_hex(prev, 32, "prev")
    return name, (str(epoch), str(prev), check_integer(seq, "seq"))


def _is_body(columns: EntryColumns, row: int, salt: bytes, body: bytes) -> bool:
    return columns.body_commit[row] == commit(salt, body).hex().encode() and columns.body_len[row] == b"%d" % len(body)


def _fields(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else _EMPTY


def _is_negative(value: Json) -> bool:
    if isinstance(value, dict):
        return any(map(_is_negative, value.values()))
    if isinstance(value, list):
        return any(map(_is_negative, value))
    return isinstance(value, int) and value < 0


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
