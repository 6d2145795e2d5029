"""Use cases of exceptions: the only writers of their rows. Each runs in an open `tenant_scope`, `run_due` aside."""

from muniment.server.exceptions.services.deciding import attest, basis_of, decide, revoke, stands_against
from muniment.server.exceptions.services.drafting import (
    change,
    create,
    renew,
    renewing,
    said_of,
    submit,
    usual_zone,
    withdraw,
)
from muniment.server.exceptions.services.reading import (
    NoSuch,
    approvals_of,
    chain,
    content_of,
    decisions_of,
    due,
    exception_for,
    exceptions,
    matter_of,
    renewals_of,
    steps_of,
    waiting,
)
from muniment.server.exceptions.services.running import Ran, run_due
from muniment.server.exceptions.services.stale import mark_pending

__all__ = [
    "NoSuch",
    "Ran",
    "approvals_of",
    "attest",
    "basis_of",
    "chain",
    "change",
    "content_of",
    "create",
    "decide",
    "decisions_of",
    "due",
    "exception_for",
    "exceptions",
    "mark_pending",
    "matter_of",
    "renew",
    "renewals_of",
    "renewing",
    "revoke",
    "run_due",
    "said_of",
    "stands_against",
    "steps_of",
    "submit",
    "usual_zone",
    "waiting",
    "withdraw",
]
