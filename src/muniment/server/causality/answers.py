"""A graph as JSON: the same members in a trace and in an incident's timeline."""

from __future__ import annotations

from muniment.core.times import format_time6, format_time9
from muniment.server.causality.findings import Findings
from muniment.server.causality.graph import Edge
from muniment.server.causality.happening import Happening


def happening_json(happening: Happening) -> dict[str, object]:
    """An entry as far as causality goes; what it does not have is left out."""
    shown: dict[str, object] = {
        "seq": happening.seq,
        "event": happening.reference,
        "action": happening.action,
        "outcome": happening.outcome,
        "actor": happening.actor,
        "actor_type": happening.actor_type,
        "target": happening.target,
        "occurred_at": format_time9(happening.occurred_at),
        "recorded_at": format_time6(happening.recorded_at),
        "source": happening.source,
        "trace": happening.trace,
        "span": happening.span,
        "causes": list(happening.causes),
    }
    if happening.number is not None:
        shown |= {"epoch": happening.epoch, "number": happening.number}
    return {name: value for name, value in shown.items() if value not in ("", [])}


def edge_json(edge: Edge) -> dict[str, str]:
    """An edge; `by` says what tells of it: the event itself, or the span that it stands under."""
    return {"cause": edge.cause, "effect": edge.effect, "by": edge.kind}


def findings_json(findings: Findings) -> list[dict[str, object]]:
    """The findings that are listed."""
    return [
        {"kind": one.kind, "contradiction": one.contradicts, "about": list(one.about), "says": one.says}
        for one in findings.listed
    ]
