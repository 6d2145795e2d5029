"""Scanning entries: every rule for an entry and its neighbours, over a run of entry texts."""

from __future__ import annotations

import hashlib
from binascii import hexlify
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from muniment.core.body import check_body, commit
from muniment.core.canonical import Json, dump_json, parse_json
from muniment.core.entry import entry_findings
from muniment.core.errors import Malformed, VerificationFailed
from muniment.core.event import event_hash
from muniment.core.fields import check_integer, read_hex
from muniment.core.identifiers import check_source_id
from muniment.core.times import MalformedTime, parse_time6
from muniment.verifier.recogniser import Facts, Recogniser
from muniment.verifier.run import Run, SourceSpan, count_unnumbered
from muniment.verifier.sources import ZEROS, link_failure

_sha256 = hashlib.sha256
_EVENT: Final = b"muniment/event/1\0"
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


@lru_cache(maxsize=4)
def _recogniser(origin: str) -> Recogniser:
    # What it has learnt is worth keeping from run to run.
    return Recogniser(origin)


class Scanner:
    """Checks the entries of one run, one after the other."""

    def __init__(self, start: int, origin: str) -> None:
        self.run = Run(start)
        self.origin = origin
        self.before: str | None = None

    def scan(self, texts: Sequence[bytes], bodies: Bodies) -> Run:
        """Check all of them and fold their hashes."""
        run = self.run
        facts = _recogniser(self.origin).facts
        leaves = []
        position = run.start
        before = b""
        for index, text in enumerate(texts):
            leaf = _sha256(b"\x00" + text).digest()
            body = bodies.get(index) if bodies else None
            known = facts(text, position, before) if before else None
            if known is None or not self._recognised(known, position, body):
                self.before = before.decode("ascii") or None
                self.entry(text, position, body)
            before = hexlify(leaf)
            leaves.append(leaf)
            position += 1
        run.count = len(texts)
        run.last_hash = leaves[-1].hex()
        if run.start == 0:
            run.genesis = leaves[0]
        run.subtrees = subtrees(run.start, leaves)
        return run

    def _recognised(self, facts: Facts, position: int, body: tuple[bytes, bytes] | None) -> bool:
        """Take over an entry that keeps every rule by itself; False if its time or body is to be looked at closely."""
        run = self.run
        time, event, commitment, length, source, epoch, prev, seq = facts
        recorded_at = time.decode("ascii")
        if run.last_time is None or recorded_at < run.last_time:
            return False
        if body is not None:
            if len(body[1]) != length or commit(*body).hex().encode() != commitment:
                return False
            run.disclosed += 1
        elif commitment:
            run.undisclosed += 1
        run.pairs += 1
        run.last_time = recorded_at
        if epoch:
            key = (source, epoch)
            span = run.sources.get(key)
            hash_ = _sha256(_EVENT + event).hexdigest()
            if span is not None and seq == span.last_seq + 1 and prev.decode("ascii") == span.last_hash:
                span.last_seq, span.last_hash, span.last_position = seq, hash_, position
            else:
                self.numbered(key, seq, prev.decode("ascii"), hash_, position)
        elif source in run.unnumbered:
            run.unnumbered[source] += 1
        else:
            count_unnumbered(run.unnumbered, {source: 1})
        return True

    def entry(self, text: bytes, position: int, body: tuple[bytes, bytes] | None) -> None:
        """Check one entry field by field, and name everything that is wrong with it."""
        run = self.run
        for wrong in entry_findings(text):
            run.fail("entries", str(wrong), position)
        try:
            value = parse_json(text)
        except Malformed:
            value = 0
        fields = _fields(value)
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
            check_body(bytes.fromhex(committed), length, *body)
        except (VerificationFailed, ValueError) as error:
            reason = error.reason if isinstance(error, VerificationFailed) else "the commitment is not hex"
            run.fail("bodies", reason, position)
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
            run.sources[key] = SourceSpan(seq, prev, position, seq, hash_, position)
            return
        if run.holes is not None and run.holes[1] > span.last_position and seq > span.last_seq + 1:
            run.edges += 1
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


def subtrees(start: int, leaves: Sequence[bytes]) -> list[tuple[int, bytes]]:
    """The perfect subtrees (level, hash) that cover leaves from position `start`, from left to right.

    Source: RFC 6962 section 2.1; docs/format.md section 7, "Folding".
    """
    found = []
    done, count = 0, len(leaves)
    while done < count:
        level = (count - done).bit_length() - 1
        at = start + done
        if at:
            level = min(level, (at & -at).bit_length() - 1)
        row = list(leaves[done : done + (1 << level)])
        while len(row) > 1:
            pairs = iter(row)
            row = [_sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
        found.append((level, row[0]))
        done += 1 << level
    return found


def _fields(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else _EMPTY


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
