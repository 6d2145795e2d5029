"""What the sources of a log did last: when, how often, and which of their numbers are missing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from psycopg import Connection

from muniment.ledger.queries import query

SHORTEST_SILENCE: Final = timedelta(minutes=10)
FEWEST_PAUSES: Final = 3
NUMBERS_READ: Final = 1_000
HOUR_CAP: Final = 10_000
_REFUSALS_READ: Final = 200


@dataclass(frozen=True, slots=True)
class SourceActivity:
    """A source and what it did last.

    Attributes:
        source_id: `src_…`.
        key_id: the API key that it belongs to, or `system`.
        label: the key's, or None for the server itself.
        revoked_at: when the key was revoked; None if it was not.
        bound_at: when its first event came, or it was given to this key.
        own: the server's own source.
        last_at: when its newest entry was recorded; None without one.
        last_seq: that entry's place.
        actor: that entry's actor.
        numbered: that event has a number, so that gaps can be seen.
        pauses: how many pauses between its newest entries are known.
        usual: nine of ten of them were shorter, in seconds; None without any.
        last_hour: entries of the last hour, counted up to `HOUR_CAP`.
    """

    source_id: str
    key_id: str
    label: str | None
    revoked_at: datetime | None
    bound_at: datetime
    own: bool
    last_at: datetime | None
    last_seq: int | None
    actor: str | None
    numbered: bool
    pauses: int
    usual: float | None
    last_hour: int

    @property
    def silent_after(self) -> timedelta | None:
        """The pause from which on it counts as silent; None while too little is known, and for the server's own."""
        if self.own or self.usual is None or self.pauses < FEWEST_PAUSES:
            return None
        return max(SHORTEST_SILENCE, timedelta(seconds=3 * self.usual))

    def silent(self, now: datetime) -> bool:
        """Whether it has been still for three times its usual pause, and for ten minutes at least."""
        limit = self.silent_after
        return limit is not None and self.last_at is not None and now - self.last_at > limit


@dataclass(frozen=True, slots=True)
class NumberGap:
    """Numbers that a source left out.

    Attributes:
        epoch: 32 hex.
        first: the first missing number.
        last: the last one.
        before: place of the entry with the next number.
        named: every one of them is named by an entry as refused.
    """

    epoch: str
    first: int
    last: int
    before: int
    named: bool


@dataclass(frozen=True, slots=True)
class Numbering:
    """The numbers of a source's newest entries: `read` entries since place `since`, and the gaps between them."""

    read: int
    numbered: int
    since: int | None
    gaps: tuple[NumberGap, ...]


@dataclass(frozen=True, slots=True)
class FirstEntry:
    """The first entry that a key's sources recorded."""

    source_id: str
    seq: int
    recorded_at: datetime
    action: str


def sources_of_log(connection: Connection[Any], log_id: int, *, limit: int = 1_000) -> list[SourceActivity]:
    """The sources of a log, the one that was heard last first.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        limit: at most so many.
    """
    return _activity(connection, log_id, None, limit)


def source_of_log(connection: Connection[Any], log_id: int, source_id: str) -> SourceActivity | None:
    """One source of a log, or None."""
    return next(iter(_activity(connection, log_id, source_id, 1)), None)


def _activity(connection: Connection[Any], log_id: int, source_id: str | None, limit: int) -> list[SourceActivity]:
    parameters = {"log": log_id, "source": source_id, "cap": HOUR_CAP, "limit": limit}
    rows = connection.execute(query("source_activity"), parameters, prepare=False).fetchall()
    return [SourceActivity(*row) for row in rows]


def first_entry_of_key(connection: Connection[Any], log_id: int, key_id: str) -> FirstEntry | None:
    """The first entry that the sources of an API key recorded, or None while there is none."""
    row = connection.execute(query("first_of_key"), {"log": log_id, "key": key_id}, prepare=False).fetchone()
    return None if row is None else FirstEntry(*row)


def numbering(connection: Connection[Any], log_id: int, source: SourceActivity) -> Numbering:
    """The numbers of a source's newest entries. What lies before them is for a walk to say.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        source: one of its sources.
    """
    asked = {"log": log_id, "source": source.source_id}
    rows = connection.execute(query("source_numbers"), {**asked, "limit": NUMBERS_READ}, prepare=False).fetchall()
    named = _named(
        connection.execute(query("source_refusals"), {**asked, "limit": _REFUSALS_READ}, prepare=False).fetchall(),
        source.key_id,
    )
    numbered = [(str(epoch), int(number), int(seq)) for epoch, number, seq, _ in rows if number is not None]
    since = min((int(row[2]) for row in rows), default=None)
    return Numbering(len(rows), len(numbered), since, tuple(_gaps(numbered, named)))


def _gaps(numbered: Iterable[tuple[str, int, int]], named: set[tuple[str, int]]) -> Iterable[NumberGap]:
    epochs: dict[str, dict[int, int]] = {}
    for epoch, number, seq in numbered:
        epochs.setdefault(epoch, {})[number] = seq
    for epoch, places in epochs.items():
        numbers = sorted(places)
        for before, after in pairwise(numbers):
            if after > before + 1:
                # A gap may be as wide as a number: not each of it is looked at.
                count = sum(before < number < after for of, number in named if of == epoch)
                yield NumberGap(epoch, before + 1, after - 1, places[after], count == after - before - 1)


def _named(rows: Iterable[tuple[str, list[str]]], key_id: str) -> set[tuple[str, int]]:
    """The refused numbers that entries of the same key name, as docs/format.md says."""
    found = set()
    for submitter, labels in rows:
        facts = dict(label.split("=", 1) for label in labels)
        number = facts.get("refused.seq", "")
        if submitter == f"key:{key_id}" and number.isascii() and number.isdecimal() and len(number) <= 16:
            found.add((facts.get("refused.epoch", ""), int(number)))
    return found
