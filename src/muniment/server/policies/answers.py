"""Policies as JSON."""

from __future__ import annotations

from muniment.server.moments import moment
from muniment.server.policies.models import PolicyVersion


def policy_json(row: PolicyVersion, *, text: bool = True) -> dict[str, object]:
    """A version of a policy.

    Args:
        row: the version.
        text: with its text.
    """
    said: dict[str, object] = {
        "id": row.policy,
        "code": row.code,
        "number": row.number,
        "title": row.title,
        "link": row.link,
        "owner": row.owner,
        "effective_on": row.effective_on.isoformat(),
        "status": row.status,
        "reason": row.reason,
        "digest": row.digest,
        "created_by": row.created_by,
        "created_at": moment(row.created_at),
        "entry": row.seq,
    }
    return {**said, "text": row.text} if text else said
