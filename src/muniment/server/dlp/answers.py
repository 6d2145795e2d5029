"""Policies and verdicts as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from muniment.dlp.judging import Policy
from muniment.server.dlp.models import PolicyVersion, Release, Verdict
from muniment.server.dlp.services import State
from muniment.server.dlp.services.verdicts import findings_of
from muniment.server.moments import moment


def policy_json(number: int, policy: Policy) -> dict[str, Any]:
    """A policy."""
    return {
        "number": number,
        "rules": {name: {"action": rule.action, "reason": rule.reason} for name, rule in sorted(policy.rules.items())},
        "patterns": [{"name": one.name, "expression": one.expression} for one in policy.patterns],
    }


def version_json(row: PolicyVersion) -> dict[str, Any]:
    """A version of the policy."""
    said: Mapping[str, Any] = orjson.loads(row.said)
    return {
        "id": row.id,
        "number": row.number,
        **said,
        "created_by": row.created_by,
        "created_at": moment(row.created_at),
        "entry": row.seq,
    }


def verdict_json(row: Verdict, release: Release | None) -> dict[str, Any]:
    """A verdict, and how it was released if it was."""
    return {
        "id": row.id,
        "kind": row.kind,
        "subject": row.subject,
        "sha256": row.sha256,
        "size": row.size,
        "action": row.action,
        **findings_of(row),
        "antivirus": row.antivirus,
        "policy": row.policy,
        "attached_by": row.attached_by,
        "created_by": row.created_by,
        "created_at": moment(row.created_at),
        "entry": row.seq,
        "release": None if release is None else release_json(release),
    }


def release_json(row: Release) -> dict[str, Any]:
    """How a file was taken out of quarantine."""
    return {"reason": row.reason, "by": row.created_by, "at": moment(row.created_at), "entry": row.seq}


def state_json(state: State) -> dict[str, Any]:
    """How a stored file stands, in few words."""
    return {
        "state": state.word,
        "withheld": state.withheld,
        "verdict": None if state.verdict is None else state.verdict.id,
    }
