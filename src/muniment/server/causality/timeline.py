"""The timeline of an incident: entries in causal order, each with its place in the bundle that proves it.

Everything in it follows from the entries' texts, so whoever holds the bundle derives the same timeline from it alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from muniment.core.times import format_time9
from muniment.server.causality.answers import edge_json, findings_json, happening_json
from muniment.server.causality.findings import SKEW_NS, findings_in
from muniment.server.causality.graph import graph_of
from muniment.server.causality.happening import Happening
from muniment.verifier.rendering import harmless

FORM: Final = "muniment-timeline/1"
ORDER: Final = (
    "Nothing stands before what is named as its cause, nor out of its source's numbering; "
    "where neither decides, in the order of the log."
)
_SPECIAL: Final = str.maketrans({character: f"\\{character}" for character in "\\`*_{}[]()#+-!|~"} | {"<": "&lt;"})


def timeline_of(origin: str, happenings: Iterable[Happening], *, skew_ns: int = SKEW_NS) -> dict[str, Any]:
    """The timeline as JSON values.

    Args:
        origin: of the log.
        happenings: the entries of the bundle.
        skew_ns: nanoseconds by which clocks of different sources may differ.

    Returns:
        `entries` in causal order, each with `place` (from 1) and `e_line`: the so-manyth `E` line of the bundle;
        `edges`; `outside`: causes that are named and are not in the bundle; `findings`.
    """
    graph = graph_of(list(happenings))
    line = {seq: number for number, seq in enumerate(sorted(one.seq for one in graph.happenings), 1)}
    findings = findings_in(graph, skew_ns=skew_ns)
    return {
        "form": FORM,
        "log": origin,
        "order": ORDER,
        "skew_ns": skew_ns,
        "entries": [
            {"place": place, "e_line": line[one.seq], **happening_json(one)}
            for place, one in enumerate(graph.happenings, 1)
        ],
        "edges": [edge_json(edge) for edge in graph.edges],
        "outside": list(graph.outside),
        "findings": findings_json(findings),
        "more_findings": findings.more,
    }


def timeline_markdown(timeline: Mapping[str, Any], *, about: Iterable[str] = ()) -> str:
    """A timeline for people.

    Args:
        timeline: of `timeline_of`.
        about: sentences that stand under the title, in plain text.
    """
    entries = timeline["entries"]
    place = {entry["event"]: entry["place"] for entry in entries}
    after: dict[str, list[int]] = {}
    for edge in timeline["edges"]:
        after.setdefault(edge["effect"], []).append(place[edge["cause"]])
    lines = [f"# Timeline of {_safe(timeline['log'])}", ""]
    lines += [_safe(sentence) + "\n" for sentence in about]
    lines += [
        f"{len(entries)} entries in causal order. {ORDER}",
        "Times are the sources' own. *E line* n is the n-th line of the bundle that begins with `E`.",
        "",
        "| Place | Occurred (UTC) | Who | What | Outcome | After place | Seq | E line |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for entry in entries:
        what = " ".join(part for part in (entry["action"], entry.get("target", "")) if part)
        causes = ", ".join(str(number) for number in sorted(set(after.get(entry["event"], ()))))
        outcome = entry["outcome"] if entry["outcome"] == "success" else f"**{entry['outcome']}**"
        lines.append(
            f"| {entry['place']} | {entry['occurred_at']} | {_safe(entry['actor'])} | {_safe(what)} | {outcome} "
            f"| {causes} | {entry['seq']} | {entry['e_line']} |"
        )
    for title, said in (
        ("Contradictions", [one["says"] for one in timeline["findings"] if one["contradiction"]]),
        ("Worth a look", [one["says"] for one in timeline["findings"] if not one["contradiction"]]),
        ("Named as causes and not in the bundle", timeline["outside"]),
    ):
        if said:
            lines += ["", f"## {title}", "", *(f"- {_safe(sentence)}" for sentence in said)]
    if timeline["more_findings"]:
        lines += ["", f"{timeline['more_findings']} more findings are not listed."]
    return "\n".join(lines) + "\n"


def asked_sentence(since_ns: int, until_ns: int) -> str:
    """What was asked for, in words.

    Args:
        since_ns: nanoseconds since the Unix epoch, and `until_ns`.
        until_ns: see `since_ns`.
    """
    return (
        f"Asked for: what was recorded, or says that it occurred, from {format_time9(since_ns)} "
        f"to before {format_time9(until_ns)}."
    )


def _safe(text: str) -> str:
    """A source's text so that Markdown shows it and does nothing else with it."""
    return harmless(text).replace("&", "&amp;").translate(_SPECIAL)
