"""The tenant's policy, version by version."""

from __future__ import annotations

from typing import Any, Final

import orjson
from django.db import connection as django_connection

from muniment.core.errors import Malformed, Refused
from muniment.dlp.judging import Policy, Rule
from muniment.dlp.patterns import Pattern
from muniment.server.access.standing import Standing
from muniment.server.dlp.models import PolicyVersion, policy_id
from muniment.server.recording import record

MOST_VERSIONS: Final = 100


def policy_in_force() -> tuple[int, Policy]:
    """The number of the newest version and what it says; number 0 and the usual rules while there is none."""
    row = PolicyVersion.objects.order_by("-number").first()
    return (0, Policy()) if row is None else (row.number, read_policy(row.said))


def policy_versions() -> list[PolicyVersion]:
    """The newest 100 versions, newest first."""
    return list(PolicyVersion.objects.order_by("-number")[:MOST_VERSIONS])


def change_policy(standing: Standing, policy: Policy, *, number: int) -> PolicyVersion:
    """Put another policy in force. What was judged stays as it is; a file can be scanned again.

    Args:
        standing: of who changes it; has `dlp.manage`.
        policy: the whole of it.
        number: of the version that was seen; 0 for the usual rules.

    Raises:
        Refused: if somebody changed it meanwhile, or nothing would be changed.
    """
    with django_connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"dlp/{standing.tenant_id}"])
    before, stands = policy_in_force()
    if before != number:
        raise Refused(f"it was changed meanwhile: version {before} is in force, not {number}", "number")
    if stands == policy:
        raise Refused("says what is in force already", "rules")
    row = PolicyVersion(
        id=policy_id(),
        tenant_id=standing.tenant_id,
        number=before + 1,
        said=written(policy),
        created_by=standing.subject,
    )
    changed = sorted(
        name for name in {*stands.rules, *policy.rules} if stands.rules.get(name) != policy.rules.get(name)
    )
    receipt = record(
        "dlp.change",
        by=standing.subject,
        resource=("dlp-policy", row.id),
        labels={"number": row.number, "rules": len(policy.rules), "patterns": len(policy.patterns)},
        body={"changed": changed, "policy": orjson.loads(row.said)},
    )
    row.seq = receipt.seq
    row.save(force_insert=True)
    return row


def written(policy: Policy) -> str:
    """A policy as it is kept: JSON with sorted keys."""
    said = {
        "rules": {name: {"action": rule.action, "reason": rule.reason} for name, rule in policy.rules.items()},
        "patterns": [{"name": one.name, "expression": one.expression} for one in policy.patterns],
    }
    return orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode()


def read_policy(said: str) -> Policy:
    """A policy that was kept."""
    found: dict[str, Any] = orjson.loads(said)
    return policy_from(found["rules"], found["patterns"])


def policy_from(rules: dict[str, dict[str, str]], patterns: list[dict[str, str]]) -> Policy:
    """A policy from plain values.

    Raises:
        Malformed: naming the field.
    """
    made: dict[str, Rule] = {}
    for name, rule in rules.items():
        try:
            made[name] = Rule(rule["action"], rule.get("reason", ""))
        except Malformed as error:
            raise Malformed(error.reason, f"rules.{name}.{error.where}") from None
    looked_for = []
    for place, one in enumerate(patterns):
        try:
            looked_for.append(Pattern(one["name"], one["expression"]))
        except Malformed as error:
            raise Malformed(error.reason, f"patterns[{place}].{error.where}") from None
    return Policy(made, tuple(sorted(looked_for, key=lambda one: one.name)))
