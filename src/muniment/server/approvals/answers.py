"""Rules of approval and delegations as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

from muniment.server.approvals.document import digest_of, document_of, text_of
from muniment.server.approvals.models import Delegation, Revocation, RulesVersion
from muniment.server.approvals.services import Preview
from muniment.server.approvals.validation import Fault
from muniment.server.approvals.wording import Line, lines_of
from muniment.server.approvals.workflow import Rules
from muniment.server.moments import moment

DelegationState = Literal["ahead", "running", "over", "revoked"]


def version_json(rules: Rules, row: RulesVersion | None, names: Mapping[str, str], *, in_force: bool) -> dict[str, Any]:
    """A version of the rules; `row` is None of the default."""
    return {
        "id": rules.id,
        "version": rules.version,
        "in_force": in_force,
        "rules": document_of(rules),
        "text": lines_of(rules, names),
        "digest": digest_of(text_of(rules)),
        "comment": "" if row is None else row.comment,
        "created_by": None if row is None else row.created_by,
        "created_at": None if row is None else moment(row.created_at),
        "entry": None if row is None else row.seq,
    }


def faults_json(faults: Iterable[Fault]) -> list[dict[str, Any]]:
    """What is wrong with rules."""
    return [{"kind": one.kind, "where": one.where, "reason": one.reason, "blocks": one.blocks} for one in faults]


def lines_json(lines: Iterable[Line]) -> list[dict[str, str]]:
    """A comparison."""
    return [{"sign": one.sign, "text": one.text} for one in lines]


def preview_json(found: Preview) -> dict[str, Any]:
    """What rules do with a case."""
    return {
        "clause": found.place,
        "levels": [
            {
                "number": level.number,
                "deciders": [
                    {
                        "subject": one.subject,
                        "on_behalf_of": one.mandate.on_behalf_of or None,
                        "delegation": one.mandate.delegation or None,
                        "away": one.away,
                    }
                    for one in deciders
                ],
            }
            for level, deciders in found.levels
        ],
    }


def state_of(row: Delegation, end: Revocation | None, now: datetime) -> DelegationState:
    """Where a delegation stands."""
    if end is not None:
        return "revoked"
    if row.ends <= now:
        return "over"
    return "running" if row.begins <= now else "ahead"


def delegation_json(row: Delegation, end: Revocation | None, now: datetime) -> dict[str, Any]:
    """A delegation."""
    return {
        "id": row.id,
        "person": row.person,
        "to": row.delegate or None,
        "from": row.first_day.isoformat(),
        "until": row.last_day.isoformat(),
        "zone": row.zone,
        "begins_at": moment(row.begins),
        "ends_at": moment(row.ends),
        "state": state_of(row, end, now),
        "comment": row.comment,
        "created_by": row.created_by,
        "created_at": moment(row.created_at),
        "entry": row.seq,
        "revoked_by": None if end is None else end.by,
        "revoked_at": None if end is None else moment(end.at),
        "revoked_entry": None if end is None else end.seq,
    }
