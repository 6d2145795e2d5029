"""A trace as a tree of lines in a terminal: each entry under the last of its causes, and whatever else led to it."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from muniment.core.times import parse_time9
from muniment.verifier.rendering import harmless

WIDTH: Final = 80
DEEPEST: Final = 10
"""Steps that are indented; deeper ones say their depth instead."""
_WORDS: Final = {"failure": "✕ FAILED ", "denied": "⊘ REFUSED ", "unknown": "? "}

Node = Mapping[str, Any]


def tree(nodes: Sequence[Node], edges: Sequence[Mapping[str, str]], *, width: int = WIDTH) -> Iterator[str]:
    """The lines, each at most `width` columns.

    Args:
        nodes: in causal order, as the API writes them.
        edges: among them.
        width: columns.
    """
    place = {node["event"]: number for number, node in enumerate(nodes)}
    causes: dict[int, list[int]] = {number: [] for number in range(len(nodes))}
    for edge in edges:
        cause, effect = place.get(edge["cause"]), place.get(edge["effect"])
        if cause is not None and effect is not None and cause != effect:
            causes[effect].append(cause)
    under: dict[int, list[int]] = {number: [] for number in range(-1, len(nodes))}
    for number in range(len(nodes)):
        # In a circle a cause may stand after its effect; such an edge is only told, so that every line is written once.
        under[max((cause for cause in causes[number] if cause < number), default=-1)].append(number)
    start = parse_time9(nodes[0]["occurred_at"]) if nodes else 0
    waiting = [(number, "", True, 0) for number in reversed(under[-1])]
    while waiting:
        number, prefix, last, depth = waiting.pop()
        shown = prefix + ("" if depth == 0 else "└─ " if last else "├─ ")
        if depth > DEEPEST:
            shown = prefix + f"({depth}) "
        parent = max((cause for cause in causes[number] if cause < number), default=-1)
        others = sorted({nodes[cause]["seq"] for cause in causes[number] if cause != parent})
        yield fitted(shown + _said(nodes[number], start, others), width)
        inner = prefix if depth == 0 or depth > DEEPEST else prefix + ("   " if last else "│  ")
        children = under[number]
        for child in reversed(children):
            waiting.append((child, inner, child == children[-1], depth + 1))


def wrapped(sentences: Sequence[str], *, width: int = WIDTH, indent: str = "  ") -> Iterator[str]:
    """Sentences as lines of at most `width` columns, all but the first of each indented."""
    for sentence in sentences:
        yield from textwrap.wrap(harmless(sentence), width, subsequent_indent=indent)


def fitted(text: str, width: int) -> str:
    """The text cut to so many columns; a wide letter takes two.

    >>> fitted("abcdef", 4)
    'abc…'
    """
    taken = 0
    for place, letter in enumerate(text):
        taken += _columns(letter)
        if taken > width:
            kept = text[:place]
            while kept and sum(map(_columns, kept)) > width - 1:
                kept = kept[:-1]
            return kept + "…"
    return text


def _said(node: Node, start: int, others: Sequence[int]) -> str:
    what = " ".join(part for part in (node["action"], node.get("target", "")) if part)
    after = parse_time9(node["occurred_at"]) - start
    parts = [f"{node['seq']} {_WORDS.get(node['outcome'], '')}{what}", f"· {node['actor']}"]
    if after:
        parts.append(f"{after / 1e9:+.3f}s")
    if others:
        parts.append("also after " + ", ".join(map(str, others[:4])) + (", …" if len(others) > 4 else ""))
    if node.get("sealed") is False:
        parts.append("not sealed yet")
    return harmless("  ".join(parts))


def _columns(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
