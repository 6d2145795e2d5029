"""A trace as a page shows it: lanes of agents from left to right in causal order, and the same as a list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from muniment.server.causality.graph import Edge
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
OUTCOMES: Final = {"failure": "✕ failed", "denied": "⊘ refused", "unknown": "? outcome unknown"}
"""What stands under a box; nothing under one that went well."""


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of the list.

    Attributes:
        happening: the entry.
        after: the places of its causes that are on the page, ascending.
        time: relative to the first entry, such as `+1.2 s`.
        seal: the state of its seal.
        name: the actor's name, or its id.
        outcome: what is said of it, or "".
        relation: asked, trace, cause or effect.
    """

    happening: Happening
    after: tuple[int, ...]
    time: str
    seal: SealState
    name: str
    outcome: str
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


def items_of(found: Traced, names: Mapping[str, str]) -> tuple[Item, ...]:
    """The list, in causal order.

    Args:
        found: the trace.
        names: people's names by actor id.
    """
    place = {happening.reference: happening.seq for happening in found.graph.happenings}
    after: dict[str, set[int]] = {reference: set() for reference in place}
    for edge in found.graph.edges:
        after[edge.effect].add(place[edge.cause])
    start = found.graph.happenings[0].occurred_at
    return tuple(
        Item(
            one,
            tuple(sorted(after[one.reference])),
            offset(one.occurred_at - start),
            seal_state(one.seq, found.standing),
            names.get(one.actor, "") or one.actor,
            OUTCOMES.get(one.outcome, ""),
            found.relations[one.seq],
        )
        for one in found.graph.happenings
    )


def draw_trace(items: tuple[Item, ...], edges: tuple[Edge, ...]) -> TracePicture:
    """Lay the first entries out: a column lies right of its causes and of what the same agent did before.

    Args:
        items: in causal order.
        edges: of the graph.
    """
    shown = items[:DRAWN]
    lanes = {actor: place for place, actor in enumerate(dict.fromkeys(item.happening.actor for item in shown))}
    causes: dict[str, list[str]] = {}
    for edge in edges:
        causes.setdefault(edge.effect, []).append(edge.cause)
    column: dict[str, int] = {}
    reached: dict[str, int] = {}
    boxes: dict[str, TraceBox] = {}
    for item in shown:
        one = item.happening
        left = max((column[cause] for cause in causes.get(one.reference, ()) if cause in column), default=-1)
        column[one.reference] = reached[one.actor] = max(left, reached.get(one.actor, -1)) + 1
        boxes[one.reference] = TraceBox(
            MARGIN + column[one.reference] * COLUMN,
            MARGIN + lanes[one.actor] * LANE_HEIGHT + HEAD,
            item,
            fitted(one.action),
            fitted(one.target),
        )
    curves = tuple(
        (curve(boxes[edge.cause], boxes[edge.effect]), edge.kind)
        for edge in edges
        if edge.cause != edge.effect and edge.cause in boxes and edge.effect in boxes
    )
    named = {item.happening.actor: item.name for item in shown}
    width = 2 * MARGIN + (max(column.values(), default=0) + 1) * COLUMN - (COLUMN - BOX_WIDTH)
    return TracePicture(
        tuple(Lane(MARGIN + place * LANE_HEIGHT, actor, named[actor]) for actor, place in lanes.items()),
        tuple(boxes.values()),
        curves,
        width,
        MARGIN + len(lanes) * LANE_HEIGHT,
        len(items) - len(shown),
    )
