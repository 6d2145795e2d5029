"""Telling people what was given to them."""

from __future__ import annotations

from django.urls import reverse

from muniment.server.notifications.services import notify
from muniment.server.remediation.models import Incident, Task
from muniment.server.remediation.services.steps import Item, kind_of

EVENT = "task.assigned"


def assigned(row: Item, *, by: str) -> None:
    """Tell the owner of a task, a finding or an incident that it is theirs, unless they took it themselves.

    Args:
        row: as it stands, recorded.
        by: who gave it to them.
    """
    if not row.owner or row.owner == by:
        return
    kind = kind_of(row)
    facts: dict[str, str | int] = {"kind": kind}
    if not isinstance(row, Incident) and row.due_on is not None:
        facts["due"] = row.due_on.isoformat()
    if not isinstance(row, Task):
        facts["severity"] = row.severity
    notify(EVENT, [row.owner], kind, row.id, row.title, reverse(f"remediation:{kind}", args=[row.id]), facts)
