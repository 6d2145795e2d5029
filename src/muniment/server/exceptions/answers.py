"""Exceptions, their steps, decisions and chains as JSON and as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from muniment.server.exceptions import services
from muniment.server.exceptions.days import days_left
from muniment.server.exceptions.models import Decision, PolicyException, Step
from muniment.server.exceptions.workflow import ACTIVE, expiring_soon
from muniment.server.moments import moment

_PLAIN: Final = (
    "id",
    "title",
    "scope",
    "reason",
    "risk_level",
    "residual_risk",
    "compensating",
    "controls",
    "compensating_controls",
    "assets",
    "evidence",
    "zone",
    "requested_by",
    "owner",
    "state",
    "steps",
    "level",
    "levels",
    "chain",
)
_MOMENTS: Final = (
    "starts_at",
    "soon_at",
    "ends_at",
    "attested_at",
    "created_at",
    "submitted_at",
    "approved_at",
    "closed_at",
)


def exception_json(row: PolicyException, *, now: datetime, renewed_by: Mapping[str, str]) -> dict[str, Any]:
    """An exception.

    Args:
        row: the exception.
        now: for what is derived.
        renewed_by: ids of what renews exceptions, by theirs.
    """
    return {
        **{name: getattr(row, name) for name in _PLAIN},
        **{name: moment(getattr(row, name)) for name in _MOMENTS},
        "policy": row.policy_id,
        "starts_on": None if row.starts_on is None else row.starts_on.isoformat(),
        "expires_on": row.expires_on.isoformat(),
        "expiring_soon": expiring_soon(row.state, row.soon_at, now),
        "days_left": days_left(now, row.ends_at) if row.state == ACTIVE and row.ends_at is not None else None,
        "stale_since": moment(row.stale_at),
        "rules": row.rules or None,
        "renews": row.renews or None,
        "renewed_by": renewed_by.get(row.id),
        "entry": row.seq,
    }


def step_json(step: Step) -> dict[str, Any]:
    """A step."""
    return {
        "id": step.id,
        "exception": step.exception,
        "number": step.number,
        "kind": step.kind,
        "source": step.source,
        "target": step.target,
        "level": step.level,
        "by": step.by,
        "on_behalf_of": step.on_behalf_of or None,
        "comment": step.comment,
        "at": moment(step.at),
        "entry": step.seq,
        "event": step.event,
    }


def decision_json(decision: Decision) -> dict[str, Any]:
    """A decision."""
    return {
        "id": decision.id,
        "exception": decision.exception,
        "step": decision.step,
        "kind": decision.kind,
        "basis": decision.basis,
        "digest": decision.digest,
        "content": decision.content,
        "at": moment(decision.at),
        "entry": decision.seq,
    }


def chain_json(rows: Sequence[PolicyException], *, now: datetime) -> dict[str, Any]:
    """A chain of renewals with every step and decision, oldest first."""
    renewed = services.renewals_of(rows)
    return {
        "chain": rows[0].chain,
        "links": [
            {
                "exception": exception_json(row, now=now, renewed_by=renewed),
                "steps": [step_json(one) for one in services.steps_of(row)],
                "decisions": [decision_json(one) for one in services.decisions_of(row)],
            }
            for row in rows
        ],
    }


def chain_markdown(found: Mapping[str, Any]) -> Iterator[str]:
    """A chain as text that reads well, line by line; each step names the entry that proves it."""
    yield f"# Exception {found['chain']}, with its renewals\n"
    for number, link in enumerate(found["links"], 1):
        row = link["exception"]
        begins = row["starts_on"] or "approval"
        yield f"\n## {number}. {_line(row['title'])}\n\n"
        yield f"- Id: {row['id']}\n- State: {row['state']}\n- Policy: {row['policy']}\n- Risk: {row['risk_level']}\n"
        yield f"- Holds: {begins} to {row['expires_on']} ({row['zone']})\n"
        yield f"- Asked for by: {row['requested_by']}\n- Owner: {row['owner']}\n"
        if row["renews"]:
            yield f"- Renews: {row['renews']}\n"
        for title, name in (("Scope", "scope"), ("Why", "reason"), ("Residual risk", "residual_risk")):
            yield f"- {title}: {_line(row[name])}\n"
        yield f"- Instead: {_line(row['compensating']) or 'nothing'}\n"
        for title, name in (
            ("Controls", "controls"),
            ("Compensating controls", "compensating_controls"),
            ("Assets", "assets"),
            ("Evidence", "evidence"),
        ):
            yield f"- {title}: {', '.join(row[name]) or 'none'}\n"
        yield "\n| When (UTC) | Step | State after it | By | On behalf of | Comment | Entry |\n"
        yield "|---|---|---|---|---|---|---|\n"
        for step in link["steps"]:
            cells = (step["at"], step["kind"], step["target"], step["by"], step["on_behalf_of"] or "", step["comment"])
            yield f"| {' | '.join(_cell(one) for one in cells)} | {step['entry']} |\n"
        if link["decisions"]:
            yield "\n| Decision | Kind | SHA-256 of what was decided | Entry |\n|---|---|---|---|\n"
        for one in link["decisions"]:
            yield f"| {one['id']} | {one['kind']} | `{one['digest']}` | {one['entry']} |\n"


def _line(text: str) -> str:
    """A text as part of a line: nothing in it begins a heading, a table or a tag."""
    flat = " ".join(text.split())
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>#|" else letter for letter in flat)


def _cell(text: str) -> str:
    return _line(text)
