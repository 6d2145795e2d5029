"""A trace as a page shows it: lanes of agents from left to right in causal order, and the same as a list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from muniment.server.causality.folding import Step, Steps
from muniment.server.causality.graph import Graph
from muniment.server.causality.happening import Happening
from muniment.server.causality.search import Traced
from muniment.server.explorer.lanes import (
    BOX_HEIGHT,
    BOX_WIDTH,
    COLUMN,
    HEAD,
    MARGIN,
    Lane,
    curve,
    fitted,
    offset,
)
from muniment.server.explorer.rows import SealState, seal_state

DRAWN: Final = 120
"""Entries of a picture; the list has all."""
FOOT: Final = 44
"""Pixels under a lane's boxes, for outcome and time."""
LANE_HEIGHT: Final = HEAD + BOX_HEIGHT + FOOT
OUTCOMES: Final = {"failure": "✕ failed", "denied": "⊘ refused", "unknown": "? unknown"}
"""What stands under a box; nothing under one that went well."""


@dataclass(frozen=True, slots=True)
class Item:
    """One step of the list: an entry, or an intent with the entry that says how it ended.

    Attributes:
        happening: the entry, or the intent.
        end: what ended it; None if it is one entry.
        after: the places of what led to it and is on the page, ascending.
        time: relative to the first entry, such as `+1.2 s`.
        took: from the intent to its end, such as `1.2 s`; "" if it is one entry.
        seal: the state of its seal; of two entries, the later one's.
        name: the actor's name, or its id.
        outcome: what is said of how it ended, or "".
        result: success, failure, denied or unknown.
        relation: asked, trace, cause or effect.
    """

    happening: Happening
    end: Happening | None
    after: tuple[int, ...]
    time: str
    took: str
    seal: SealState
    name: str
    outcome: str
    result: str
    relation: str


@dataclass(frozen=True, slots=True)
class TraceBox:
    """One entry in the picture: the left upper corner of its box, and what is written in it."""

    x: int
    y: int
    item: Item
    title: str
    detail: str


@dataclass(frozen=True, slots=True)
class TracePicture:
    """The picture: lanes, boxes, curves (SVG path data, the class of the edge), size in pixels, entries left out."""

    lanes: tuple[Lane, ...]
    boxes: tuple[TraceBox, ...]
    curves: tuple[tuple[str, str], ...]
    width: int
    height: int
    left_out: int


def items_of(found: Traced, steps: Steps, names: Mapping[str, str]) -> tuple[Item, ...]:
    """The list, in causal order.

    Args:
        found: the trace.
        steps: the same, folded or not.
        names: people's names by actor id.
    """
    start = found.graph.happenings[0].occurred_at
    causes: dict[int, set[int]] = {}
    for edge in found.graph.edges:
        causes.setdefault(steps.standing[edge.effect], set()).add(steps.standing[edge.cause])
    return tuple(
        _item(found, steps, step, causes.get(number, set()) - {number, -1} if step.end is None else set(), start, names)
        for number, step in enumerate(steps.steps)
    )


def _item(found: Traced, steps: Steps, step: Step, causes: set[int], start: int, names: Mapping[str, str]) -> Item:
    """One step; `causes` are steps that it follows besides the one it hangs on and its others."""
    one, end = step.first, step.end
    above = {steps.steps[number].first.seq for number in causes | {step.parent} if number != -1}
    relations = {found.relations[each.seq] for each in (one, end) if each is not None}
    return Item(
        one,
        end,
        tuple(sorted({*above, *step.others})),
        offset(one.occurred_at - start),
        "" if step.took is None else offset(step.took).removeprefix("+") or "0 s",
        seal_state(one.seq if end is None else max(one.seq, end.seq), found.standing),
        names.get(one.actor, "") or one.actor,
        OUTCOMES.get(step.outcome, ""),
        step.outcome,
        "asked" if "asked" in relations else found.relations[one.seq],
    )


def draw_trace(items: tuple[Item, ...], graph: Graph, steps: Steps) -> TracePicture:
    """Lay the first steps out: a column lies right of what led to it and of what the same agent did before.

    Args:
        items: in causal order, one for each step.
        graph: of all entries.
        steps: how they are folded.
    """
    shown = items[:DRAWN]
    lanes = {actor: place for place, actor in enumerate(dict.fromkeys(item.happening.actor for item in shown))}
    column = _columns(graph, steps)
    boxes = {
        number: TraceBox(
            MARGIN + column[item.happening.reference] * COLUMN,
            MARGIN + lanes[item.happening.actor] * LANE_HEIGHT + HEAD,
            item,
            fitted(item.happening.action),
            fitted(item.happening.target),
        )
        for number, item in enumerate(shown)
    }
    number_of = {item.happening.seq: number for number, item in enumerate(items)}
    by_span = {
        (steps.standing[edge.cause], steps.standing[edge.effect]) for edge in graph.edges if edge.kind == "span"
    } - {(steps.standing[edge.cause], steps.standing[edge.effect]) for edge in graph.edges if edge.kind == "cause"}
    curves = tuple(
        (curve(boxes[cause], boxes[effect]), "span" if (cause, effect) in by_span else "cause")
        for effect, item in enumerate(shown)
        for cause in _nearest([number_of[seq] for seq in item.after], steps)
        if cause in boxes
    )
    named = {item.happening.actor: item.name for item in shown}
    width = max((box.x for box in boxes.values()), default=0) + BOX_WIDTH + MARGIN
    return TracePicture(
        tuple(Lane(MARGIN + place * LANE_HEIGHT, actor, named[actor]) for actor, place in lanes.items()),
        tuple(boxes.values()),
        curves,
        width,
        MARGIN + len(lanes) * LANE_HEIGHT,
        len(items) - len(shown),
    )


def _columns(graph: Graph, steps: Steps) -> dict[str, int]:
    """The column of every entry. What has no box takes none; what it led to lies right of it all the same."""
    causes: dict[str, list[str]] = {}
    for edge in graph.edges:
        causes.setdefault(edge.effect, []).append(edge.cause)
    boxed = {step.first.reference for step in steps.steps}
    column: dict[str, int] = {}
    reached: dict[str, int] = {}
    for one in graph.happenings:
        left = max((column[cause] for cause in causes.get(one.reference, ()) if cause in column), default=-1)
        taken = max(left, reached.get(one.actor, -1))
        column[one.reference] = reached[one.actor] = taken + 1 if one.reference in boxed else max(taken, 0)
    return column


def _nearest(causes: Sequence[int], steps: Steps) -> Iterator[int]:
    """Those of some steps that did not lead to another of them: what follows from two lines is not drawn as a third."""
    above: set[int] = set()
    for cause in causes:
        up = steps.steps[cause].parent
        while up != -1 and up not in above:
            above.add(up)
            up = steps.steps[up].parent
    return (cause for cause in causes if cause not in above)
