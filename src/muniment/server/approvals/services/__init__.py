"""What is done with rules of approval and delegations. Nothing else writes their tables."""

from muniment.server.approvals.roster import Absence, Decider, Mandate, Roster
from muniment.server.approvals.services.deciding import absences_at, may_decide, roster
from muniment.server.approvals.services.rules import (
    NoSuch,
    newest,
    rules_in,
    rules_in_force,
    rules_of,
    version_for,
    versions,
)

__all__ = [
    "Absence",
    "Decider",
    "Mandate",
    "NoSuch",
    "Roster",
    "absences_at",
    "may_decide",
    "newest",
    "roster",
    "rules_in",
    "rules_in_force",
    "rules_of",
    "version_for",
    "versions",
]
