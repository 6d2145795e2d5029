"""What is done with rules of approval and delegations. Nothing else writes their tables."""

from muniment.server.approvals.roster import Absence, Decider, Mandate, Roster
from muniment.server.approvals.services.deciding import absences_at, roster, stood_for
from muniment.server.approvals.services.delegations import (
    DELEGATION_ACTION,
    delegate,
    delegation_for,
    delegations,
    revocations_of,
    revoke_delegation,
)
from muniment.server.approvals.services.naming import case_of, names, names_for, person_of, requester_of, resolved
from muniment.server.approvals.services.rules import (
    ACTION,
    Preview,
    faults_of,
    newest,
    preview,
    rules_in,
    rules_in_force,
    rules_of,
    save_rules,
    version_for,
    versions,
)
from muniment.server.approvals.workflow import DEFAULT
from muniment.server.registers.keeping import NoSuch

__all__ = [
    "ACTION",
    "DEFAULT",
    "DELEGATION_ACTION",
    "Absence",
    "Decider",
    "Mandate",
    "NoSuch",
    "Preview",
    "Roster",
    "absences_at",
    "case_of",
    "delegate",
    "delegation_for",
    "delegations",
    "faults_of",
    "names",
    "names_for",
    "newest",
    "person_of",
    "preview",
    "requester_of",
    "resolved",
    "revocations_of",
    "revoke_delegation",
    "roster",
    "rules_in",
    "rules_in_force",
    "rules_of",
    "save_rules",
    "stood_for",
    "version_for",
    "versions",
]
