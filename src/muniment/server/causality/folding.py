"""A graph as a tree with fewer lines: an intent and what ended it become one step; turns that add nothing step aside.

Nothing that failed, was refused or contradicts something is left out, and what was folded is counted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from muniment.server.causality.graph import Edge
from muniment.server.causality.happening import Happening

ENDINGS: Final[Mapping[str, frozenset[str]]] = {
    "agent.start": frozenset({"agent.finish"}),
    "mcp.request": frozenset({"mcp.result", "tool.refuse"}),
    "model.invoke": frozenset({"model.result"}),
    "process.start": frozenset({"process.exit"}),
    "resource.read": frozenset({"resource.read", "resource.result", "tool.refuse"}),
    "tool.call": frozenset({"tool.result", "tool.refuse"}),
}
"""Which actions say how another one ended; for those not named here the same action does."""
_TURN: Final = "agent.step"


@dataclass(frozen=True, slots=True)
class Step:
    """One line: an entry, or an intent with the one entry that says how it ended.

    Attributes:
        first: the entry, or the intent.
        end: what ended it; None if it is one entry.
        parent: number of the step under which it stands, -1 for none.
        others: places of causes that are not above it in the tree, ascending; of two in one step, the first.
    """

    first: Happening
    end: Happening | None
    parent: int
    others: tuple[int, ...]

    @property
    def outcome(self) -> str:
        """How it ended."""
        return self.first.outcome if self.end is None else self.end.outcome

    @property
    def took(self) -> int | None:
        """Nanoseconds from the intent to its end by their sources' clocks; None if it is one entry."""
        return None if self.end is None else self.end.occurred_at - self.first.occurred_at


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps, each after its parent, and how many entries have no line of their own.

    Attributes:
        steps: in causal order of their first entries.
        standing: by reference of an entry, the number of the step it stands in; -1 in a turn that has no line.
        ends: entries that stand on the line of their intent.
        turns: entries of turns that have no line.
    """

    steps: tuple[Step, ...]
    standing: Mapping[str, int]
    ends: int
    turns: int


def steps_of(
    happenings: Sequence[Happening], edges: Iterable[Edge], *, fold: bool = True, kept: Collection[str] = ()
) -> Steps:
    """Hang every entry under the last of its causes, and fold.

    Args:
        happenings: in causal order.
        edges: among them.
        fold: False gives every entry its own step.
        kept: references of entries that are not folded, such as those that a contradiction names.
    """
    causes = _causes(happenings, edges)
    # In a circle a cause may stand after its effect; such an edge is only told, so that every entry stands once.
    above = [max((cause for cause in before if cause < number), default=-1) for number, before in enumerate(causes)]
    end_of = _pairs(happenings, causes, frozenset(kept)) if fold else {}
    lead = list(range(len(happenings)))
    for first, end in end_of.items():
        lead[end] = first
    turns = {
        first for first, end in end_of.items()
        if happenings[first].action == _TURN and happenings[end].outcome == "success"
        and happenings[first].target == ""
    }  # fmt: skip
    parent: dict[int, int] = {}
    for number in range(len(happenings)):
        if lead[number] == number:
            up = -1 if above[number] == -1 else lead[above[number]]
            # Parents have lower numbers, so theirs are settled.
            parent[number] = parent[up] if up in turns else up
    shown = [number for number in parent if number not in turns]
    place = {number: at for at, number in enumerate(shown)} | {-1: -1}
    steps = []
    for number in shown:
        ended = end_of.get(number)
        others = _others(number, ended, causes, lead, parent, turns)
        steps.append(
            Step(
                happenings[number],
                None if ended is None else happenings[ended],
                place[parent[number]],
                tuple(sorted({happenings[other].seq for other in others})),
            )
        )
    standing = {one.reference: place.get(lead[number], -1) for number, one in enumerate(happenings)}
    return Steps(tuple(steps), standing, len(end_of) - len(turns), 2 * len(turns))


def _causes(happenings: Sequence[Happening], edges: Iterable[Edge]) -> list[list[int]]:
    number = {one.reference: at for at, one in enumerate(happenings)}
    causes: list[list[int]] = [[] for _ in happenings]
    for edge in edges:
        cause, effect = number.get(edge.cause), number.get(edge.effect)
        if cause is not None and effect is not None and cause != effect:
            causes[effect].append(cause)
    return causes


def _pairs(happenings: Sequence[Happening], causes: Sequence[Sequence[int]], kept: frozenset[str]) -> dict[int, int]:
    """Intents and their ends, by number. One that has two ends, or an end of two intents, is left as it is."""
    ends: dict[int, list[int]] = {}
    begins: dict[int, list[int]] = {}
    for number, before in enumerate(causes):
        for cause in before:
            if cause < number and _ends(happenings[cause], happenings[number]):
                ends.setdefault(cause, []).append(number)
                begins.setdefault(number, []).append(cause)
    return {
        first: found[0] for first, found in ends.items()
        # The end of one is not at once the intent of another: a chain of the same action stays a chain.
        if len(found) == 1 and len(begins[found[0]]) == 1 and first not in begins and found[0] not in ends
        and not {happenings[first].reference, happenings[found[0]].reference} & kept
    }  # fmt: skip


def _ends(intent: Happening, end: Happening) -> bool:
    """Whether one says how the other ended: the same actor's, of the same source, and about the same thing."""
    named = ENDINGS.get(intent.action, frozenset({intent.action}))
    # Of two events of one action, the one that tells an outcome is the end.
    fits = end.action in named and (end.action != intent.action or end.outcome != "unknown")
    same = (intent.source, intent.actor) == (end.source, end.actor) and end.target in ("", intent.target)
    # An intent that was refused ends in its refusal; anything else that it may already say of its outcome is a line.
    return fits and same and intent.outcome in ("unknown", end.outcome if end.outcome == "denied" else "unknown")


def _others(
    number: int, end: int | None, causes: Sequence[Sequence[int]], lead: Sequence[int], parent: Mapping[int, int],
    turns: Collection[int],
) -> set[int]:  # fmt: skip
    """Steps that led to a step, or to its end, and are neither above it in the tree nor, for its end, below it."""
    found = {lead[cause] for cause in causes[number]}
    if end is not None:
        found |= {other for cause in causes[end] if not _is_under(other := lead[cause], number, parent)}
    return {
        up for other in found
        if (up := parent[other] if other in turns else other) != -1 and not _is_under(number, up, parent)
    }  # fmt: skip


def _is_under(number: int, above: int, parent: Mapping[int, int]) -> bool:
    """Whether a step is another one, or stands somewhere under it."""
    while number > above:
        number = parent[number]
    return number == above
