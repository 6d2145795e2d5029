"""Questions about exceptions, risks, tasks, findings and incidents, by the entries of their steps."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from muniment.reports.asks import Ask
from muniment.reports.conditions import Condition
from muniment.server.moments import moment

EXCEPTION: Final = tuple(
    f"exception.{kind}"
    for kind in (
        "activate", "approve", "attest", "create", "expire", "reject",
        "return", "revoke", "stale", "submit", "withdraw",
    )
)  # fmt: skip
"""Actions of the steps that an exception takes."""
_WORD: Final = ("exception.attest", "exception.expire", "exception.revoke", "exception.stale", "exception.withdraw")
"""Actions that say whether the decision on an exception stands as it was made."""
RISK: Final = ("risk.change", "risk.close", "risk.open")
STANDING: Final = ("open", "residual")
LEVELS: Final = ("critical", "high", "medium", "low")


def day_of(moment: datetime) -> str:
    """A day of UTC as labels write it."""
    return moment.astimezone(UTC).date().isoformat()


def exceptions(
    state: str, *, ids: tuple[str, ...] | None = None, risk: str = "", before: str = "", since: str = "", below: int = 0
) -> Ask:
    """How many exceptions are in a state.

    Args:
        state: one of the states of exceptions.
        ids: of these alone; None for all.
        risk: their risk level; "" for any.
        before: whose last day lies before this one; "" for any.
        since: whose last day is this one or later.
        below: as of this place; 0 for the checkpoint.
    """
    where = [Condition("to", among=(state,))]
    where += [Condition("risk", of="exception.submit", among=(risk,))] if risk else []
    where += [Condition("expires", of="exception.submit", since=since, before=before)] if since or before else []
    return Ask("subjects", about="exception", actions=EXCEPTION, where=tuple(where), ids=ids, below=below)


def stale_exceptions(*, ids: tuple[str, ...] | None = None, below: int = 0) -> Ask:
    """How many exceptions stand on something that has changed since they were decided."""
    where = (Condition("action", among=("exception.stale",)),)
    return Ask("subjects", about="exception", actions=_WORD, where=where, ids=ids, below=below)


def expiring(sealed_at: datetime, *, ids: tuple[str, ...] | None = None, below: int = 0) -> Ask:
    """How many active exceptions had come to the first day on which their rules remind of the end, by a checkpoint."""
    where = (
        Condition("to", among=("active",)),
        Condition("soon", of="exception.submit", before=str(moment(sealed_at))),
    )
    return Ask("subjects", about="exception", actions=EXCEPTION, where=where, ids=ids, below=below)


def risks(level: str = "", *, below: int = 0) -> Ask:
    """How many risks are not closed, of one level or of any; "none" for those that nobody placed."""
    where = [Condition("state", among=STANDING)]
    where += [Condition("level", among=("" if level == "none" else level,))] if level else []
    return Ask("subjects", about="risk", actions=RISK, where=tuple(where), below=below)


def items(kind: str, *states: str, severity: str = "", due_before: str = "", below: int = 0) -> Ask:
    """How many tasks, findings or incidents are in one of some states.

    Args:
        kind: task, finding or incident.
        states: of that kind.
        severity: of findings and incidents; "" for any.
        due_before: of tasks: due before this day; "" for any.
        below: as of this place; 0 for the checkpoint.
    """
    where = [Condition("state", among=states)]
    where += [Condition("severity", among=(severity,))] if severity else []
    where += [Condition("due.on", before=due_before)] if due_before else []
    return Ask("subjects", about=kind, actions=(f"{kind}.change",), where=tuple(where), below=below)
