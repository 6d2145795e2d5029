"""An inclusion proof as a picture: the entry's leaf at the bottom, the root at the top, a sibling at every step.

Source: RFC 9162 section 2.1.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from muniment.core.errors import VerificationFailed
from muniment.core.merkle import inclusion_length
from muniment.core.nodes import node_hash

STEP: Final = 56
WIDTH: Final = 360
_SPINE: Final = WIDTH // 2
_ASIDE: Final = 116
_BOX: Final = 26


@dataclass(frozen=True, slots=True)
class Step:
    """One step upwards.

    Attributes:
        number: from 1, at the leaf.
        side: on which side the sibling stands.
        sibling: its hash, 32 bytes.
        parent: the hash of both together, 32 bytes.
    """

    number: int
    side: Literal["left", "right"]
    sibling: bytes
    parent: bytes


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the picture: the middle of its box, its hash in hex, and what it is."""

    x: int
    y: int
    hash: str
    kind: Literal["leaf", "path", "sibling", "root"]
    word: str


@dataclass(frozen=True, slots=True)
class Picture:
    """The drawing: nodes, lines (x1, y1, x2, y2, whether on the path), and its size in pixels."""

    nodes: tuple[Node, ...]
    lines: tuple[tuple[int, int, int, int, bool], ...]
    width: int
    height: int


def steps_of(index: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> tuple[Step, ...]:
    """The steps from a leaf to the root; the last parent is the root that the proof leads to.

    Whether that is the right root is not judged here.

    Args:
        index: of the leaf, below `size`.
        size: leaves of the tree.
        leaf: its hash, 32 bytes.
        proof: siblings from the leaf upwards, 32 bytes each.

    Raises:
        VerificationFailed: if the proof has not the length that such a tree needs.
    """
    if len(proof) != inclusion_length(index, size):
        raise VerificationFailed(f"the proof has {len(proof)} hashes", f"entry {index}")
    steps: list[Step] = []
    here, at, last = leaf, index, size - 1
    for number, sibling in enumerate(proof, 1):
        # A node at the right edge without a right sibling has its next sibling some levels up, always on its left.
        while at == last and not at & 1:
            at, last = at >> 1, last >> 1
        side: Literal["left", "right"] = "left" if at & 1 else "right"
        here = node_hash(sibling, here) if side == "left" else node_hash(here, sibling)
        steps.append(Step(number, side, sibling, here))
        at, last = at >> 1, last >> 1
    return tuple(steps)


def picture_of(leaf: bytes, steps: Sequence[Step]) -> Picture:
    """Where everything is drawn."""
    height = (len(steps) + 1) * STEP
    base = height - STEP // 2
    nodes = [Node(_SPINE, base, leaf.hex(), "leaf" if steps else "root", "this entry")]
    lines: list[tuple[int, int, int, int, bool]] = []
    x = _SPINE
    for step in steps:
        y = base - (step.number - 1) * STEP
        aside = x - _ASIDE if step.side == "left" else x + _ASIDE
        last = step.number == len(steps)
        nodes.append(Node(aside, y, step.sibling.hex(), "sibling", "beside it"))
        nodes.append(Node(x, y - STEP, step.parent.hex(), "root" if last else "path", "root" if last else "together"))
        lines.append((x, y - _BOX // 2, x, y - STEP + _BOX // 2, True))
        lines.append((aside, y - _BOX // 2, x, y - STEP + _BOX // 2, False))
    return Picture(tuple(nodes), tuple(lines), WIDTH, height)
