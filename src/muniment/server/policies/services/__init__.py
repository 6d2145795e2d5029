"""Use cases of the policy library: the only writers of its rows. Each runs in an open `tenant_scope`."""

from muniment.server.policies.services.policies import change, create, retire
from muniment.server.policies.services.reading import (
    NoSuch,
    Policy,
    definition_of,
    find_policy,
    history_of,
    policies,
    policy_for,
)

__all__ = [
    "NoSuch",
    "Policy",
    "change",
    "create",
    "definition_of",
    "find_policy",
    "history_of",
    "policies",
    "policy_for",
    "retire",
]
