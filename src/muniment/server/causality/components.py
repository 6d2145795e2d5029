"""Strongly connected components, and an order of a directed graph in which ties go to the smaller number."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Mapping
from typing import TypeAlias

Successors: TypeAlias = Mapping[int, Collection[int]]
"""By number: the numbers that come after it."""


def components(nodes: Collection[int], after: Successors) -> list[list[int]]:
    """The sets of nodes that reach one another, each sorted; a node on no cycle is one by itself.

    Linear in nodes and edges, without recursion: a chain of any length is walked.

    Source: R. Tarjan, Depth-first search and linear graph algorithms, 1972.

    >>> sorted(components([1, 2, 3], {1: [2], 2: [1], 3: []}))
    [[1, 2], [3]]
    """
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    waiting: set[int] = set()
    found: list[list[int]] = []
    for root in nodes:
        if root in index:
            continue
        index[root] = low[root] = len(index)
        stack.append(root)
        waiting.add(root)
        path = [(root, iter(after.get(root, ())))]
        while path:
            node, coming = path[-1]
            deeper = False
            for other in coming:
                if other not in index:
                    index[other] = low[other] = len(index)
                    stack.append(other)
                    waiting.add(other)
                    path.append((other, iter(after.get(other, ()))))
                    deeper = True
                    break
                if other in waiting:
                    low[node] = min(low[node], index[other])
            if deeper:
                continue
            path.pop()
            if path:
                low[path[-1][0]] = min(low[path[-1][0]], low[node])
            if low[node] == index[node]:
                component: list[int] = []
                while not component or component[-1] != node:
                    component.append(stack.pop())
                    waiting.discard(component[-1])
                found.append(sorted(component))
    return found


def ordered(nodes: Collection[int], after: Successors, inside: Callable[[list[int]], list[int]] = sorted) -> list[int]:
    """The nodes so that each comes before what comes after it; of what may come next, the smallest number does.

    Nodes that reach one another have no such order among themselves: they stand together, where the first of them may
    stand.

    Args:
        nodes: the numbers.
        after: edges among them.
        inside: the order of nodes that reach one another.

    >>> ordered([1, 2, 3, 4], {4: [1], 2: [3]})
    [2, 3, 4, 1]
    """
    groups = components(nodes, after)
    group_of = {node: place for place, group in enumerate(groups) for node in group}
    following: list[set[int]] = [
        {group_of[other] for node in group for other in after.get(node, ())} - {place}
        for place, group in enumerate(groups)
    ]
    before = [0] * len(groups)
    for others in following:
        for other in others:
            before[other] += 1
    ready = [(group[0], place) for place, group in enumerate(groups) if before[place] == 0]
    heapq.heapify(ready)
    found: list[int] = []
    while ready:
        _, place = heapq.heappop(ready)
        found += groups[place] if len(groups[place]) == 1 else inside(groups[place])
        for other in following[place]:
            before[other] -= 1
            if before[other] == 0:
                heapq.heappush(ready, (groups[other][0], other))
    return found
