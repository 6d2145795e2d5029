"""What `muniment trace` says about a trace or a timeline: a title, the tree, and what wants a second look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from muniment.cli.tracetree import tree, wrapped
from muniment.core.times import parse_time6, parse_time9
from muniment.server.causality.graph import Edge
from muniment.server.causality.happening import Happening

NAMED: Final = 4
"""Of several notes of one kind, those that one sentence names."""
CUT: Final = {
    "trace": "the trace has more entries than are shown",
    "relatives": "more causes and effects beside the trace are not shown",
    "steps": "causes and effects further away are not shown",
}


def told(found: Mapping[str, Any], *, full: bool) -> Iterator[str]:
    """A trace, as the API answers it, in lines.

    Args:
        found: the answer.
        full: every entry and every note on its own.
    """
    nodes = found["nodes"]
    title = f"trace {found['trace']}" if found.get("trace") else "no trace"
    yield from wrapped([found["log"], title, counts(nodes)])
    yield ""
    yield from story(nodes, found, full=full)
    waiting = sorted(node["seq"] for node in nodes if node.get("sealed") is False)
    if waiting:
        which = f"entry {waiting[0]} is" if len(waiting) == 1 else f"{len(waiting)} entries, from {waiting[0]} on, are"
        yield from wrapped([f"{which[0].upper()}{which[1:]} not sealed yet."])
    yield from wrapped([f"Cut: {CUT.get(reason, reason)}." for reason in found["cut"]])


def story(entries: Sequence[Mapping[str, Any]], found: Mapping[str, Any], *, full: bool) -> Iterator[str]:
    """The tree and the remarks of a trace or a timeline.

    Args:
        entries: its nodes or entries, in causal order.
        found: the rest of it: edges and findings.
        full: every entry and every note on its own.
    """
    marked = {name for one in found["findings"] if one["contradiction"] for name in one["about"]}
    happenings = [_happening(entry) for entry in entries]
    edges = [Edge(edge["cause"], edge["effect"], "cause") for edge in found["edges"]]
    yield from tree(happenings, edges, fold=not full, marked=frozenset(marked))
    places = {one.reference: one.seq for one in happenings}
    remarks = list(_remarks(found, places, full=full))
    if remarks:
        yield ""
        yield from remarks


def counts(entries: Sequence[Mapping[str, Any]]) -> str:
    """`52 entries of 3 actors, 2 failed, 2 refused`."""
    actors = len({entry["actor"] for entry in entries})
    parts = [
        f"{len(entries)} {'entry' if len(entries) == 1 else 'entries'} of {actors} actor{'' if actors == 1 else 's'}"
    ]
    for outcome, word in (("failure", "failed"), ("denied", "refused")):
        number = sum(entry["outcome"] == outcome for entry in entries)
        if number:
            parts.append(f"{number} {word}")
    return ", ".join(parts)


def _remarks(found: Mapping[str, Any], places: Mapping[str, int], *, full: bool) -> Iterator[str]:
    notes: dict[str, list[Mapping[str, Any]]] = {}
    for one in found["findings"]:
        if one["contradiction"]:
            yield from wrapped([f"! Contradiction: {one['says']}."])
        else:
            notes.setdefault(one["kind"], []).append(one)
    for kind, several in notes.items():
        together = None if full or len(several) == 1 else _together(kind, several, places)
        yield from wrapped([f"Note: {one['says']}." for one in several] if together is None else [together])
    if found["more_findings"]:
        yield f"{found['more_findings']} more findings are not listed."


def _together(kind: str, notes: Sequence[Mapping[str, Any]], places: Mapping[str, int]) -> str | None:
    """One sentence for several notes of a kind; None for a kind that has none."""
    pairs = [tuple(note["about"][:2]) for note in notes]
    more = f" and {len(notes) - NAMED} more, --full" if len(notes) > NAMED else ""
    if kind == "recorded-earlier":
        named = ", ".join(
            f"{places.get(effect, effect)} before {places.get(cause, cause)}" for cause, effect in pairs[:NAMED]
        )
        return (
            f"Note: {len(notes)} entries were recorded before their causes ({named}{more}); "
            "so it is when a source sends late, or its events in another order."
        )
    if kind == "missing":
        named = ", ".join(f"{cause} by {places.get(effect, effect)}" for cause, effect in pairs[:NAMED])
        return f"Note: {len(notes)} times a cause is named that is not in this log ({named}{more})."
    return None


def _happening(entry: Mapping[str, Any]) -> Happening:
    return Happening(
        reference=entry["event"],
        seq=entry["seq"],
        recorded_at=parse_time6(entry["recorded_at"]),
        occurred_at=parse_time9(entry["occurred_at"]),
        action=entry["action"],
        actor=entry["actor"],
        actor_type=entry["actor_type"],
        target=entry.get("target", ""),
        outcome=entry["outcome"],
        source=entry["source"],
        epoch=entry.get("epoch", ""),
        number=entry.get("number"),
        trace=entry.get("trace", ""),
        span=entry.get("span", ""),
        parent="",
        causes=tuple(entry.get("causes", ())),
    )
