"""The causal graph as a picture: left to right in time, one lane for each agent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from muniment.server.explorer.bodies import visible
from muniment.server.explorer.causality import Causality, Happening

COLUMN: Final = 184
LANE: Final = 76
BOX_WIDTH: Final = 152
BOX_HEIGHT: Final = 48
MARGIN: Final = 12
HEAD: Final = 24
"""Pixels above a lane's boxes for its name."""
LETTERS: Final = 19
"""Of an action or a tool that fit into a box."""


class Placed(Protocol):
    """What has the left upper corner of a box."""

    @property
    def x(self) -> int:
        """Pixels from the left."""

    @property
    def y(self) -> int:
        """Pixels from above."""


@dataclass(frozen=True, slots=True)
class Box:
    """One entry: the left upper corner of its box, and what is written in it."""

    x: int
    y: int
    happening: Happening
    title: str
    detail: str
    after: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One agent's lane: the top of it, and whose it is."""

    y: int
    actor: str
    name: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """The picture: lanes, boxes, curves (SVG path data, whether it touches the entry in question), size in pixels."""

    lanes: tuple[Lane, ...]
    boxes: tuple[Box, ...]
    curves: tuple[tuple[str, bool], ...]
    width: int
    height: int


def draw(found: Causality, names: Mapping[str, str]) -> Drawing:
    """Lay out what was found. Columns are the order of time, not its scale.

    Args:
        found: in the order of time.
        names: people's names by actor id.
    """
    actors = list(dict.fromkeys(happening.actor for happening in found.happenings))
    tops = {actor: MARGIN + place * (LANE + HEAD) for place, actor in enumerate(actors)}
    start = next((h.occurred_at for h in found.happenings if h.relation == "self"), 0)
    boxes = {}
    for place, happening in enumerate(found.happenings):
        x = MARGIN + place * COLUMN
        title, detail = fitted(happening.action), fitted(happening.target)
        boxes[happening.reference] = Box(
            x, tops[happening.actor] + HEAD, happening, title, detail, offset(happening.occurred_at - start)
        )
    centre = {happening.reference for happening in found.happenings if happening.relation == "self"}
    curves = tuple(
        (curve(boxes[cause], boxes[effect]), bool(centre & {cause, effect})) for cause, effect in found.edges
    )
    lanes = tuple(Lane(tops[actor], actor, names.get(actor, "") or actor) for actor in actors)
    width = 2 * MARGIN + max(1, len(boxes)) * COLUMN - (COLUMN - BOX_WIDTH)
    return Drawing(lanes, tuple(boxes.values()), curves, width, MARGIN + len(actors) * (LANE + HEAD))


def curve(cause: Placed, effect: Placed) -> str:
    """The way from a cause's box to its effect's, as SVG path data."""
    x1, y1 = cause.x + BOX_WIDTH, cause.y + BOX_HEIGHT // 2
    x2, y2 = effect.x, effect.y + BOX_HEIGHT // 2
    bend = max(16, abs(x2 - x1) // 2)
    if y1 == y2 and x2 - x1 > COLUMN:
        # Over the boxes that stand between the two in the same lane.
        high = cause.y - 10
        return f"M{x1} {y1} C{x1 + 24} {high} {x2 - 24} {high} {x2} {y2}"
    return f"M{x1} {y1} C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"


def fitted(source: str) -> str:
    """A source's text as far as a box has room for it."""
    text = visible(source)
    return text if len(text) <= LETTERS else text[: LETTERS - 1] + "…"


def offset(nanoseconds: int) -> str:
    """`+1.2 s` relative to some entry; "" for the entry itself."""
    if nanoseconds == 0:
        return ""
    sign, amount = ("+" if nanoseconds > 0 else "−"), abs(nanoseconds)
    for unit, size in (("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("min", 60_000_000_000), ("s", 10**9)):
        if amount >= size:
            return f"{sign}{amount / size:.1f} {unit}"
    return f"{sign}{amount / 10**6:.1f} ms"
