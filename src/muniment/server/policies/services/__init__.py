"""Use cases of the policy library: the only writers of its rows. Each runs in an open `tenant_scope`."""

from muniment.server.policies.services.policies import ACTION, change, create, retire
from muniment.server.policies.services.reading import (
    Policy,
    definition_of,
    find_policy,
    history_of,
    policies,
    policy_for,
    version_of,
)
from muniment.server.registers.keeping import NoSuch

__all__ = [
    "ACTION",
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
    "version_of",
]
