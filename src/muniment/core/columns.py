"""Entries by the column: every check that concerns single entries, over many of them at once.

One expression reads a whole run of entries; what it leaves open is then looked at column by column, so that a value
that recurs is judged once. It accepts exactly what `entry.parse_entry` accepts, many times as fast.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise, repeat
from operator import contains

from muniment.core.canonical import MAX_BYTES
from muniment.core.entry import parse_entry
from muniment.core.errors import Malformed
from muniment.core.grammar import (
    HEX_DIGITS,
    ULID_LETTERS,
    entry_lines,
    has_control_character,
    read_causes,
    read_controls,
    read_labels,
)
from muniment.core.identifiers import MAX_ACTOR_ID, MAX_RESOURCE_ID, MAX_TOOL
from muniment.core.times import day_number

Column = tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class EntryColumns:
    """What a verifier compares between entries, as ASCII cut out of their texts; row *i* is the *i*-th entry.

    Absent values are empty. `events` are the canonical texts of the events (`event.event_hash` hashes them).
    `seq` are integers; `recorded_at` sorts as the times do; `log` is the origin; `prev`, `epoch`, `source_prev` and
    `body_commit` are hex; `body_len` and `source_seq` are decimal numbers; `source` has its `src_`.
    """

    seq: tuple[int, ...]
    log: Column
    prev: Column
    recorded_at: Column
    events: Column
    source: Column
    epoch: Column
    source_prev: Column
    source_seq: Column
    body_commit: Column
    body_len: Column


@dataclass(frozen=True, slots=True)
class Checked:
    """One row of `EntryColumns`."""

    seq: int
    log: bytes
    prev: bytes
    recorded_at: bytes
    event: bytes
    source: bytes
    epoch: bytes
    source_prev: bytes
    source_seq: bytes
    body_commit: bytes
    body_len: bytes


def check_entries(texts: Sequence[bytes]) -> EntryColumns | None:
    """Hold entries to rules 2 to 4 and to the table, all of them at once.

    Args:
        texts: the entries as received. Some hundreds at a time are read fastest.

    Returns:
        Their columns; None if there are none, or at least one entry may break a rule: `check_entry` says about each.

    Source: docs/format.md sections 1 and 2.
    """
    text = b"\n".join(texts)
    count = len(texts)
    if not count or max(map(len, texts)) > MAX_BYTES or any(map(contains, texts, repeat(b"\n"))):
        return None
    rows: list[tuple[bytes, ...]] = entry_lines(text)
    if len(rows) != count:
        return None
    (
        controls, events, actor_id, body_commit, body_len, causes, event_controls, event_id, labels, escaped_labels,
        occurred_on, resource_id, epoch, numbered, source_prev, source_seq, unnumbered, tool, trace, span,
        log, prev, recorded_at, recorded_on, seq,
    ) = zip(*rows, strict=True)  # fmt: skip
    join = b"".join
    source = tuple(map(bytes.__add__, numbered, unnumbered)) if any(unnumbered) else numbered
    fine = (
        not join((*prev, *body_commit, *epoch, *source_prev, *trace, *span)).translate(None, HEX_DIGITS)
        and not join((*event_id, *source)).translate(None, ULID_LETTERS)
        and (text.isascii() or not has_control_character(text))
        and _lengths_fit(actor_id, MAX_ACTOR_ID)
        and _lengths_fit(resource_id, MAX_RESOURCE_ID)
        and _lengths_fit(tool, MAX_TOOL)
        and _arrays_fit({*controls, *event_controls}, read_controls)
        and _covered(set(zip(controls, event_controls, strict=True)))
        and _arrays_fit(causes, read_causes)
        and _labels_ascend(labels)
        and _arrays_fit(escaped_labels, read_labels)
        and _are_days({*occurred_on, *recorded_on})
    )
    if not fine:
        return None
    return EntryColumns(
        tuple(map(int, seq)),
        log,
        prev,
        recorded_at,
        events,
        tuple(map(b"src_".__add__, source)),
        epoch,
        source_prev,
        source_seq,
        body_commit,
        body_len,
    )


def check_entry(data: bytes) -> Checked:
    """Hold one entry to rules 2 to 4 and to the table.

    Raises:
        MalformedEntry: naming what is wrong.

    Source: docs/format.md sections 1 and 2.
    """
    columns = check_entries((data,))
    if columns is None:
        return _checked(data)
    return Checked(
        columns.seq[0],
        columns.log[0],
        columns.prev[0],
        columns.recorded_at[0],
        columns.events[0],
        columns.source[0],
        columns.epoch[0],
        columns.source_prev[0],
        columns.source_seq[0],
        columns.body_commit[0],
        columns.body_len[0],
    )


def _checked(data: bytes) -> Checked:
    """The long way, for what is wrong, and for the few right entries that the expression leaves open."""
    entry = parse_entry(data)
    source, body = entry.event.source, entry.event.body
    return Checked(
        entry.seq,
        entry.log.encode("ascii"),
        entry.prev.hex().encode("ascii"),
        # The text is canonical, so the time stands where its key says.
        data[(at := data.rindex(b'"recorded_at":"') + 15) : at + 27],
        entry.event.text(),
        source.id.encode("ascii"),
        b"" if source.epoch is None else source.epoch.hex().encode("ascii"),
        b"" if source.prev is None else source.prev.hex().encode("ascii"),
        b"" if source.seq is None else b"%d" % source.seq,
        b"" if body is None else body.commit.hex().encode("ascii"),
        b"" if body is None else b"%d" % body.len,
    )


def _lengths_fit(escaped: Column, maximum: int) -> bool:
    """Only strings that hold escapes, or are too long, are in the column; as they stand, without their quotes."""
    return not any(escaped) or max(map(len, escaped)) <= maximum


def _arrays_fit(arrays: Iterable[bytes], read: Callable[[str], tuple[str, ...] | None]) -> bool:
    return all(read(array.decode("ascii")) is not None for array in arrays if array)


def _covered(pairs: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether every entry's controls hold all of its event's own; both arrays have been read before."""
    return all(_items(own) <= _items(controls) for controls, own in pairs if own)


def _items(array: bytes) -> frozenset[bytes]:
    return frozenset(array[2:-2].split(b'","')) if array else frozenset()


def _labels_ascend(arrays: Column) -> bool:
    """Their grammar and number have been matched, and they hold no escapes."""
    if b'","' not in b"".join(arrays):
        return True
    lists = [array[2:-2].split(b'","') for array in arrays if b'","' in array]
    return all(before < after for items in lists for before, after in pairwise(items))


def _are_days(dates: Iterable[bytes]) -> bool:
    try:
        for date in dates:
            day_number(date.decode("ascii"))
    except Malformed:
        return False
    return True
