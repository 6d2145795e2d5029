"""Use cases of data protection: the only writers of its rows. Each runs in an open `tenant_scope`."""

from muniment.server.dlp.models import Verdict
from muniment.server.dlp.services.policies import change_policy, policy_in_force, policy_versions, read_policy
from muniment.server.dlp.services.verdicts import (
    Judged,
    State,
    findings_of,
    held_count,
    judge_file,
    keep_blocked,
    keep_verdict,
    newest_verdicts,
    quarantined,
    refusals,
    release,
    state_of,
    states_of,
)

__all__ = [
    "Judged",
    "State",
    "Verdict",
    "change_policy",
    "findings_of",
    "held_count",
    "judge_file",
    "keep_blocked",
    "keep_verdict",
    "newest_verdicts",
    "policy_in_force",
    "policy_versions",
    "quarantined",
    "read_policy",
    "refusals",
    "release",
    "state_of",
    "states_of",
]
