"""Use cases of tasks, findings and incidents, the only writers of their rows; each runs in an open `tenant_scope`."""

from muniment.server.registers.keeping import NoSuch
from muniment.server.remediation.services import findings, incidents, tasks
from muniment.server.remediation.services.reading import (
    UNFINISHED_WORD,
    finding_for,
    incident_for,
    is_overdue,
    steps_of,
    task_for,
    today,
)
from muniment.server.remediation.services.steps import Item, kind_of

__all__ = [
    "UNFINISHED_WORD",
    "Item",
    "NoSuch",
    "finding_for",
    "findings",
    "incident_for",
    "incidents",
    "is_overdue",
    "kind_of",
    "steps_of",
    "task_for",
    "tasks",
    "today",
]
