"""Happenings joined by causes: edges, the causal order, and what is named and not there. Pure: no database, no clock.

Two things say that one event came before another: the causes that events name (and the parent span, where an event
names one of another process), and the numbers that a source gives its events. The order respects both; where the two
contradict each other, the causes win inside the contradiction, and `findings` says so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from muniment.server.causality.components import components, ordered
from muniment.server.causality.happening import Happening


@dataclass(frozen=True, slots=True)
class Edge:
    """One event led to another: named by the event itself (`cause`), or by the span that it stands under (`span`)."""

    cause: str
    effect: str
    kind: Literal["cause", "span"]


@dataclass(frozen=True, slots=True)
class Graph:
    """Some entries and how they are joined.

    Attributes:
        happenings: in causal order: nothing before its causes; where nothing decides, in the order of the log.
        edges: by effect in that order, then by cause; both ends are among the happenings.
        outside: references that are named as causes and are not among the happenings, sorted.
        cycles: references of events that lead to one another by causes alone, each sorted by place.
        knots: the same where the numbers of sources are needed to close the circle.
    """

    happenings: tuple[Happening, ...]
    edges: tuple[Edge, ...]
    outside: tuple[str, ...]
    cycles: tuple[tuple[str, ...], ...]
    knots: tuple[tuple[str, ...], ...]


def graph_of(happenings: Collection[Happening]) -> Graph:
    """Join entries of one log.

    Args:
        happenings: each place at most once.
    """
    by_seq = {happening.seq: happening for happening in happenings}
    by_reference: dict[str, Happening] = {}
    for happening in by_seq.values():
        by_reference.setdefault(happening.reference, happening)
    edges = [*_named(by_seq.values(), by_reference)]
    edges += _by_span(by_seq.values(), {(edge.cause, edge.effect) for edge in edges})
    caused: dict[int, list[int]] = {seq: [] for seq in by_seq}
    for edge in edges:
        caused[by_reference[edge.cause].seq].append(by_reference[edge.effect].seq)
    happened = {seq: [*after] for seq, after in caused.items()}
    for earlier, later in _numbered(by_seq.values()):
        happened[earlier].append(later)

    def inside(knot: list[int]) -> list[int]:
        members = set(knot)
        return ordered(knot, {seq: [other for other in caused[seq] if other in members] for seq in knot})

    order = ordered(by_seq, happened, inside)
    place = {by_seq[seq].reference: number for number, seq in enumerate(order)}
    cycles = _circles(by_seq, caused)
    known = {frozenset(cycle) for cycle in cycles}
    knots = [knot for knot in _circles(by_seq, happened) if frozenset(knot) not in known]
    outside = {cause for happening in by_seq.values() for cause in happening.causes if cause not in by_reference}
    return Graph(
        tuple(by_seq[seq] for seq in order),
        tuple(sorted(edges, key=lambda edge: (place[edge.effect], place[edge.cause], edge.kind))),
        tuple(sorted(outside)),
        tuple(cycles),
        tuple(knots),
    )


def _named(happenings: Collection[Happening], known: Mapping[str, Happening]) -> list[Edge]:
    return [
        Edge(cause, happening.reference, "cause")
        for happening in happenings
        if known[happening.reference] is happening
        for cause in dict.fromkeys(happening.causes)
        if cause in known
    ]


def _by_span(happenings: Collection[Happening], named: set[tuple[str, str]]) -> list[Edge]:
    """The first event of a span is what the spans under it came from, unless they name a cause in that span."""
    first: dict[tuple[str, str], Happening] = {}
    for happening in sorted(happenings, key=lambda one: (one.occurred_at, one.seq)):
        if happening.span:
            first.setdefault((happening.trace, happening.span), happening)
    span_of = {happening.reference: happening.span for happening in happenings}
    named_spans = {(effect, span_of.get(cause, "")) for cause, effect in named}
    edges = []
    for happening in happenings:
        parent = first.get((happening.trace, happening.parent)) if happening.parent and happening.trace else None
        if parent is None or parent.reference == happening.reference:
            continue
        if (happening.reference, happening.parent) not in named_spans:
            edges.append(Edge(parent.reference, happening.reference, "span"))
    return edges


def _numbered(happenings: Collection[Happening]) -> list[tuple[int, int]]:
    """Neighbours (places) in the numbering of each source and epoch, as far as they are there."""
    rows: dict[tuple[str, str], list[Happening]] = {}
    for happening in happenings:
        if happening.number is not None:
            rows.setdefault((happening.source, happening.epoch), []).append(happening)
    pairs = []
    for row in rows.values():
        row.sort(key=lambda one: (one.number or 0, one.seq))
        pairs += [(a.seq, b.seq) for a, b in pairwise(row) if a.number != b.number]
    return pairs


def _circles(by_seq: Mapping[int, Happening], after: Mapping[int, Sequence[int]]) -> list[tuple[str, ...]]:
    """Sets of more than one event that reach one another, by the place of their first."""
    found = sorted(group for group in components(by_seq, after) if len(group) > 1)
    return [tuple(by_seq[seq].reference for seq in group) for group in found]
