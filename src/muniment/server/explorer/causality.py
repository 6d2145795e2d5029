"""What led to an entry and what came of it: entries joined by the causes that events name.

Causes are found by their ids, anywhere in the log. Effects have no index: they are looked for in the trace of the entry
and in a stretch of the log after it, and the answer says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from muniment.ledger.causes import known_references
from muniment.ledger.read import StoredEntry
from muniment.ledger.surroundings import (
    effects_between,
    effects_in_trace,
    entries_of_references,
    frontier,
)
from muniment.server.causality.happening import read_happening

if TYPE_CHECKING:
    from psycopg import Connection

MAX_NODES: Final = 60
MAX_DEPTH: Final = 6
STRETCH: Final = 5_000
"""Entries after the one in question in which effects are looked for when no trace tells."""


@dataclass(frozen=True, slots=True)
class Happening:
    """An entry in the graph. All texts are the source's.

    Attributes:
        reference: `<source>/<event id>`.
        seq: its place.
        relation: to the entry in question: itself, a cause or an effect.
        depth: steps away from it.
        occurred_at: nanoseconds since the Unix epoch.
        action: what happened.
        actor: who did it.
        target: tool or resource, or "".
        outcome: how it ended.
        causes: references that it names.
    """

    reference: str
    seq: int
    relation: Literal["self", "cause", "effect"]
    depth: int
    occurred_at: int
    action: str
    actor: str
    target: str
    outcome: str
    causes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Causality:
    """What was found around an entry.

    Attributes:
        happenings: in the order of time.
        edges: (cause, effect) references; both are among the happenings.
        missing: references that were named as causes and are not in this log.
        cut: there is more than `MAX_NODES` entries or `MAX_DEPTH` steps.
        searched: where effects were looked for: the trace, or so many entries after it.
        in_trace: whether the entry has a trace.
    """

    happenings: tuple[Happening, ...]
    edges: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]
    cut: bool
    searched: int
    in_trace: bool


class _Search:
    """Collects happenings until there are too many."""

    def __init__(self, start: StoredEntry) -> None:
        first = _happening(start, "self", 0)
        self.found: dict[str, Happening] = {first.reference: first}
        self.cut = False

    def widen(
        self,
        fetch: Callable[[set[str], int], Iterable[StoredEntry]],
        of: set[str],
        relation: Literal["cause", "effect"],
    ) -> None:
        """Go outwards step by step: `fetch` gives the entries that are one step from some references."""
        for depth in range(1, MAX_DEPTH + 2):
            if not of:
                return
            room = MAX_NODES - len(self.found)
            entries = fetch(of, room + len(self.found) + 1)
            near = [_happening(entry, relation, depth) for entry in entries]
            fresh = [happening for happening in near if happening.reference not in self.found]
            if depth > MAX_DEPTH:
                self.cut = self.cut or bool(fresh)
                return
            self.cut = self.cut or len(fresh) > room
            self.found.update({happening.reference: happening for happening in fresh[:room]})
            newest = fresh[:room]
            of = {c for h in newest for c in h.causes} - set(self.found) if relation == "cause" else _refs(newest)


def causality_of(connection: Connection[Any], log_id: int, start: StoredEntry) -> Causality:
    """Search around an entry.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        start: the entry in question.
    """
    search = _Search(start)
    first = next(iter(search.found.values()))
    search.widen(
        lambda of, limit: entries_of_references(connection, log_id, of, limit=limit), set(first.causes), "cause"
    )
    trace = read_happening(start.text).trace
    standing = frontier(connection, log_id)
    size = start.seq + 1 if standing is None else standing.size
    last = min(size - 1, start.seq + STRETCH)

    def effects(of: set[str], limit: int) -> Iterable[StoredEntry]:
        near: list[StoredEntry] = []
        if trace:
            near = effects_in_trace(connection, log_id, of, bytes.fromhex(trace), limit=limit)
        after = effects_between(connection, log_id, of, start.seq + 1, last, limit=limit) if last > start.seq else []
        return {entry.seq: entry for entry in [*near, *after]}.values()

    search.widen(effects, {first.reference}, "effect")
    happenings = sorted(search.found.values(), key=lambda h: (h.occurred_at, h.seq))
    edges = [(cause, h.reference) for h in happenings for cause in h.causes if cause in search.found]
    named = {cause for h in happenings if h.depth < MAX_DEPTH for cause in h.causes} - set(search.found)
    known = known_references(connection, log_id, named)
    return Causality(
        tuple(happenings), tuple(edges), tuple(sorted(named - known)), search.cut or bool(known), last - start.seq,
        bool(trace),
    )  # fmt: skip


def _happening(entry: StoredEntry, relation: Literal["self", "cause", "effect"], depth: int) -> Happening:
    read = read_happening(entry.text)
    return Happening(
        reference=read.reference,
        seq=read.seq,
        relation=relation,
        depth=depth,
        occurred_at=read.occurred_at,
        action=read.action,
        actor=read.actor,
        target=read.target,
        outcome=read.outcome,
        causes=read.causes,
    )


def _refs(happenings: Sequence[Happening]) -> set[str]:
    return {happening.reference for happening in happenings}
