"""What in a graph cannot be as it is said, or wants a second look. Nothing is left out of a graph because of it.

A ledger shows what sources said and in which order it arrived. It does not know which of two statements that
contradict each other is the wrong one; a finding names both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal

from muniment.server.causality.graph import Graph
from muniment.server.causality.happening import Happening

Kind = Literal["self-cause", "cycle", "source-order", "clock", "recorded-earlier", "missing"]

CONTRADICTIONS: Final[frozenset[Kind]] = frozenset({"self-cause", "cycle", "source-order", "clock"})
"""Kinds of which the statements cannot all be true; the others can have an innocent reason, which they name."""
MOST: Final = 200
"""Findings that are listed."""
NAMED: Final = 16
"""Events that one finding names."""
SKEW_NS: Final = 5_000_000_000
"""By how much clocks of two sources may differ before it is a finding, unless the reader says otherwise."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding.

    Attributes:
        kind: of finding.
        about: references of the events, the cause first; at most `NAMED`.
        says: one sentence.
    """

    kind: Kind
    about: tuple[str, ...]
    says: str

    @property
    def contradicts(self) -> bool:
        """Whether it is a contradiction."""
        return self.kind in CONTRADICTIONS


@dataclass(frozen=True, slots=True)
class Findings:
    """The findings, contradictions first, and how many more there are."""

    listed: tuple[Finding, ...]
    more: int


def findings_in(graph: Graph, *, skew_ns: int = SKEW_NS, missing: Collection[str] = ()) -> Findings:
    """Hold the order of the log, the numbers of sources and the clocks against the causes.

    Args:
        graph: what is at hand; what was cut off is not looked at.
        skew_ns: nanoseconds by which clocks of different sources may differ.
        missing: references that are named as causes and are known not to be in the log.
    """
    every = sorted(_all(graph, skew_ns, frozenset(missing)), key=lambda finding: not finding.contradicts)
    return Findings(tuple(islice(every, MOST)), max(0, len(every) - MOST))


def _all(graph: Graph, skew_ns: int, missing: frozenset[str]) -> Iterator[Finding]:
    by_reference = {happening.reference: happening for happening in graph.happenings}
    circling = {reference: number for number, cycle in enumerate(graph.cycles) for reference in cycle}
    for cycle in graph.cycles:
        yield Finding(
            "cycle",
            cycle[:NAMED],
            f"{len(cycle)} events name one another as causes, in a circle: entries {_places(cycle, by_reference)}",
        )
    for edge in graph.edges:
        if edge.cause == edge.effect:
            yield Finding(
                "self-cause", (edge.cause,), f"entry {by_reference[edge.cause].seq} names itself as its cause"
            )
            continue
        cause, effect = by_reference[edge.cause], by_reference[edge.effect]
        yield from _order(cause, effect)
        if circling.get(edge.cause, -1) != circling.get(edge.effect, -2):
            yield from _clock(cause, effect, skew_ns)
    for knot in graph.knots:
        # Within one numbering the edge that runs against it has been told above.
        if len({(by_reference[name].source, by_reference[name].epoch) for name in knot}) > 1:
            says = (
                f"the causes of {len(knot)} events and the numbers that their sources gave them go in a circle: "
                f"entries {_places(knot, by_reference)}"
            )
            yield Finding("source-order", knot[:NAMED], says)
    for happening in graph.happenings:
        for name in happening.causes:
            if name in missing:
                says = f"{name} is named as a cause of entry {happening.seq} and is not in this log"
                yield Finding("missing", (name, happening.reference), says)


def _places(references: Sequence[str], known: Mapping[str, Happening]) -> str:
    """`4, 7, 9 and more`."""
    seqs = ", ".join(str(known[reference].seq) for reference in references[:NAMED])
    return f"{seqs} and more" if len(references) > NAMED else seqs


def _order(cause: Happening, effect: Happening) -> Iterator[Finding]:
    about = (cause.reference, effect.reference)
    same = (cause.source, cause.epoch) == (effect.source, effect.epoch)
    if same and cause.number is not None and effect.number is not None:
        if effect.number <= cause.number:
            says = (
                f"the source numbered the effect (entry {effect.seq}) {effect.number} "
                f"and its cause (entry {cause.seq}) {cause.number}"
            )
            yield Finding("source-order", about, says)
    elif effect.seq < cause.seq:
        says = (
            f"entry {effect.seq} was recorded before its cause, entry {cause.seq}; "
            "so it is when a source sends late, or its events in another order"
        )
        yield Finding("recorded-earlier", about, says)


def _clock(cause: Happening, effect: Happening, skew_ns: int) -> Iterator[Finding]:
    same = (cause.source, cause.epoch) == (effect.source, effect.epoch) and cause.number is not None
    ahead = cause.occurred_at - effect.occurred_at
    if ahead > (0 if same else skew_ns):
        says = (
            f"entry {effect.seq} says it occurred {ahead / 1e9:.3f} s before its cause, entry {cause.seq}: "
            "a clock was wrong or was set back, or the cause is wrong"
        )
        yield Finding("clock", (cause.reference, effect.reference), says)
