"""What the explorer's operations answer."""

from __future__ import annotations

from typing import Literal

from ninja import Schema


class ViewOut(Schema):
    """A saved view. `created_by` names a person or a key."""

    id: str
    name: str
    query: str
    shared: bool
    default: bool
    created_by: str
    created_at: str


class ViewList(Schema):
    """Saved views, by name."""

    views: list[ViewOut]


class NeighbourOut(Schema):
    """An entry beside another; `link_holds`: the hash that links the two is right."""

    seq: int
    entry_hash: str
    action: str
    link_holds: bool


class Neighbours(Schema):
    """The entries before and after `seq`; null at an end of the log."""

    seq: int
    before: NeighbourOut | None
    after: NeighbourOut | None


class HappeningOut(Schema):
    """An entry in a graph; `depth` counts steps from the one in question."""

    event: str
    seq: int
    relation: Literal["self", "cause", "effect"]
    depth: int
    occurred_at: str
    action: str
    actor: str
    target: str
    outcome: Literal["success", "failure", "denied", "unknown"]


class EdgeOut(Schema):
    """Two events, as references."""

    cause: str
    effect: str


class Searched(Schema):
    """Where effects were looked for."""

    trace: bool
    entries_after: int


class Graph(Schema):
    """Causes and effects of the entry `seq`. `missing`: named as causes, and not in this log."""

    seq: int
    recorded_at: str
    nodes: list[HappeningOut]
    edges: list[EdgeOut]
    missing: list[str]
    cut: bool
    searched: Searched
