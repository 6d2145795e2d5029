"""Finding the graph of a trace or of an event in the log: bounded, and saying where it stopped.

Causes and the entries of a trace are found by index, anywhere in the log. Effects outside of their cause's trace have
no index: they are looked for in a stretch of the log, and the answer names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from muniment.core.errors import Malformed, VerificationFailed
from muniment.core.identifiers import check_event_id, check_source_id
from muniment.ledger.causes import effects_of_trace, effects_within, known_references
from muniment.ledger.query import EntryFilter, find_entries
from muniment.ledger.read import StoredEntry, entries_of_event, entry_at
from muniment.ledger.surroundings import Frontier, entries_of_references, frontier
from muniment.server.causality.findings import SKEW_NS, Findings, findings_in
from muniment.server.causality.graph import Graph, graph_of
from muniment.server.causality.happening import Happening, read_happening

if TYPE_CHECKING:
    from psycopg import Connection

Relation = Literal["asked", "trace", "cause", "effect"]

MAX_LIMIT: Final = 1_000
"""Entries of the trace itself on one page."""
MAX_RELATIVES: Final = 500
"""Entries beside them: causes and effects in other traces or in none."""
MAX_STEPS: Final = 12
"""Steps that are gone from the trace, or from the event."""
BEFORE: Final = 1_000
"""Entries before the oldest one at hand in which effects are looked for: their cause was sent late."""
STRETCH: Final = 5_000
"""Entries after the newest one at hand in which effects are looked for."""
MAX_STRETCH: Final = 20_000
"""Entries that are read in all to look for effects."""
_TRACE: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_SEQ: Final = re.compile(r"#?(0|[1-9][0-9]{0,15})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for: a trace (16 bytes), or the entry of an event."""

    trace: bytes | None
    start: StoredEntry | None


@dataclass(frozen=True, slots=True)
class Traced:
    """What was found.

    Attributes:
        graph: the entries and their edges.
        findings: what in it cannot be, or wants a look.
        relations: by place: the event that was asked for, an entry of the trace, or a cause or effect beside it.
        trace: the trace, hex; "" for an event that has none.
        missing: references that are named as causes and are not in this log, sorted.
        cut: what was left out: `trace` (more of its entries), `relatives`, `steps`.
        searched: first and last place of the stretch in which effects were looked for; None if there is none.
        standing: how far the log reaches, and is sealed.
        cursor: of the trace's next page, None at its end.
    """

    graph: Graph
    findings: Findings
    relations: dict[int, Relation]
    trace: str
    missing: tuple[str, ...]
    cut: tuple[str, ...]
    searched: tuple[int, int] | None
    standing: Frontier
    cursor: str | None


def asked_for(connection: Connection[Any], log_id: int, name: str) -> Asked | None:
    """What a name means: None if the log has nothing of that name.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        name: a trace (32 hex), `<source>/<event id>`, an event id that only one source used, or a place (4711).

    Raises:
        Malformed: if it is none of these, or an event id that several sources used.
    """
    if _TRACE.fullmatch(name):
        return Asked(bytes.fromhex(name), None)
    if _SEQ.fullmatch(name):
        seq = int(name.lstrip("#"))
        held = entry_at(connection, log_id, seq) if seq < 2**53 else None
        return None if held is None else Asked(None, held[0])
    source, slash, event = name.rpartition("/")
    try:
        check_event_id(event)
        if slash:
            check_source_id(source)
    except Malformed:
        raise Malformed("is a trace (32 hex digits), <source>/<event id>, an event id, or a place", "id") from None
    found = entries_of_event(connection, log_id, event, source if slash else None)
    if len(found) > 1:
        raise Malformed("several sources used that event id; name the source before it: <source>/<event id>", "id")
    return Asked(None, found[0][0]) if found else None


def traced(
    connection: Connection[Any], log_id: int, asked: Asked, *, limit: int, cursor: str | None = None,
    skew_ns: int = SKEW_NS,
) -> Traced | None:  # fmt: skip
    """Search what belongs together; None if there is nothing.

    For a trace: a page of its entries in the order of the log, and what joins on to them. For an event: the event,
    what joins on to it step by step, and the entries of its trace from the oldest on, as far as there is room.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        asked: see `asked_for`.
        limit: entries of the trace, 1 to `MAX_LIMIT`.
        cursor: of the page before; of traces only.
        skew_ns: nanoseconds by which clocks of different sources may differ.

    Raises:
        Malformed: for a limit or cursor that is none, or a cursor with an event.
        VerificationFailed: if an entry's stored text cannot be read.
    """
    standing = frontier(connection, log_id)
    if standing is None:
        return None
    if not 1 <= limit <= MAX_LIMIT:
        raise Malformed(f"must lie between 1 and {MAX_LIMIT}", "limit")
    search = _Search(connection, log_id, standing)
    trace, following = asked.trace, None
    if asked.start is not None:
        if cursor is not None:
            raise Malformed("goes with a trace, not with an event", "cursor")
        start = search.take([asked.start], "asked", 1)[0]
        trace = bytes.fromhex(start.trace) if start.trace else None
    if trace is not None:
        page = find_entries(
            connection, log_id, EntryFilter(trace=trace, newest_first=False), limit=limit, cursor=cursor
        )
        search.take(page.entries, "trace", limit)
        following = page.cursor
        if following is not None:
            search.cut.add("trace")
        if following is not None or cursor is not None:
            search.partial = trace.hex()
    if not search.found:
        return None
    search.widen(pages=asked.trace is not None)
    graph = graph_of(search.found.values())
    missing = search.missing(pages=asked.trace is not None)
    return Traced(
        graph, findings_in(graph, skew_ns=skew_ns, missing=missing), search.relations,
        "" if trace is None else trace.hex(), missing, tuple(sorted(search.cut)), search.searched, standing,
        following if asked.trace is not None else None,
    )  # fmt: skip


@dataclass
class _Search:
    """Collects happenings by reference until there are too many.

    Attributes:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        standing: of the log.
        partial: the trace (hex) of which only some entries are at hand; "" if there is none.
        found: by reference.
        relations: by place.
        cut: see `Traced`.
        searched: see `Traced`.
    """

    connection: Connection[Any]
    log_id: int
    standing: Frontier
    partial: str = ""
    found: dict[str, Happening] = field(default_factory=dict)
    relations: dict[int, Relation] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)
    searched: tuple[int, int] | None = None

    def take(self, entries: Iterable[StoredEntry], relation: Relation, room: int) -> list[Happening]:
        """Keep those that are new, at most `room` of them."""
        taken: list[Happening] = []
        for entry in sorted(entries, key=lambda one: one.seq):
            happening = _read(entry)
            if happening.reference in self.found:
                continue
            if len(taken) == room:
                self.cut.add("relatives")
                break
            self.found[happening.reference] = happening
            self.relations[happening.seq] = relation
            taken.append(happening)
        return taken

    def widen(self, *, pages: bool) -> None:
        """Go step by step to the causes of everything at hand, and to the effects of everything but those causes.

        What else came of a cause beside the trace is another story: an agent's start has a thousand effects.

        Args:
            pages: the rest of the trace comes on other pages; an effect is joined to its cause where the effect stands.
        """
        newest, downstream = list(self.found.values()), list(self.found.values())
        room = MAX_RELATIVES
        for step in range(MAX_STEPS + 1):
            causes = self._causes(newest)
            effects = self._effects(downstream, room, self.partial if pages else "")
            if not {entry.seq for entry in [*causes, *effects]} - set(self.relations):
                return
            if step == MAX_STEPS or room == 0:
                self.cut.add("steps" if room else "relatives")
                return
            upstream = self.take(causes, "cause", room)
            downstream = self.take(effects, "effect", room - len(upstream))
            room -= len(upstream) + len(downstream)
            # What stands on another page of the trace is only joined here; from there on it is that page's.
            newest = [one for one in [*upstream, *downstream] if not (pages and one.trace == self.partial != "")]

    def missing(self, *, pages: bool) -> tuple[str, ...]:
        """Causes that are named and not in the log; those that are there and were left out make the answer cut.

        Args:
            pages: see `widen`. The causes of an entry that stands on another page are that page's to find.
        """
        named = {
            cause
            for one in self.found.values()
            if not (pages and one.trace == self.partial != "" and self.relations[one.seq] != "trace")
            for cause in one.causes
        } - set(self.found)
        there = known_references(self.connection, self.log_id, named)
        if there and "steps" not in self.cut:
            self.cut.add("relatives")
        return tuple(sorted(named - there))

    def _causes(self, newest: list[Happening]) -> list[StoredEntry]:
        wanted = {cause for one in newest for cause in one.causes} - set(self.found)
        if not wanted:
            return []
        # One more than there is room for tells that there are too many.
        return entries_of_references(self.connection, self.log_id, wanted, limit=MAX_RELATIVES + 1)

    def _effects(self, of: list[Happening], room: int, elsewhere: str) -> list[StoredEntry]:
        """Entries that name some events as causes, but those of a trace that stand elsewhere."""
        if not of:
            return []
        limit = len(self.found) + room + 1
        references = [one.reference for one in of]
        entries: list[StoredEntry] = []
        for trace in sorted({one.trace for one in of if one.trace} - {elsewhere}):
            entries += effects_of_trace(self.connection, self.log_id, references, bytes.fromhex(trace), limit=limit)
        first, last = self._stretch(of)
        if first <= last:
            entries += effects_within(self.connection, self.log_id, references, first, last, limit=limit)
        unique = {entry.seq: entry for entry in entries}.values()
        return [entry for entry in unique if not elsewhere or _read(entry).trace != elsewhere]

    def _stretch(self, of: list[Happening]) -> tuple[int, int]:
        """The stretch to be read: from a little before the oldest on, as what is sent late comes after its effects."""
        first = max(0, min(one.seq for one in of) - BEFORE) if self.searched is None else self.searched[0]
        last = min(self.standing.size - 1, max(one.seq for one in of) + STRETCH, first + MAX_STRETCH - 1)
        last = last if self.searched is None else max(last, self.searched[1])
        self.searched = (first, last)
        return first, last


def _read(entry: StoredEntry) -> Happening:
    try:
        return read_happening(entry.text)
    except Malformed as error:
        raise VerificationFailed(f"its stored text {error.reason}", f"entry {entry.seq}") from error
