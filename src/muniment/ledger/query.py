"""Asking a log for entries, page by page: by time, action, actor, tool, workspace, resource, control, label, trace."""

import base64
import binascii
import hashlib
import struct
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import Connection

from muniment.core.errors import Malformed
from muniment.ledger.queries import query
from muniment.ledger.read import StoredEntry

MAX_LIMIT = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CURSOR = struct.Struct(">8sqq")
MANY = 5_000
"""Entries of a control that are looked up one by one when something else is asked for too."""
_BESIDE = ("control", "label", "evidence")
_OF_ENTRIES = (
    "action",
    "actor",
    "actor_type",
    "tool",
    "workspace",
    "resource",
    "resource_type",
    "outcome",
    "trace",
    "source",
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Entries that evidence something: they hold one of some control ids, or come from an action annotated with one.

    Attributes:
        controls: control ids; an entry that holds any of them evidences it by what was recorded.
        actions: actions whose entries evidence it by annotation; `x` is every action under `x.`.
        besides: actions under `x.` for which `x` does not speak.
    """

    controls: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    besides: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.controls and not self.actions:
            raise Malformed("names no control and no action", "evidence")
        for one in (*self.controls, *self.actions, *self.besides):
            if "\0" in one:
                raise Malformed("holds a zero byte", "evidence")


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFilter:
    """What the entries must have in common. Everything that is not None holds at once.

    Attributes:
        since: recorded at or after; aware.
        until: recorded before; aware.
        action: `tool.call`, or `tool.*` for everything under `tool.`.
        actor: the actor's id.
        tool: name of the tool.
        workspace: of the event.
        resource: the resource's id, and `resource_type` its type.
        resource_type: see `resource`.
        outcome: denied, failure, success or unknown.
        control: a control id of the entry.
        evidence: control ids of the entry or annotated actions, any of them.
        label: `key=value`.
        trace: 16 bytes.
        source: the source's id.
        actor_type: agent, service, session, system or user; no index leads by it.
        below: only places before this one.
        newest_first: the order of the answer.
    """

    since: datetime | None = None
    until: datetime | None = None
    action: str | None = None
    actor: str | None = None
    tool: str | None = None
    workspace: str | None = None
    resource: str | None = None
    resource_type: str | None = None
    outcome: str | None = None
    control: str | None = None
    evidence: Evidence | None = None
    label: str | None = None
    trace: bytes | None = None
    source: str | None = None
    actor_type: str | None = None
    below: int | None = None
    newest_first: bool = True

    def __post_init__(self) -> None:
        for where, time in (("since", self.since), ("until", self.until)):
            if time is not None and time.tzinfo is None:
                raise Malformed("must say its time zone", where)
        if self.action is not None and "*" in self.action.removesuffix(".*"):
            raise Malformed("a star stands only at the end, after a dot: tool.*", "action")
        for where in ("action", "actor", "tool", "workspace", "resource", "outcome", "control", "label", "source"):
            if "\0" in (getattr(self, where) or ""):
                raise Malformed("holds a zero byte", where)

    @property
    def prefix(self) -> str | None:
        """`tool.` for the action `tool.*`, otherwise None."""
        return self.action[:-1] if self.action is not None and self.action.endswith(".*") else None


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the answer: entries in the order of the log, and the cursor of the page after it (None at the end)."""

    entries: list[StoredEntry]
    cursor: str | None


def find_entries(
    connection: Connection[Any], log_id: int, asked: EntryFilter, *, limit: int = 100, cursor: str | None = None
) -> Page:
    """One page of the entries that were asked for.

    Pages do not shift: what is recorded meanwhile comes before a newest-first answer or after an oldest-first one.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        asked: what the entries must have in common.
        limit: entries on the page, 1 to 1,000.
        cursor: of the page before, given with the same filter.

    Raises:
        Malformed: for a limit out of range, or a cursor that was not given for this filter.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise Malformed(f"must lie between 1 and {MAX_LIMIT}", "limit")
    at, seq = (None, None) if cursor is None else _read_cursor(cursor, log_id, asked)
    parameters = {**parameters_of(log_id, asked), "at": at, "seq": seq, "limit": limit + 1}
    text = statement(asked, frequent=is_frequent(connection, log_id, asked))
    rows = connection.cursor(binary=True).execute(text, parameters, prepare=False).fetchall()
    entries = [StoredEntry(row[0], row[1], row[2], row[3].encode()) for row in rows[:limit]]
    following = _write_cursor(entries[-1], log_id, asked) if len(rows) > limit else None
    return Page(entries, following)


def in_one_process(connection: Connection[Any]) -> None:
    """Let the questions of the rest of a transaction be answered by one process of the database each.

    The planner expects one row where index tables meet entries, so that a limit saves nothing in its eyes, and hands
    the whole log to parallel workers. One process goes along an index and stops when the page is full.
    """
    connection.execute("SET LOCAL max_parallel_workers_per_gather = 0")


def parameters_of(log_id: int, asked: EntryFilter) -> dict[str, object]:
    """What the queries of `find_*` and `population_*` take of a filter."""
    return {
        "log": log_id,
        "since": asked.since,
        "until": asked.until,
        "action": None if asked.prefix else asked.action,
        "prefix": asked.prefix,
        # The character after the dot: nothing under the prefix sorts behind it.
        "beyond_prefix": None if asked.prefix is None else asked.prefix[:-1] + "/",
        "actor": asked.actor,
        "tool": asked.tool,
        "workspace": asked.workspace,
        "resource": asked.resource,
        "resource_type": asked.resource_type,
        "outcome": asked.outcome,
        "control": asked.control,
        "evident": None if asked.evidence is None else list(asked.evidence.controls),
        "noted": None if asked.evidence is None else [one for one in asked.evidence.actions if one != "x"],
        "own": asked.evidence is not None and "x" in asked.evidence.actions,
        "besides": [] if asked.evidence is None else list(asked.evidence.besides),
        "label": asked.label,
        "trace": asked.trace,
        "source": asked.source,
        "actor_type": asked.actor_type,
        "below": asked.below,
    }


def statement(asked: EntryFilter, *, frequent: bool = False) -> bytes:
    """The SQL that answers a filter.

    Args:
        asked: the filter.
        frequent: its control is one that many entries evidence.
    """
    also = b""
    leading = leads(asked)
    if leading is not None:
        name = f"find_by_{leading}"
    else:
        name = "find_by_prefix" if asked.prefix is not None else "find_entries"
        also = conditions(asked, frequent=frequent)
    beyond, order = (b"<", b"DESC") if asked.newest_first else (b">", b"ASC")
    return query(name).replace(b"{also}", also).replace(b"{beyond}", beyond).replace(b"{order}", order)


def leads(asked: EntryFilter) -> str | None:
    """Which index table answers a filter alone: that of the one thing that is asked for beside place and time."""
    if narrowed(asked):
        return None
    given = [name for name in _BESIDE if getattr(asked, name) is not None]
    return given[0] if len(given) == 1 else None


def is_frequent(connection: Connection[Any], log_id: int, asked: EntryFilter) -> bool:
    """Whether the control of a filter is evidenced by so many entries that each is looked at and none looked up.

    False for filters in which that makes no difference.
    """
    if asked.control is None or leads(asked) is not None:
        return False
    parameters = {**parameters_of(log_id, asked), "many": MANY}
    return connection.execute(query("control_is_frequent"), parameters, prepare=False).fetchone() == (True,)


def narrowed(asked: EntryFilter) -> bool:
    """Whether something is asked of the entries themselves, beside place and time."""
    return any(getattr(asked, name) is not None for name in _OF_ENTRIES)


def conditions(asked: EntryFilter, *, frequent: bool = False) -> bytes:
    """The conditions that lie in tables beside the entries."""
    also = [name for name in _BESIDE if getattr(asked, name) is not None]
    return b"".join(
        query("also_frequent_control" if frequent and name == "control" else f"also_{name}") for name in also
    )


def cursor_beyond(entry: StoredEntry, log_id: int, asked: EntryFilter) -> str:
    """The cursor of the page that begins after an entry, in the order of the question."""
    return _write_cursor(entry, log_id, asked)


def _digest(log_id: int, asked: EntryFilter) -> bytes:
    return hashlib.sha256(repr((log_id, astuple(asked))).encode()).digest()[:8]


def _write_cursor(last: StoredEntry, log_id: int, asked: EntryFilter) -> str:
    micros = (last.recorded_at - _EPOCH) // timedelta(microseconds=1)
    packed = _CURSOR.pack(_digest(log_id, asked), micros, last.seq)
    return base64.urlsafe_b64encode(packed).decode("ascii")


def _read_cursor(cursor: str, log_id: int, asked: EntryFilter) -> tuple[datetime, int]:
    try:
        digest, micros, seq = _CURSOR.unpack(base64.b64decode(cursor.encode("ascii"), b"-_", validate=True))
        at = _EPOCH + timedelta(microseconds=micros)
    except (ValueError, struct.error, binascii.Error, OverflowError) as error:
        raise Malformed("is no cursor that this service gave", "cursor") from error
    if digest != _digest(log_id, asked):
        raise Malformed("was given for another question; ask again from the first page", "cursor")
    return at, seq
