"""A trace as a tree of lines in a terminal: each entry under the last of its causes, and whatever else led to it."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from muniment.server.causality.folding import Step, steps_of
from muniment.server.causality.graph import Edge
from muniment.server.causality.happening import Happening
from muniment.verifier.rendering import harmless

WIDTH: Final = 76
"""Columns. A terminal has 80, and who quotes the lines indents them."""
DEEPEST: Final = 8
"""Levels that are indented; deeper ones say their level instead."""
RUN: Final = 4
"""So many lines that say the same are written out; of more, the first and a count."""
OUTCOMES: Final = {"success": "success", "failure": "✕ FAILED", "denied": "⊘ REFUSED", "unknown": "? unknown"}
LETTERS: Final = 16
"""Of a long target or actor, where the line has no room for the whole."""
_TIMES: Final = 9
"""Columns of a time."""
_WORDS: Final = 9
"""Columns of an outcome."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A line before it is fitted.

    Attributes:
        drawn: branches before the text.
        number: of its step.
        leaf: nothing stands under it.
        chained: it stands below what it followed from, in the same column.
    """

    drawn: str
    number: int
    leaf: bool
    chained: bool


def tree(
    happenings: Sequence[Happening],
    edges: Sequence[Edge],
    *,
    width: int = WIDTH,
    fold: bool = True,
    marked: frozenset[str] = frozenset(),
) -> Iterator[str]:
    """The lines, each at most `width` columns; what was folded is said at the end.

    Args:
        happenings: in causal order.
        edges: among them.
        width: columns.
        fold: False writes every entry on a line of its own.
        marked: references of entries that a contradiction names: they carry a sign and are never folded.
    """
    found = steps_of(happenings, edges, fold=fold, kept=marked)
    start = happenings[0].occurred_at if happenings else 0
    column = max((len(str(one.seq)) for one in happenings), default=1)
    lines = _drawn(found.steps, fold=fold)
    runs = list(_runs(lines, found.steps, marked) if fold else ([line] for line in lines))
    alike = 0
    for run in runs:
        for line in run[:1] if len(run) > RUN else run:
            step = found.steps[line.number]
            time = step.first.occurred_at - start if not fold else step.took
            parent = None if step.parent == -1 else found.steps[step.parent]
            sign = "! " if {one.reference for one in (step.first, step.end) if one} & marked else ""
            left = f"{step.first.seq:>{column}}  {line.drawn}{sign}"
            yield _columns(_fitting(left, step, parent, width), _right(step, time, signed=not fold), width)
        if len(run) > RUN:
            last = found.steps[run[-1].number].first.seq
            more = sum(1 if found.steps[line.number].end is None else 2 for line in run[1:])
            alike += more
            yield fitted(f"{'':>{column}}  {run[-1].drawn}… {len(run) - 1} more like it, up to {last}", width)
    folded = {
        "on the line of what they ended": found.ends,
        "of turns of an agent": found.turns,
        "like the one above them": alike,
    }
    if total := sum(folded.values()):
        which = ", ".join(f"{number} {words}" for words, number in folded.items() if number)
        yield ""
        yield from wrapped([f"Folded: {total} of {len(happenings)} entries ({which}); --full shows them."], width=width)


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
        taken += _width(letter)
        if taken > width:
            kept = text[:place]
            while kept and sum(map(_width, kept)) > width - 1:
                kept = kept[:-1]
            return kept + "…"
    return text


def _drawn(steps: Sequence[Step], *, fold: bool) -> list[_Line]:
    """The steps from above to below, with the branches before them.

    What is the only one to follow stands below without a branch, so that a chain stays in its column; another actor's
    is a level deeper.
    """
    under: dict[int, list[int]] = {number: [] for number in range(-1, len(steps))}
    for number, step in enumerate(steps):
        under[step.parent].append(number)
    lines = []
    waiting = [(number, "", "● ", "  ", 0) for number in reversed(under[-1])]
    while waiting:
        number, prefix, sign, below, level = waiting.pop()
        lines.append(_Line(prefix + sign, number, not under[number], sign == ""))
        inner, children = prefix + below, under[number]
        only = len(children) == 1 and (not fold or steps[children[0]].first.actor == steps[number].first.actor)
        for child in reversed(children):
            if only:
                waiting.append((child, inner, "", "", level))
            elif level >= DEEPEST:
                waiting.append((child, inner, f"({level + 1}) ", "", level + 1))
            elif child == children[-1]:
                waiting.append((child, inner, "└─ ", "   ", level + 1))
            else:
                waiting.append((child, inner, "├─ ", "│  ", level + 1))
    return lines


def _runs(lines: Sequence[_Line], steps: Sequence[Step], marked: frozenset[str]) -> Iterator[list[_Line]]:
    """Lines that follow one another and say the same of what went well: leaves of one branch, or links of a chain."""
    run: list[_Line] = []
    for line in lines:
        if run and not (_follows(run[-1], line, steps) and _alike(steps[run[-1].number], steps[line.number], marked)):
            yield run
            run = []
        run.append(line)
    if run:
        yield run


def _follows(before: _Line, line: _Line, steps: Sequence[Step]) -> bool:
    leaves = before.leaf and line.leaf and steps[before.number].parent == steps[line.number].parent
    return leaves or line.chained


def _alike(one: Step, other: Step, marked: frozenset[str]) -> bool:
    same = (one.first.action, one.first.target, one.first.actor, one.end is None)
    return (
        same == (other.first.action, other.first.target, other.first.actor, other.end is None)
        and one.outcome == other.outcome == "success"
        and not other.others
        and not {one.first.reference, other.first.reference} & marked
    )


def _fitting(left: str, step: Step, parent: Step | None, width: int) -> str:
    """The left column: long names lose their middle before anything is cut off at the end."""
    room = width - _WORDS - 1 - _TIMES - 2
    said = [left + _said(step, parent, letters) for letters in (width, 2 * LETTERS, LETTERS)]
    return next((one for one in said if sum(map(_width, one)) <= room), said[-1])


def _said(step: Step, parent: Step | None, letters: int) -> str:
    what = " ".join(part for part in (step.first.action, _short(step.first.target, letters)) if part)
    same = parent is not None and parent.first.actor == step.first.actor
    who = "" if same else f" · {_short(step.first.actor, letters)}"
    others = ", ".join(map(str, step.others[:3])) + ("…" if len(step.others) > 3 else "")
    # What went wrong is named by its own place: its body says why.
    end = f" → {step.end.seq}" if step.end is not None and step.outcome != "success" else ""
    return harmless(f"{what}{f' ← {others}' if others else ''}{end}{who}")


def _short(name: str, letters: int) -> str:
    return name if len(name) <= letters else f"{name[: letters // 2]}…{name[-(letters // 2 - 1) :]}"


def _right(step: Step, time: int | None, *, signed: bool) -> str:
    word = OUTCOMES.get(step.outcome, harmless(step.outcome))
    return f"{word:<{_WORDS}} {'' if time is None else duration(time, signed=signed):>{_TIMES}}".rstrip()


def duration(nanoseconds: int, *, signed: bool = False) -> str:
    """A time as a person reads it.

    >>> duration(30_000_000), duration(151 * 10**9), duration(-10**9), duration(10**9, signed=True)
    ('0.030s', '2m31s', '-1.000s', '+1.000s')
    """
    sign = "-" if nanoseconds < 0 else "+" if signed and nanoseconds else ""
    seconds = abs(nanoseconds) / 1e9
    if seconds < 100:
        return f"{sign}{seconds:.3f}s"
    whole = round(seconds)
    for unit, below, size in (("d", "h", 3600), ("h", "m", 60), ("m", "s", 1)):
        base = size * (24 if unit == "d" else 60)
        if whole >= base:
            return f"{sign}{whole // base}{unit}{whole % base // size:02}{below}"
    return f"{sign}{whole}s"


def _columns(left: str, right: str, width: int) -> str:
    """Two columns; the right one is where all lines have it, and never cut."""
    room = width - _WORDS - 1 - _TIMES - 2
    shown = fitted(left, max(8, room))
    gap = max(1, room + 2 - sum(map(_width, shown)))
    return fitted(shown + " " * gap + right, width)


def _width(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
